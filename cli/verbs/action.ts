import { HoldfastError } from '../../protocol/errors.ts';
import { type Action, type ActionWithResult, actionCancel, actionList, actionShow, isEnded } from '../../protocol/methods/actions.ts';
import type { Call } from '../call.ts';
import { follow } from '../follow.ts';
import { reportOf } from '../actionReport.ts';
import { reference } from '../names.ts';
import { statusOfAction } from '../outcome.ts';
import { jsonText } from '../output/json.ts';
import type { Style } from '../output/style.ts';
import { facts, table } from '../output/table.ts';
import { clipped, escaped } from '../../client/shown/text.ts';
import { counted, moment, shortId, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { wholeNumber } from '../values.ts';

const listedByDefault = 50;

export async function list(call: Call, session: Session): Promise<Result> {
  const limit = call.text('--limit');
  const actions = await session.list(actionList, {}, limit === undefined ? listedByDefault : wholeNumber('--limit', limit, 1));
  const { style, host } = session;
  const now = host.now();
  const rows = actions.map((action) => [
    style.bold(shortId(action.actionId)),
    action.kind,
    clipped(escaped(action.subject), 60),
    stateText(action, style),
    moment(action.startedAt ?? action.queuedAt, now),
  ]);
  const titles = ['ID', 'KIND', 'SUBJECT', 'STATE', 'STARTED'].map((title) => ({ title }));
  return { document: actions, lines: actions.length === 0 ? ['Nothing has run yet.'] : table(titles, rows, (text) => style.dim(text)) };
}

export async function show(call: Call, session: Session): Promise<Result> {
  const action = await session.call(actionShow, { action: named(call) });
  if (call.isOn('--follow')) return await followed(action, session, false);
  return { document: action, lines: linesOf(action, session) };
}

export async function cancel(call: Call, session: Session): Promise<Result> {
  const action = await session.call(actionShow, { action: named(call) });
  if (isEnded(action.state)) {
    return { document: action, lines: [`The action ${shortId(action.actionId)} has ended already.`], isNotice: true };
  }
  const asked = await session.call(actionCancel, { actionId: action.actionId });
  if (call.isOn('--follow')) return await followed(action, session, true);
  return { document: asked, lines: [`Cancelling the action ${shortId(action.actionId)}.`], isNotice: true };
}

function named(call: Call): string {
  return reference('action', call.argument('ID'));
}

/** To its end: JSON Lines of every state seen, or progress and the end. The exit status is the action's own, but 0 for one that was to be cancelled and was. */
async function followed(action: ActionWithResult, session: Session, isWantedCancelled: boolean): Promise<Result> {
  const { host, globals } = session;
  const onChange = async (seen: ActionWithResult): Promise<void> => await host.out.write(`${jsonText(seen)}\n`);
  const [ended] = await follow(session, [{ actionId: action.actionId, label: `${action.kind} ${action.subject}` }], {
    cancelOnInterrupt: false,
    ...(globals.json ? { onChange } : {}),
  });
  if (ended === undefined) throw new HoldfastError('failed', 'Failed to follow the action: it never ran.');
  const exitStatus = isWantedCancelled && ended.state === 'cancelled' ? 0 : statusOfAction(ended);
  return { document: ended, lines: linesOf(ended, session), exitStatus, isPrinted: globals.json };
}

function stateText({ state, progress }: Action, style: Style): string {
  switch (state) {
    case 'complete':
      return style.good('complete');
    case 'completeWithWarnings':
      return style.warning('with warnings');
    case 'failed':
      return style.bad('failed');
    case 'cancelled':
      return style.dim('cancelled');
    case 'queued':
      return 'waiting';
    case 'running':
      return progress.fraction === null ? 'running' : `running, ${Math.floor(progress.fraction * 100)} %`;
  }
}

function linesOf(action: ActionWithResult, { style, host }: Session): readonly string[] {
  const now = host.now();
  const pairs: (readonly [string, string])[] = [
    ['Action', action.actionId],
    ['Kind', action.kind],
    ['Subject', escaped(action.subject)],
    ['State', stateText(action, style)],
    ['Asked for by', action.startedBy === 'schedule' ? 'its schedule' : 'a user'],
    ['Started', moment(action.startedAt, now)],
    ['Ended', moment(action.finishedAt, now)],
    ['So far', `${counted(action.progress.files, 'file')}, ${size(action.progress.bytes)}`],
  ];
  if (action.error !== null) {
    pairs.push(['Error', style.bad(escaped(action.error.message))]);
    if (action.error.fix !== null) pairs.push(['Way out', escaped(action.error.fix)]);
  }
  return [...facts(pairs, (text) => style.dim(text)), ...reportOf(action, style)];
}
