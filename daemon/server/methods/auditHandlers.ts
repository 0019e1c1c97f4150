import type { AuditSubjectKind } from '../../../protocol/auditRule.ts';
import { auditList, auditVerify } from '../../../protocol/methods/auditLog.ts';
import type { AuditLog } from '../../auditLog/auditLog.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

/** What something is called now; `null` where it has no name, or none any more. */
export type NameOf = (kind: AuditSubjectKind, id: string) => string | null;

export function auditHandlers(log: AuditLog, nameOf: NameOf): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(auditList, async (page) => {
      const { items, next } = log.list(page);
      return {
        items: items.map(({ entry, hash }) => ({
          ...entry,
          subjects: entry.subjects.map(({ kind, id }) => ({ kind, id, name: id === null ? null : nameOf(kind, id) })),
          hash: Buffer.from(hash).toString('hex'),
        })),
        next,
      };
    }),
    handlerOf(auditVerify, ({ head }, { signal }) => log.verify(head, signal)),
  ];
}
