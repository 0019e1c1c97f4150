import type { RunningAction } from '../../protocol/methods/session.ts';

/** The backup of a policy that runs, else the one that waits. By its id: it may be renamed meanwhile. */
export function backupOf(actions: readonly RunningAction[], policyId: string): RunningAction | undefined {
  return actions.find(({ kind, subjectId }) => kind === 'backup' && subjectId === policyId);
}
