import { sessionStatus, type StatusResult } from '../../protocol/methods/session.ts';
import type { AutoLockStatus } from '../../protocol/methods/autoLock.ts';
import type { UnattendedStatus } from '../../protocol/methods/unattended.ts';
import type { Call } from '../call.ts';
import { facts } from '../output/table.ts';
import { escaped, quoted } from '../../client/shown/text.ts';
import { counted, moment } from '../../client/shown/units.ts';
import type { Style } from '../output/style.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

type StatusDocument = { readonly [Field in Exclude<keyof StatusResult, 'state'>]: StatusResult[Field] | null } & {
  readonly state: StatusResult['state'] | 'notRunning';
};

const notRunning: StatusDocument = {
  state: 'notRunning',
  installationId: null,
  version: null,
  pid: null,
  startedAt: null,
  passkeyInUse: null,
  safeUntil: null,
  lastBackup: null,
  runningActions: [],
  alerts: null,
  readOnly: null,
  unattended: null,
  autoLock: null,
};

export async function status(_call: Call, session: Session): Promise<Result> {
  const daemon = await session.runningDaemon();
  const document: StatusDocument = daemon === undefined ? notRunning : await daemon.call(sessionStatus, {});
  return { document, lines: linesOf(document, session) };
}

function linesOf(document: StatusDocument, { style, host, stateDirectory }: Session): readonly string[] {
  const now = host.now();
  const states: Readonly<Record<StatusDocument['state'], string>> = {
    notRunning: style.warning('not running'),
    notSetUp: style.warning('not set up'),
    locked: `${style.warning('locked')}: nothing runs by itself until "holdfast unlock"`,
    unlocked: style.good('unlocked'),
  };
  const pairs: (readonly [string, string])[] = [
    ['State', states[document.state]],
    ['State directory', escaped(stateDirectory)],
  ];
  if (document.installationId !== null) pairs.push(['Installation', document.installationId]);
  if (document.version !== null && document.pid !== null) {
    pairs.push(['Daemon', `${escaped(document.version)}, process ${document.pid}, since ${moment(document.startedAt, now)}`]);
  }
  if (document.passkeyInUse !== null) pairs.push(['Passkey in use', escaped(document.passkeyInUse)]);
  if (document.state === 'unlocked')
    pairs.push(['Last backup', document.lastBackup === null ? 'none yet' : moment(document.lastBackup, now)]);
  if (document.safeUntil !== null) pairs.push(['Safe until', safeText(document.safeUntil, now, style)]);
  if (document.alerts !== null && document.state !== 'notSetUp') pairs.push(['Alerts', alertsText(document.alerts, style)]);
  if (document.unattended !== null) pairs.push(['Unattended', unattendedText(document.unattended, now)]);
  if (document.autoLock !== null) pairs.push(['Locks itself', autoLockText(document.autoLock, now)]);
  for (const { actionId, kind, subject, state, fraction } of document.runningActions ?? []) {
    const share = fraction === null ? '' : `, ${Math.floor(fraction * 100)} %`;
    pairs.push([state === 'queued' ? 'Waiting' : 'Running', `${escaped(kind)} ${escaped(subject)}${share} (${actionId.slice(0, 8)})`]);
  }
  const next = nextStep(document.state);
  return [...facts(pairs, (text) => style.bold(text)), ...(next === undefined ? [] : ['', style.dim(next)])];
}

function safeText(safeUntil: string, now: Date, style: Style): string {
  const text = moment(safeUntil, now);
  return Date.parse(safeUntil) > now.getTime()
    ? `${text}, if the daemon never ran again`
    : style.bad(`${text}: holdfast immutability status`);
}

function alertsText({ error, warning }: { readonly error: number; readonly warning: number }, style: Style): string {
  if (error === 0 && warning === 0) return style.good('all clear');
  const counts = [
    ...(error === 0 ? [] : [style.bad(counted(error, 'error'))]),
    ...(warning === 0 ? [] : [style.warning(counted(warning, 'warning'))]),
  ];
  return `${counts.join(', ')}: holdfast alert list`;
}

function unattendedText({ kind, passkey, isSealed, path, problem, nextTryAt }: UnattendedStatus, now: Date): string {
  const sources = {
    command: 'with a command',
    passphraseFile: `with ${quoted(path ?? '')}`,
    keyService: `with passkey ${escaped(passkey ?? '')}${isSealed === true && problem === null ? ', whose credentials lie sealed while it is locked' : ''}`,
  };
  const source = sources[kind];
  if (problem === null) return source;
  return `${source}. ${escaped(problem)} ${nextTryText(nextTryAt, now)}`;
}

function nextTryText(nextTryAt: string | null, now: Date): string {
  if (nextTryAt === null) return 'It is not tried again.';
  const isSoon = Date.parse(nextTryAt) - now.getTime() < 10_000;
  return isSoon ? 'It is tried again within seconds.' : `It is tried again ${moment(nextTryAt, now)}.`;
}

function autoLockText({ hours, at }: AutoLockStatus, now: Date): string {
  return at === null ? `${hours} h after it was unlocked` : moment(at, now);
}

function nextStep(state: StatusDocument['state']): string | undefined {
  switch (state) {
    case 'notRunning':
      return 'The next verb starts it; holdfast unlock opens it.';
    case 'notSetUp':
      return 'Set it up with holdfast init.';
    case 'locked':
      return 'Unlock it with holdfast unlock.';
    case 'unlocked':
      return undefined;
  }
}
