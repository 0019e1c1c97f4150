import { exitStatusOf } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { locationProveLock, type LockProofDocument, lockProofDocument } from '../../protocol/methods/immutability.ts';
import { clipped, escaped } from '../../client/shown/text.ts';
import { moment } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { finish } from '../finish.ts';
import { reference } from '../names.ts';
import { documentOfAction, errorOfAction } from '../outcome.ts';
import type { Style } from '../output/style.ts';
import { table } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

export async function proveLock(call: Call, session: Session): Promise<Result> {
  const location = reference('location', call.argument('NAME'));
  await session.heedInterrupts();
  const { actionId } = await session.call(locationProveLock, { requestId: session.host.uuid(), location });
  return await finish(session, { actionId, label: `Proving the lock of ${escaped(location)}` }, async (action) => proved(action, session));
}

function proved(action: ActionWithResult, { style, host }: Session): Result {
  const isOver = action.state !== 'cancelled' && action.result !== null;
  if (!isOver) throw errorOfAction(action);
  const document = documentOfAction(action, lockProofDocument);
  const { verdict, at, attempts, reason } = document;
  // What failed for another cause than the proof's own verdict is no proof.
  if (verdict === 'enforced' && action.state === 'failed') throw errorOfAction(action);
  const columns = ['ATTEMPT', 'EXPECTED', 'GOT'].map((title) => ({ title }));
  const rows = attempts.map(({ attempt, expected, got }) => [
    cell(attempt),
    cell(expected),
    got === expected ? style.good(cell(got)) : style.bad(cell(got)),
  ]);
  return {
    document,
    lines: [
      `Lock proof of ${escaped(action.subject)}, ${moment(at, host.now())}: ${verdictText(document, style)}`,
      ...(reason === null ? [] : [escaped(reason)]),
      ...(rows.length === 0 ? [] : ['', ...table(columns, rows, (text) => style.dim(text))]),
      ...(verdict === 'enforced' || action.error === null || action.error.fix === null ? [] : ['', escaped(action.error.fix)]),
    ],
    exitStatus: verdict === 'enforced' ? 0 : exitStatusOf.refusedByRule,
  };
}

function cell(text: string): string {
  return clipped(escaped(text), 60);
}

function verdictText({ verdict }: LockProofDocument, style: Style): string {
  switch (verdict) {
    case 'enforced':
      return `${style.good('enforced')}. With the daemon's own credentials nothing that is locked could be deleted, shortened or hidden for good.`;
    case 'bypassable':
      return `${style.bad('bypassable')}. The store keeps locks, but these credentials can get past them.`;
    case 'notEnforced':
      return `${style.bad('not enforced')}. The store lets go what it was told to lock: nothing there is immutable.`;
    case 'inconclusive':
      return `${style.warning('inconclusive')}. It could not be shown that locks hold.`;
  }
}
