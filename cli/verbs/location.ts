import { type LocationCheck, locationAdd, locationList, locationRemove, locationValidate } from '../../protocol/methods/locations.ts';
import type { Call } from '../call.ts';
import { protectionText, whereText } from '../locationTexts.ts';
import { newName, reference } from '../names.ts';
import { table } from '../output/table.ts';
import { escaped } from '../../client/shown/text.ts';
import { moment, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { rateOf, rateText } from './limits.ts';
import { checkLines, savedResult } from './savedLocation.ts';

export async function addFilesystem(call: Call, session: Session): Promise<Result> {
  const name = newName('location', call.argument('NAME'));
  const uploadLimit = rateOf(call, '--upload-limit') ?? undefined;
  const saved = await session.call(locationAdd, {
    name,
    ...(uploadLimit === undefined ? {} : { uploadLimit }),
    spec: { kind: 'filesystem', path: session.resolvePath(call.requiredText('--path')) },
  });
  return savedResult(saved, session, [
    `Added the location ${escaped(name)}. A folder is not immutable: who can write there can delete backups.`,
  ]);
}

export async function list(_call: Call, session: Session): Promise<Result> {
  const locations = await session.list(locationList, {});
  const { style, host } = session;
  const now = host.now();
  const hasLocks = locations.some(({ protectionPeriodDays }) => protectionPeriodDays !== null);
  const rows = locations.map((location) => [
    style.bold(escaped(location.name)),
    location.kind,
    whereText(location),
    location.heldBytes === null ? '-' : size(location.heldBytes),
    protectionText(location, style),
    ...(hasLocks ? [moment(location.safeUntil, now)] : []),
    location.uploadLimit === null ? '-' : rateText(location.uploadLimit),
    moment(location.lastValidatedAt, now),
  ]);
  const columns = [
    { title: 'NAME' },
    { title: 'KIND' },
    { title: 'WHERE' },
    { title: 'HELD', align: 'right' as const },
    { title: 'PROTECTION' },
    ...(hasLocks ? [{ title: 'SAFE UNTIL' }] : []),
    { title: 'LIMIT', align: 'right' as const },
    { title: 'VALIDATED' },
  ];
  const lines =
    locations.length === 0
      ? [
          'No location yet. Add one with holdfast location add s3 NAME --bucket B --region R, or holdfast location add filesystem NAME --path DIR.',
        ]
      : table(columns, rows, (text) => style.dim(text));
  return { document: locations, lines };
}

export async function validate(call: Call, session: Session): Promise<Result> {
  const { checks } = await session.call(locationValidate, { location: named(call) });
  return { document: checks, lines: checkLines(checks, session), exitStatus: hasFailed(checks) ? 1 : 0 };
}

export async function remove(call: Call, session: Session): Promise<Result> {
  const location = await session.ask(locationRemove, (confirmed) => ({ location: named(call), confirmed }));
  const notes = location.notes.map((note) => session.style.warning(escaped(note)));
  const lines = [`Forgot the location ${escaped(location.name)}; what is stored there stays.`, ...notes];
  return { document: location, lines, isNotice: notes.length === 0 };
}

function named(call: Call): string {
  return reference('location', call.argument('NAME'));
}

function hasFailed(checks: readonly LocationCheck[]): boolean {
  return checks.some((check) => check.result === 'fail');
}
