import { recoveryBackup, recoveryDisable, recoveryEnable, recoveryStatus } from '../../../protocol/methods/disasterRecovery.ts';
import type { DisasterRecovery } from '../../recovery/bundles/disasterRecovery.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function bundleHandlers(recovery: DisasterRecovery): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(recoveryStatus, () => recovery.status()),
    handlerOf(recoveryEnable, {
      rule: async (params) => void recovery.checkEnable(params),
      run: async ({ requestId, passphrase: ref, ...target }, { secrets, signal }) => {
        const passphrase = secrets.take(ref);
        try {
          const { action, drkId } = await recovery.enable(target, passphrase, requestId, signal);
          return { actionId: action.actionId, drkId };
        } finally {
          passphrase.fill(0);
        }
      },
    }),
    handlerOf(recoveryDisable, {
      rule: async ({ confirmed }) => void recovery.checkDisable(confirmed),
      run: ({ confirmed }, { signal }) => recovery.disable(confirmed, signal),
    }),
    handlerOf(recoveryBackup, async ({ requestId }) => ({ actionId: recovery.backUp({ requestId, startedBy: 'user' }).actionId })),
  ];
}
