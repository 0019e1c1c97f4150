import { actionCancel } from '../../protocol/methods/actions.ts';
import type { Services } from '../services.ts';
import { showError } from '../ui/showError.ts';

/** Cancels an action for a button that nobody waits behind; tells where that does not reach the daemon. */
export async function cancelWork(services: Services, actionId: string): Promise<void> {
  try {
    await services.daemon.call(actionCancel, { actionId });
  } catch (error) {
    await showError(services, error);
  }
}
