import { HoldfastError } from '../../../protocol/errors.ts';
import type { KeySecrets } from '../../../protocol/keyServices.ts';
import {
  type InitKey,
  sessionInit,
  sessionLock,
  sessionMakeWay,
  sessionStatus,
  sessionStepUp,
  sessionStop,
  sessionUnlock,
} from '../../../protocol/methods/session.ts';
import { programVersion } from '../../../protocol/version.ts';
import { counted } from '../../../protocol/wording.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import type { Installation } from '../../installation/installation.ts';
import type { NewSlotKey } from '../../installation/passkeys/slotKeys.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import type { Unlocking } from '../unlocking.ts';
import { withKeySecrets, withOptionalSecret, withSecret } from './passkeyHandlers.ts';

export interface SessionServices {
  readonly installation: Installation;
  readonly queue: ActionQueue;
  readonly unlocking: Unlocking;
  readonly alerts: AlertBook;
  readonly startedAt: Date;
  /** Cancels what runs, waits for its end, and drops the keys. */
  readonly lock: () => Promise<void>;
  readonly stop: () => void;
  /** RFC 3339; `null` where nothing was promised. */
  readonly safeUntil: () => string | null;
}

/** A status has to fit into one message, whatever was asked for. */
const actionsShown = 200;

export function sessionHandlers(services: SessionServices): readonly (readonly [string, BoundHandler])[] {
  const { installation, queue, alerts, startedAt, safeUntil } = services;
  const { unattended, autoLock } = services.unlocking;
  const { catalog } = installation;
  return [
    handlerOf(sessionStatus, async () => ({
      state: installation.state,
      installationId: catalog.installation.get()?.installationId ?? null,
      version: programVersion,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      passkeyInUse: catalog.passkeys.inUse()?.name ?? null,
      safeUntil: safeUntil(),
      lastBackup: catalog.restorePoints.newest()?.finishedAt ?? null,
      runningActions: queue.underWay.slice(0, actionsShown).map(({ action: { actionId, kind, subject, progress }, state, subjectId }) => ({
        actionId,
        kind,
        subject,
        subjectId,
        state,
        fraction: progress.fraction,
      })),
      alerts: alerts.counts(),
      readOnly: false,
      unattended: unattended.status,
      autoLock: autoLock.status,
    })),
    handlerOf(sessionInit, async ({ passkeyName, passphrase: phrase, key }, context) => {
      if ((phrase === undefined) === (key === undefined)) throw oneFirstKey();
      const made =
        phrase === undefined
          ? await withKeySecrets(context, key?.credentials, (credentials) =>
              installation.setUp(passkeyName, outsideKey(key, credentials), context.signal),
            )
          : await withSecret(context, phrase, (passphrase) =>
              installation.setUp(passkeyName, { kind: 'passphrase', passphrase }, context.signal),
            );
      context.stepUp.grant();
      return made;
    }),
    handlerOf(sessionUnlock, async ({ passkey, passphrase: phrase, access, credentials: ref }, context) => {
      const alreadyUnlocked = installation.state === 'unlocked';
      let stepUpUntil: string | null = null;
      if (!alreadyUnlocked) {
        await withOptionalSecret(context, phrase, (passphrase) =>
          withKeySecrets(context, ref, (credentials) => installation.unlock({ passphrase, access, credentials }, passkey, context.signal)),
        );
        // Whoever may run this program may lock and unlock with a key service, and would have what a step-up guards for nothing.
        if (phrase !== undefined || !installation.passkeys.isPassphraseNeeded) stepUpUntil = context.stepUp.grant().toISOString();
      }
      return { state: installation.state, passkeyInUse: catalog.passkeys.inUse()?.name ?? '', alreadyUnlocked, stepUpUntil };
    }),
    handlerOf(sessionLock, async (_params, context) => {
      context.stepUp.revoke();
      await services.lock();
      return { state: installation.state };
    }),
    handlerOf(sessionStop, async () => {
      const cancelledActions = queue.unfinished;
      services.stop();
      return { pid: process.pid, cancelledActions };
    }),
    handlerOf(sessionMakeWay, async () => {
      if (queue.unfinished > 0) {
        throw new HoldfastError('stillInUse', `Failed to make way: ${counted(queue.unfinished, 'action is', 'actions are')} under way.`, {
          fix: 'Wait for their end.',
        });
      }
      services.stop();
      return { pid: process.pid };
    }),
    handlerOf(sessionStepUp, async ({ passphrase }, context) => {
      await withOptionalSecret(context, passphrase, (secret) => installation.passkeys.proveForStepUp(secret, context.signal));
      autoLock.restart();
      return { until: context.stepUp.grant().toISOString() };
    }),
  ];
}

function outsideKey(key: InitKey | undefined, credentials: KeySecrets | undefined): NewSlotKey {
  if (key === undefined) throw oneFirstKey();
  return { kind: 'service', target: key.target, access: key.access, credentials };
}

function oneFirstKey(): HoldfastError {
  return HoldfastError.failedTo('badValue', 'set up', 'the first passkey is either a passphrase or a key at KMS or Vault', {
    fix: 'Choose one.',
  });
}
