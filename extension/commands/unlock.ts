import { sessionStatus } from '../../protocol/methods/session.ts';
import { askToSetUp } from '../forms/setUp.ts';
import { askToUnlock } from '../forms/unlock.ts';
import type { Services } from '../services.ts';
import { subjectOf } from './argument.ts';

/** With any passphrase, or with that of the passkey whose row was used. */
export async function unlock(services: Services, args: readonly unknown[]): Promise<void> {
  const { state } = await services.daemon.call(sessionStatus, {});
  if (state === 'notSetUp') await askToSetUp(services);
  else if (state === 'locked') await askToUnlock(services, subjectOf(args, 'passkey'));
}
