import { generatePassphrase } from '../../protocol/generatedPassphrase.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import {
  type Bundle,
  bundleDocument,
  recoveryBackup,
  recoveryDisable,
  recoveryEnable,
  recoveryStatus,
  type RecoveryStatus,
  usualRecoverySchedule,
} from '../../protocol/methods/disasterRecovery.ts';
import { escaped } from '../../client/shown/text.ts';
import { counted, moment, size } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { finish } from '../finish.ts';
import { reference } from '../names.ts';
import { documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import { facts } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

export async function enable(call: Call, session: Session): Promise<Result> {
  const { style, secrets } = session;
  const location = reference('location', call.text('--location') ?? '');
  const file = call.text('--dr-passphrase-file');
  const generated = file === undefined ? generatePassphrase((below) => session.host.random(below)) : undefined;
  const passphrase =
    generated === undefined
      ? await secrets.find({ what: 'the DR passphrase', file, flag: '--dr-passphrase-file', question: 'DR passphrase' })
      : secrets.keep(Buffer.from(generated, 'utf8'));
  if (passphrase === undefined) throw call.problem('a DR passphrase is missing');
  const { enabled, bytesPerMonth } = await session.call(recoveryStatus, {});
  if (!enabled) await session.note(`Copies of the catalog will hold about ${size(bytesPerMonth)} for each month that they are kept.`);
  const { actionId, drkId } = await session.ask(recoveryEnable, async (confirmed) => ({
    requestId: session.host.uuid(),
    location,
    schedule: call.text('--schedule') ?? usualRecoverySchedule,
    afterBackups: call.toggle('--after-backups') ?? true,
    passphrase: await session.sendSecret(passphrase),
    confirmed,
  }));
  return {
    document: { location, drkId, actionId, ...(generated === undefined ? {} : { drPassphrase: generated }) },
    lines: [
      `Disaster recovery is on: copies of the catalog go to ${style.bold(escaped(location))}. The first one is under way.`,
      ...(generated === undefined ? [] : ['', `The DR passphrase, shown this once: ${style.bold(generated)}`]),
      style.warning(
        'Keep it apart from this machine and from your passkeys: a recovery takes it and any one passkey, and it is kept nowhere.',
      ),
      '',
      'Next: holdfast dr status',
    ],
    isNotice: generated === undefined,
  };
}

export async function disable(_call: Call, session: Session): Promise<Result> {
  const document = await session.ask(recoveryDisable, (confirmed) => ({ confirmed }));
  const { heldBytes } = document;
  return {
    document,
    lines: [`Disaster recovery is off.${heldBytes === 0 ? '' : ` ${size(heldBytes)} of bundles stay until their locks end.`}`],
    isNotice: true,
  };
}

export async function status(_call: Call, session: Session): Promise<Result> {
  const document = await session.call(recoveryStatus, {});
  return { document, lines: document.enabled ? statusLines(document, session) : offLines(document) };
}

export async function backUp(_call: Call, session: Session): Promise<Result> {
  await session.heedInterrupts();
  const { actionId } = await session.call(recoveryBackup, { requestId: session.host.uuid() });
  return await finish(session, { actionId, label: 'Backing up the catalog' }, async (action) => backedUp(action, session));
}

function backedUp(action: ActionWithResult, { host }: Session): Result {
  const exitStatus = statusOfAction(action);
  if (!printsDocument(exitStatus)) throw errorOfAction(action);
  const document = documentOfAction(action, bundleDocument);
  const { location, deletedBundles, freedBytes } = document;
  return {
    document,
    lines: [
      `Put the catalog to ${escaped(location)}: ${bundleText(document, host.now())}.`,
      ...(deletedBundles === 0 ? [] : [`${counted(deletedBundles, 'bundle')} went that nobody needs any more, ${size(freedBytes)}.`]),
    ],
    exitStatus,
  };
}

function offLines({ bytesPerMonth }: RecoveryStatus): readonly string[] {
  return [
    'Disaster recovery is off: with this machine the catalog would be lost, and with it what an attacker has retired.',
    `Turn it on with holdfast dr enable --location L; it would hold about ${size(bytesPerMonth)} for each month that its copies are kept.`,
  ];
}

function statusLines(document: RecoveryStatus, { style, host }: Session): readonly string[] {
  const { location, schedule, afterBackups, problems, newest, validTimes, oldestTime, heldBytes, bytesPerMonth, nextRunAt } = document;
  const now = host.now();
  const rows: readonly (readonly [string, string])[] = [
    ['Coverage', problems.length === 0 ? style.good('whole') : problems.map(({ message }) => style.warning(escaped(message))).join(' ')],
    ['Location', escaped(location ?? '')],
    ['Schedule', `${schedule ?? ''}${afterBackups === true ? ', and after backups of immutable policies' : ''}`],
    ['Newest bundle', newest === null ? style.warning('none yet') : bundleText(newest, now)],
    ['Valid times', oldestTime === null ? '0' : `${validTimes}, back to ${moment(oldestTime, now)}`],
    ['Next bundle', nextRunAt === null ? 'not by itself' : moment(nextRunAt, now)],
    ['Space', `${size(heldBytes)} held, about ${size(bytesPerMonth)} for each month`],
  ];
  return [...facts(rows, (text) => style.dim(text)), ...problems.map(({ fix }) => escaped(fix))];
}

function bundleText({ time, kind, bytes, restorePoints, lockedUntil }: Bundle, now: Date): string {
  const lock = lockedUntil === null ? 'not locked' : `locked until ${moment(lockedUntil, now)}`;
  return `${kind} of ${moment(time, now)}, ${counted(restorePoints, 'restore point')}, ${size(bytes)}, ${lock}`;
}
