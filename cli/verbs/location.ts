import {
  type LocationCheck,
  type LocationSaved,
  locationAdd,
  locationEdit,
  locationList,
  locationRemove,
  locationValidate,
} from '../../protocol/methods/locations.ts';
import type { Call } from '../call.ts';
import { newName, reference } from '../names.ts';
import { table } from '../output/table.ts';
import { escaped } from '../../client/shown/text.ts';
import { moment, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { rateOf, rateText } from './limits.ts';

export async function addFilesystem(call: Call, session: Session): Promise<Result> {
  const name = newName('location', call.argument('NAME'));
  const uploadLimit = rateOf(call, '--upload-limit') ?? undefined;
  const saved = await session.call(locationAdd, {
    name,
    ...(uploadLimit === undefined ? {} : { uploadLimit }),
    spec: { kind: 'filesystem', path: session.resolvePath(call.requiredText('--path')) },
  });
  return savedResult(
    saved,
    session,
    `Added the location ${escaped(name)}. A folder is not immutable: who can write there can delete backups.`,
  );
}

export async function edit(call: Call, session: Session): Promise<Result> {
  const path = call.text('--path');
  const name = call.text('--rename');
  const uploadLimit = rateOf(call, '--upload-limit');
  if (path === undefined && name === undefined && uploadLimit === undefined) throw call.problem('nothing to change was given');
  const change = {
    ...(path === undefined ? {} : { path: session.resolvePath(path) }),
    ...(name === undefined ? {} : { name: newName('location', name) }),
    ...(uploadLimit === undefined ? {} : { uploadLimit }),
  };
  const saved = await session.ask(locationEdit, () => ({ location: named(call), ...change }));
  return savedResult(saved, session, `Changed the location ${escaped(saved.location?.name ?? '')}.`);
}

export async function list(_call: Call, session: Session): Promise<Result> {
  const locations = await session.list(locationList, {});
  const { style, host } = session;
  const now = host.now();
  const rows = locations.map((location) => [
    style.bold(escaped(location.name)),
    location.kind,
    location.path === null ? '-' : escaped(location.path),
    location.heldBytes === null ? '-' : size(location.heldBytes),
    location.immutable ? style.good(`${location.protectionPeriodDays ?? '?'} days`) : style.dim('not immutable'),
    location.uploadLimit === null ? '-' : rateText(location.uploadLimit),
    moment(location.lastValidatedAt, now),
  ]);
  const columns = [
    { title: 'NAME' },
    { title: 'KIND' },
    { title: 'WHERE' },
    { title: 'HELD', align: 'right' as const },
    { title: 'PROTECTION' },
    { title: 'LIMIT', align: 'right' as const },
    { title: 'VALIDATED' },
  ];
  const lines =
    locations.length === 0
      ? ['No location yet. Add one with holdfast location add filesystem NAME --path DIR.']
      : table(columns, rows, (text) => style.dim(text));
  return { document: locations, lines };
}

export async function validate(call: Call, session: Session): Promise<Result> {
  const { checks } = await session.call(locationValidate, { location: named(call) });
  return { document: checks, lines: checkLines(checks, session), exitStatus: hasFailed(checks) ? 1 : 0 };
}

export async function remove(call: Call, session: Session): Promise<Result> {
  const location = await session.ask(locationRemove, (confirmed) => ({ location: named(call), confirmed }));
  return { document: location, lines: [`Forgot the location ${escaped(location.name)}; what is stored there stays.`], isNotice: true };
}

function named(call: Call): string {
  return reference('location', call.argument('NAME'));
}

/** Where a check failed nothing was saved, and the document is the checks. */
function savedResult({ location, checks }: LocationSaved, session: Session, sentence: string): Result {
  if (location === null) {
    return { document: checks, lines: [...checkLines(checks, session), '', 'Nothing was saved.'], exitStatus: 1 };
  }
  const warnings = checks.filter((check) => check.result !== 'pass');
  return { document: { ...location, checks }, lines: [...checkLines(warnings, session), sentence], isNotice: true };
}

function hasFailed(checks: readonly LocationCheck[]): boolean {
  return checks.some((check) => check.result === 'fail');
}

function checkLines(checks: readonly LocationCheck[], { style }: Session): string[] {
  return checks.flatMap(({ check, result, detail, fix }) => {
    const mark = { pass: style.good('pass'), warn: style.warning('warn'), fail: style.bad('fail') }[result];
    return [
      `${mark}  ${style.bold(escaped(check))}: ${escaped(detail)}`,
      ...(fix === null || result === 'pass' ? [] : [`      ${escaped(fix)}`]),
    ];
  });
}
