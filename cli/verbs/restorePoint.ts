import { exitStatusOf } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import {
  type RestorePoint,
  restorePointList,
  restorePointPin,
  restorePointRetire,
  restorePointUnpin,
  restorePointVerify,
  type VerifyDocument,
  verifyDocument,
} from '../../protocol/methods/restorePoints.ts';
import type { Call } from '../call.ts';
import { findingLines, noteLines, wayOutLines } from '../findingLines.ts';
import { reference } from '../names.ts';
import { allFindings, documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import type { Style } from '../output/style.ts';
import { table } from '../output/table.ts';
import { clipped, escaped } from '../../client/shown/text.ts';
import { counted, dayText, duration, moment, number, shortId, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { time, wholeNumber } from '../values.ts';
import { finish } from '../finish.ts';

export async function list(call: Call, session: Session): Promise<Result> {
  const policy = call.text('--policy');
  const since = call.text('--since');
  const limit = call.text('--limit');
  const points = await session.list(
    restorePointList,
    {
      ...(policy === undefined ? {} : { policy: reference('policy', policy) }),
      ...(since === undefined ? {} : { since: time('--since', since, session.host.now()) }),
      includeRetired: call.isOn('--include-retired'),
    },
    limit === undefined ? undefined : wholeNumber('--limit', limit, 1),
  );
  return { document: points, lines: points.length === 0 ? ['No restore point.'] : listLines(points, session) };
}

export async function verify(call: Call, session: Session): Promise<Result> {
  const restorePoint = reference('restore point', call.argument('ID'));
  await session.heedInterrupts();
  const { actionId } = await session.call(restorePointVerify, {
    requestId: session.host.uuid(),
    restorePoint,
    readData: call.isOn('--read-data'),
  });
  return await finish(session, { actionId, label: `Verifying ${restorePoint}` }, (action) =>
    verified(action, session, call.isOn('--read-data')),
  );
}

export async function retire(call: Call, session: Session): Promise<Result> {
  const point = await session.ask(restorePointRetire, (confirmed) => ({ restorePoint: named(call), confirmed }));
  const held = point.protectedUntil === null ? '' : `; its space is held until ${moment(point.protectedUntil, session.host.now())}`;
  return done(point, `Retired the restore point ${shortId(point.id)} of ${escaped(point.policy)}${held}.`);
}

export async function pin(call: Call, session: Session): Promise<Result> {
  const point = await session.ask(restorePointPin, () => ({ restorePoint: named(call) }));
  return done(point, `Pinned the restore point ${shortId(point.id)} of ${escaped(point.policy)}: it is not retired until it is unpinned.`);
}

export async function unpin(call: Call, session: Session): Promise<Result> {
  const point = await session.ask(restorePointUnpin, () => ({ restorePoint: named(call) }));
  return done(point, `Unpinned the restore point ${shortId(point.id)} of ${escaped(point.policy)}.`);
}

function named(call: Call): string {
  return reference('restore point', call.argument('ID'));
}

function done(point: RestorePoint, sentence: string): Result {
  return { document: point, lines: [sentence], isNotice: true };
}

async function verified(action: ActionWithResult, session: Session, wasRead: boolean): Promise<Result> {
  const status = statusOfAction(action);
  if (!printsDocument(status)) throw errorOfAction(action);
  const inline = documentOfAction(action, verifyDocument);
  const document: VerifyDocument = {
    ...inline,
    damaged: await allFindings(session, action, 'damaged', inline.damaged, inline.damagedCount),
  };
  const { style } = session;
  const { restorePointId, ok, checkedObjects, checkedBytes, damaged, damagedCount, notes, seconds } = document;
  const isRestorable = ok || action.state === 'completeWithWarnings';
  const verdict = ok ? style.good('all is well') : isRestorable ? style.warning('every file can be restored') : style.bad('damaged');
  const sum = `${counted(checkedObjects, 'object')}, ${size(checkedBytes)}, ${duration(seconds)}`;
  const unread = ok && !wasRead ? '; contents were not read, --read-data reads them' : '';
  return {
    document,
    lines: [
      `Restore point ${shortId(restorePointId)}: ${verdict} (${sum})${unread}.`,
      ...findingLines(damaged, damagedCount, 'damaged', style),
      ...noteLines(notes, style),
      ...wayOutLines(action),
    ],
    exitStatus: isRestorable ? status : exitStatusOf.damaged,
  };
}

function listLines(points: readonly RestorePoint[], { style, host }: Session): string[] {
  const now = host.now();
  const hasLocks = points.some((point) => point.protectedUntil !== null);
  const hasNotes = points.some((point) => point.description !== null);
  const columns = [
    { title: 'ID' },
    { title: 'POLICY' },
    { title: 'STARTED' },
    { title: 'FILES', align: 'right' as const },
    { title: 'SIZE', align: 'right' as const },
    { title: 'ADDED', align: 'right' as const },
    { title: 'STATE' },
    ...(hasLocks ? [{ title: 'PROTECTED' }] : []),
    ...(hasNotes ? [{ title: 'NOTE' }] : []),
  ];
  const rows = points.map((point) => [
    style.bold(shortId(point.id)),
    escaped(point.policy),
    moment(point.startedAt, now),
    number(point.files),
    size(point.bytes),
    size(point.addedBytes),
    stateText(point, style),
    ...(hasLocks ? [protectedText(point, now, style)] : []),
    ...(hasNotes ? [clipped(escaped(point.description ?? ''), 60)] : []),
  ]);
  return table(columns, rows, (text) => style.dim(text));
}

function protectedText({ protectedUntil }: RestorePoint, now: Date, style: Style): string {
  if (protectedUntil === null) return style.dim('not locked');
  const day = dayText(protectedUntil, now);
  return Date.parse(protectedUntil) > now.getTime() ? `locked until ${day}` : style.bad(`lock ended ${day}`);
}

function stateText({ state, pinned, imported, verified: check }: RestorePoint, style: Style): string {
  const words = [
    state === 'live' ? style.good(state) : state === 'damaged' ? style.bad(state) : style.dim(state),
    ...(pinned ? ['pinned'] : []),
    ...(imported ? ['imported'] : []),
    ...(check === null ? [] : [check.result === 'ok' ? 'verified' : style.bad('failed a check')]),
  ];
  return words.join(', ');
}
