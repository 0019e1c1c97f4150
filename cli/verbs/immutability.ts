import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import {
  immutabilityAbsence,
  immutabilityRefresh,
  immutabilityStatus,
  type LocationImmutability,
  type RefreshDocument,
  refreshDocument,
} from '../../protocol/methods/immutability.ts';
import { clipped, escaped, shellWord } from '../../client/shown/text.ts';
import { counted, duration, moment, number } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { finish } from '../finish.ts';
import { keyText, protectionText } from '../locationTexts.ts';
import { reference } from '../names.ts';
import { documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import type { Style } from '../output/style.ts';
import { facts } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { absenceDays } from '../values.ts';

/** A clock that is off by less is as good as right. */
const skewToMention = 5;

const keysShown = 20;

export async function status(call: Call, session: Session): Promise<Result> {
  const document = await session.call(immutabilityStatus, chosen(call));
  const { style, host } = session;
  const now = host.now();
  const { locations, safeUntil, longestAbsenceDays } = document;
  if (locations.length === 0) {
    return {
      document,
      lines: ['No location is immutable. A bucket with Object Lock becomes so: holdfast location edit NAME --protection-period 30.'],
    };
  }
  const overall: readonly (readonly [string, string])[] = [
    ...(locations.length > 1 ? [['Safe until', safeText(safeUntil, locations, now, style)] as const] : []),
    ['Absence', `${absenceText(longestAbsenceDays)} without the daemon are reckoned with`],
  ];
  return {
    document,
    lines: [
      ...locations.flatMap((location) => [
        style.bold(escaped(location.location)),
        ...facts(factsOf(location, now, style), (text) => style.dim(text)).map((line) => `  ${line}`),
        '',
      ]),
      ...facts(overall, (text) => style.dim(text)),
    ],
  };
}

export async function refresh(call: Call, session: Session): Promise<Result> {
  const params = chosen(call);
  await session.heedInterrupts();
  const { actionId } = await session.call(immutabilityRefresh, { requestId: session.host.uuid(), ...params });
  const label = params.location === undefined ? 'Refreshing all locks' : `Refreshing the locks of ${escaped(params.location)}`;
  return await finish(session, { actionId, label }, (action) => refreshed(action, session));
}

export async function absence(call: Call, session: Session): Promise<Result> {
  const days = absenceDays('DAYS', call.argument('DAYS'));
  const document = await session.ask(immutabilityAbsence, () => ({ days }));
  return {
    document,
    lines: [
      `${absenceText(document.longestAbsenceDays)} without the daemon are reckoned with from now on. The longer, the further ahead everything is locked, and the later space comes free.`,
    ],
    isNotice: true,
  };
}

/** The location that was named, where one was. */
export function chosen(call: Call): { readonly location?: string } {
  const typed = call.text('--location');
  return typed === undefined ? {} : { location: reference('location', typed) };
}

function factsOf(location: LocationImmutability, now: Date, style: Style): readonly (readonly [string, string])[] {
  const { shortest, slackSeconds, clockSkewSeconds, findings, lastAudit, promisedDays, protectionPeriodDays } = location;
  const audit = `holdfast immutability audit --location ${shellWord(location.location)}`;
  return [
    ['Protection', protectionText(location, style)],
    ...(promisedDays === protectionPeriodDays ? [] : [['Promised', promiseText(promisedDays)] as const]),
    ['Safe until', safeText(location.safeUntil, [location], now, style)],
    ['Shortest lock', shortest === null ? '-' : `${lockText(shortest, now, style)}, ${keyText(shortest.objectKey)}`],
    ['Objects', `${number(location.objects)} kept locked`],
    ...(slackSeconds === null ? [] : [['Slack', slackText(slackSeconds, style)] as const]),
    ['Last refresh', location.lastRefresh === null ? style.warning('none yet') : moment(location.lastRefresh, now)],
    ['Next refresh', location.isRefreshing ? 'under way' : moment(location.nextRefresh, now)],
    ['Calls a month', number(location.callsPerMonth)],
    ['Last audit', lastAudit === null ? 'none yet' : moment(lastAudit, now)],
    ['Findings', findings === 0 ? (lastAudit === null ? '-' : style.good('none')) : style.bad(`${number(findings)}: ${audit}`)],
    [
      'Lock proof',
      location.lockProof === null ? style.warning('none yet') : `${location.lockProof.verdict}, ${moment(location.lockProof.at, now)}`,
    ],
    ...(clockSkewSeconds === null || Math.abs(clockSkewSeconds) < skewToMention
      ? []
      : [
          [
            'Clock',
            style.warning(`${duration(Math.abs(clockSkewSeconds))} ${clockSkewSeconds > 0 ? 'ahead of' : 'behind'} the store's`),
          ] as const,
        ]),
  ];
}

/** Of these locations together: no date may mean that there is no promise yet, or that one is broken. */
function safeText(safeUntil: string | null, locations: readonly LocationImmutability[], now: Date, style: Style): string {
  if (safeUntil === null) {
    const isRefuted = locations.some(({ lockProof }) => lockProof?.verdict === 'notEnforced' || lockProof?.verdict === 'bypassable');
    if (isRefuted) return style.bad('not safe: the lock proof has shown that locks there do not hold');
    const isBroken = locations.some(
      ({ promisedDays, shortest }) => promisedDays !== null && shortest !== null && shortest.retainUntil === null,
    );
    return isBroken ? style.bad('not safe: something that is needed is not locked') : style.warning('nothing is promised yet');
  }
  const text = moment(safeUntil, now);
  return Date.parse(safeUntil) <= now.getTime() ? style.bad(text) : text;
}

function lockText({ retainUntil }: NonNullable<LocationImmutability['shortest']>, now: Date, style: Style): string {
  return retainUntil === null ? style.bad('not locked') : moment(retainUntil, now);
}

function promiseText(days: number | null): string {
  return days === null ? 'nothing before the first whole refresh' : `${counted(days, 'day')} until everything is locked for the period`;
}

function slackText(seconds: number, style: Style): string {
  return seconds < 0 ? style.bad(`${duration(-seconds)} below the promise`) : `${duration(seconds)} above the promise`;
}

function absenceText(days: number): string {
  return Number.isInteger(days) ? counted(days, 'day') : duration(days * 86_400);
}

async function refreshed(action: ActionWithResult, session: Session): Promise<Result> {
  const exitStatus = statusOfAction(action);
  if (!printsDocument(exitStatus)) {
    // What was extended all the same, and what was not, stands beside the error.
    if (action.result !== null && !session.globals.json) {
      for (const line of refreshLines(documentOfAction(action, refreshDocument), session.style)) await session.host.err.write(`${line}\n`);
    }
    throw errorOfAction(action);
  }
  const document = documentOfAction(action, refreshDocument);
  const { locations, seconds } = document;
  return {
    document,
    lines:
      locations.length === 0
        ? ['No location is immutable: there is no lock to refresh.']
        : [...refreshLines(document, session.style), `In ${duration(seconds)}.`],
    exitStatus,
  };
}

function refreshLines({ locations }: RefreshDocument, style: Style): string[] {
  return locations.flatMap(({ location, extended, missing, refused, error }) => {
    const name = style.bold(escaped(location));
    return [
      extended === 0 ? `${name}: no lock was too short.` : `${name}: ${counted(extended, 'lock')} extended.`,
      ...keyLines('missing', missing, style),
      ...keyLines('refused', refused, style),
      ...(error === null ? [] : [`  ${style.bad(escaped(error))}`]),
    ];
  });
}

function keyLines(word: string, keys: readonly string[], style: Style): string[] {
  const lines = keys.slice(0, keysShown).map((key) => `  ${style.bad(word)}  ${clipped(escaped(key), 200)}`);
  const rest = keys.length - lines.length;
  return rest <= 0 ? lines : [...lines, `  ${style.bad(word)}  and ${counted(rest, 'more', 'more')}; --json names more of them`];
}
