import { basename } from 'node:path';
import { nameProblem } from '../../../protocol/methods/values.ts';
import { recoveryImportStored } from '../../../protocol/methods/recovery.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { ImportStored } from '../../recovery/importStored.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function recoveryHandlers(importStored: ImportStored, queue: ActionQueue): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(recoveryImportStored, async (params, context) => {
      const passphrase = context.secrets.take(params.passphrase);
      const action = queue.submit({
        kind: 'importStored',
        subject: params.spec.path,
        requestId: params.requestId,
        lanes: ['installation'],
        work: async (run) => {
          const result = await importStored.run(
            {
              spec: params.spec,
              locationName: params.locationName ?? nameOf(params.spec.path),
              installation: params.installation,
              at: params.at,
              passphrase,
              tries: params.tries,
            },
            run,
          );
          // The passphrase was proved just now, by the same user.
          context.stepUp.grant();
          return result;
        },
      });
      return { actionId: action.actionId };
    }),
  ];
}

/** The folder's own name where it will do. */
function nameOf(path: string): string {
  const name = basename(path);
  return nameProblem(name) === undefined ? name : 'stored';
}
