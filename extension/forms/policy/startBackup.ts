import { randomUUID } from 'node:crypto';
import { backupStart } from '../../../protocol/methods/backups.ts';
import type { Services } from '../../services.ts';
import { followWork } from '../../work/followWork.ts';
import { actionTitle } from '../../work/outcomeText.ts';
import { whileUnlocked } from '../unlocked.ts';

/** Runs one policy and stays with it to its end. */
export async function startBackup(services: Services, policyId: string): Promise<void> {
  const requestId = randomUUID();
  const params = { requestId, policies: [policyId], all: false, dryRun: false };
  const { actions } = await whileUnlocked(services, () => services.daemon.call(backupStart, params));
  for (const { actionId, policy } of actions) {
    await followWork(services, { actionId, title: actionTitle('backup', policy), view: 'holdfast.policies' });
  }
}
