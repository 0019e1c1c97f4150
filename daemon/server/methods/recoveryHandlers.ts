import { basename } from 'node:path';
import { placeOf } from '../../../protocol/locationSpec.ts';
import { nameProblem } from '../../../protocol/methods/values.ts';
import { recoveryImportStored } from '../../../protocol/methods/recovery.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { ImportStored } from '../../recovery/importStored.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function recoveryHandlers(importStored: ImportStored, queue: ActionQueue): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(recoveryImportStored, async (params, context) => {
      const { spec, installation, at, passkey, tries } = params;
      const passphrase = context.secrets.take(params.passphrase);
      const keys = params.keys === undefined ? undefined : context.secrets.take(params.keys);
      const wipe = (): void => {
        passphrase.fill(0);
        keys?.fill(0);
      };
      try {
        const { actionId } = queue.submit({
          kind: 'importStored',
          subject: placeOf(spec),
          requestId: params.requestId,
          lanes: ['installation'],
          work: async (run) => {
            const locationName = params.locationName ?? nameOf(placeOf(spec));
            const result = await importStored.run({ spec, keys, locationName, installation, at, passkey, passphrase, tries }, run);
            // The passphrase was proved just now, by the same user.
            context.stepUp.grant();
            return result;
          },
        });
        // The import overwrites it too, but one that was cancelled in the queue never ran, and a repeated request starts none.
        void (queue.ended(actionId) ?? Promise.resolve()).then(wipe);
        return { actionId };
      } catch (error) {
        wipe();
        throw error;
      }
    }),
  ];
}

/** The folder's or bucket's own name where it will do. */
function nameOf(place: string): string {
  const name = basename(place);
  return nameProblem(name) === undefined ? name : 'stored';
}
