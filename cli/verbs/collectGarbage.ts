import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { garbageDocument, locationCollectGarbage } from '../../protocol/methods/garbage.ts';
import { escaped } from '../../client/shown/text.ts';
import { counted, moment, size } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { finish } from '../finish.ts';
import { wayOutLines } from '../findingLines.ts';
import { reference } from '../names.ts';
import { documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

export async function collectGarbage(call: Call, session: Session): Promise<Result> {
  const location = reference('location', call.argument('NAME'));
  await session.heedInterrupts();
  const { actionId } = await session.call(locationCollectGarbage, {
    requestId: session.host.uuid(),
    location,
    dryRun: call.isOn('--dry-run'),
  });
  return await finish(session, { actionId, label: `Collecting the garbage of ${location}` }, async (action) => collected(action, session));
}

function collected(action: ActionWithResult, { style, host }: Session): Result {
  const status = statusOfAction(action);
  if (!printsDocument(status)) throw errorOfAction(action);
  const document = documentOfAction(action, garbageDocument);
  const { location, freedBytes, freedObjects, waiting, partlyUsedBytes, stopped, dryRun } = document;
  const now = host.now();
  return {
    document,
    lines: [
      `${dryRun ? 'Would free' : 'Freed'} ${size(freedBytes)}${dryRun ? '' : ` (${counted(freedObjects, 'object')})`} at ${escaped(location)}.`,
      ...waiting.map(({ until, bytes }) => `${size(bytes)} held until ${moment(until, now)}.`),
      ...(partlyUsedBytes === 0 ? [] : [`${size(partlyUsedBytes)} stay in packs of which other parts are needed.`]),
      ...stopped.map(({ policy, reason }) => `${style.bad('Not all was collected')} of ${escaped(policy)}: ${escaped(reason)}`),
      ...wayOutLines(action),
    ],
    exitStatus: status,
  };
}
