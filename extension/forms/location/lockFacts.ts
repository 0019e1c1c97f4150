import { immutabilityStatus } from '../../../protocol/methods/immutability.ts';
import { passkeyList } from '../../../protocol/methods/passkeys.ts';
import { sessionStatus } from '../../../protocol/methods/session.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Caller } from '../../connection/daemonService.ts';

/** What of the installation decides about locks. */
export interface LockFacts {
  /** Days without the daemon that are reckoned with. */
  readonly longestAbsenceDays: number;
  /** A daemon that starts stays locked until somebody unlocks it. */
  readonly waitsForPassphrase: boolean;
}

export async function readLockFacts(daemon: Caller): Promise<LockFacts> {
  const [{ longestAbsenceDays }, { unattended }, passkeys] = await Promise.all([
    daemon.call(immutabilityStatus, {}),
    daemon.call(sessionStatus, {}),
    listAll(daemon, passkeyList, {}),
  ]);
  const inUse = passkeys.find((passkey) => passkey.inUse);
  const isSealed = unattended?.isSealed === true;
  return { longestAbsenceDays, waitsForPassphrase: isSealed || (unattended === null && inUse?.kind === 'passphrase') };
}
