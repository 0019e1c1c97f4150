import { basename } from 'node:path';
import { HoldfastError } from '../../../protocol/errors.ts';
import { placeOf } from '../../../protocol/locationSpec.ts';
import type { InitKey } from '../../../protocol/methods/session.ts';
import { keyArnProblem } from '../../../protocol/namedKeys.ts';
import { nameProblem } from '../../../protocol/methods/values.ts';
import { recoveryImportStored } from '../../../protocol/methods/recovery.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { ServiceSlotKey } from '../../installation/passkeys/slotKeys.ts';
import type { ImportStored } from '../../recovery/importStored.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import { keySecretsIn } from './passkeyHandlers.ts';

export function recoveryHandlers(importStored: ImportStored, queue: ActionQueue): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(recoveryImportStored, async (params, context) => {
      const { spec, installation, at, passkey, tries } = params;
      const given = params.key;
      if (params.passphrase !== undefined && given !== undefined) throw twoWays();
      const [passphrase, credentials, keys] = [params.passphrase, given?.credentials, params.keys].map((ref) =>
        ref === undefined ? undefined : context.secrets.take(ref),
      );
      const wipe = (): void => {
        for (const secret of [passphrase, credentials, keys]) secret?.fill(0);
      };
      try {
        const key = given === undefined ? undefined : outsideKey(given, credentials);
        const { actionId } = queue.submit({
          kind: 'importStored',
          subject: placeOf(spec),
          requestId: params.requestId,
          lanes: ['installation'],
          work: async (run) => {
            const locationName = params.locationName ?? nameOf(placeOf(spec));
            const result = await importStored.run({ spec, keys, locationName, installation, at, passkey, passphrase, key, tries }, run);
            // The passphrase or the key was proved just now, by the same user.
            context.stepUp.grant();
            return result;
          },
        });
        // The import overwrites the passphrase too, but one that was cancelled in the queue never ran, and a repeated request starts none.
        void (queue.ended(actionId) ?? Promise.resolve()).then(wipe);
        return { actionId };
      } catch (error) {
        wipe();
        throw error;
      }
    }),
  ];
}

function outsideKey({ target, access }: InitKey, credentials: Uint8Array | undefined): ServiceSlotKey {
  const problem = target.kind === 'awsKms' ? keyArnProblem(target.keyId) : undefined;
  if (problem !== undefined) {
    throw HoldfastError.failedTo('badValue', 'import', problem, { fix: 'An alias or an id may be another key by now: look its ARN up.' });
  }
  return { kind: 'service', target, access, credentials: credentials === undefined ? undefined : keySecretsIn(credentials) };
}

function twoWays(): HoldfastError {
  return HoldfastError.failedTo('badValue', 'import', 'either a passphrase or a key outside opens the keyrings', { fix: 'Choose one.' });
}

/** The folder's or bucket's own name where it will do. */
function nameOf(place: string): string {
  const name = basename(place);
  return nameProblem(name) === undefined ? name : 'stored';
}
