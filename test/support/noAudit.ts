import type { AuditTrail } from '../../daemon/server/dispatcher.ts';

/** For tests of what lies beside the audit log. */
export const noAudit: AuditTrail = {
  refused: () => undefined,
  begin: () => ({ done: () => undefined, failed: () => undefined }),
};
