import {
  type Change,
  type Entry,
  type PathChange,
  type RestorePointDiffParams,
  restorePointCat,
  restorePointDiff,
  restorePointDump,
  restorePointFiles,
} from '../../protocol/methods/restorePoints.ts';
import type { StreamRef } from '../../protocol/method.ts';
import type { Call } from '../call.ts';
import { reference } from '../names.ts';
import type { Style } from '../output/style.ts';
import { escaped } from '../../client/shown/text.ts';
import { permissions, size, stamp } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import { collected, type Session } from '../session.ts';

export async function files(call: Call, session: Session): Promise<Result> {
  const path = call.optionalArgument('PATH');
  const entries = session.items(restorePointFiles, {
    restorePoint: named(call),
    ...(path === undefined ? {} : { path }),
    recursive: call.isOn('--recursive'),
  });
  return await printedAsItComes(entries, session, (entry) => entryLine(entry, session.style));
}

export async function diff(call: Call, session: Session): Promise<Result> {
  const other = call.optionalArgument('OTHER');
  const withSource = call.isOn('--with-source');
  if (other !== undefined && withSource) throw call.problem('OTHER and --with-source exclude each other', 'Leave one of them out.');
  const against: Pick<RestorePointDiffParams, 'against' | 'other'> =
    other !== undefined ? { against: 'other', other: reference('restore point', other) } : { against: withSource ? 'source' : 'previous' };
  if (withSource) await nameWhatIsNotCompared(call, session);
  const changes = session.items(restorePointDiff, { restorePoint: named(call), ...against });
  const from = other !== undefined ? escaped(other) : withSource ? 'the sources as they are now' : 'the restore point before it';
  return await printedAsItComes(changes, session, (change) => changeLine(change, session.style), `No differences from ${from}.`);
}

/** No command runs for a comparison. */
async function nameWhatIsNotCompared(call: Call, session: Session): Promise<void> {
  for await (const { kind, path } of session.items(restorePointFiles, { restorePoint: named(call), recursive: false })) {
    if (kind === 'stream') await session.note(`${escaped(path)} is not compared: a command printed it, and no command runs for this.`);
  }
}

export async function cat(call: Call, session: Session): Promise<Result> {
  return await stream(await session.call(restorePointCat, { restorePoint: named(call), path: call.argument('PATH') }), session);
}

export async function dump(call: Call, session: Session): Promise<Result> {
  const path = call.optionalArgument('PATH');
  if (session.host.out.isTerminal)
    throw call.problem('an archive is nothing for a terminal', 'Send it into a file or a program: … --format tar > FILE.');
  return await stream(
    await session.call(restorePointDump, { restorePoint: named(call), ...(path === undefined ? {} : { path }), format: 'tar' }),
    session,
  );
}

function named(call: Call): string {
  return reference('restore point', call.argument('ID'));
}

/** The bytes to standard output, no faster than whoever reads them. */
async function stream(ref: StreamRef, session: Session): Promise<Result> {
  const daemon = await session.daemon();
  for await (const bytes of daemon.stream(ref)) await session.host.out.write(bytes);
  return { document: null, isPrinted: true };
}

const linesAtOnce = 500;

/**
 * A list that may be long: for people line by line as the pages come, for programs one document at the end. Of an empty one a terminal gets `whenEmpty`
 * where that is given; a pipe gets nothing.
 */
async function printedAsItComes<Item>(
  items: AsyncIterable<Item>,
  session: Session,
  lineOf: (item: Item) => string,
  whenEmpty?: string,
): Promise<Result> {
  if (session.globals.json) return { document: await collected(items) };
  let lines: string[] = [];
  let isEmpty = true;
  const flush = async (): Promise<void> => {
    if (lines.length > 0) await session.host.out.write(`${lines.join('\n')}\n`);
    lines = [];
  };
  for await (const item of items) {
    isEmpty = false;
    lines.push(lineOf(item));
    if (lines.length >= linesAtOnce) await flush();
  }
  await flush();
  if (isEmpty && whenEmpty !== undefined && session.host.out.isTerminal) await session.host.out.write(`${whenEmpty}\n`);
  return { document: null, isPrinted: true };
}

const sizeColumns = 9;

function entryLine({ path, kind, mode, size: bytes, mtime, linkTarget }: Entry, style: Style): string {
  const shownSize = (bytes === null ? '-' : size(bytes)).padStart(sizeColumns);
  const when = mtime === null ? '-'.padEnd(16) : stamp(new Date(mtime));
  const name = escaped(path);
  const shownName = kind === 'dir' ? style.bold(`${name}/`) : name;
  return `${permissions(kind, mode)}  ${shownSize}  ${style.dim(when)}  ${shownName}${linkTarget === null ? '' : ` -> ${escaped(linkTarget)}`}`;
}

const marks: Readonly<Record<Change, string>> = { added: '+', removed: '-', modified: 'M', metadata: 'm', kind: 'T' };

function changeLine({ path, change }: PathChange, style: Style): string {
  const line = `${marks[change]}  ${escaped(path)}`;
  if (change === 'added') return style.good(line);
  return change === 'removed' ? style.bad(line) : line;
}
