import { HoldfastError } from '../../protocol/errors.ts';
import type { Page } from '../../protocol/method.ts';
import type { FileHistoryParams, FileVersion } from '../../protocol/methods/restorePoints.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import { pageOfArray } from '../installation/pageOfArray.ts';
import type { Entry } from '../repository/entry.ts';
import type { OpenRestorePoints } from './openRestorePoints.ts';
import { RestorePointContents } from './restorePointContents.ts';
import { changeOf } from './restorePointDiff.ts';

interface Seen {
  readonly record: RestorePointRecord;
  readonly entry: Entry | undefined;
}

/** The entry that is asked for in one restore point, if it is there; `undefined` where the restore point has no place for it at all. */
type Find = (contents: RestorePointContents) => Promise<Entry | undefined> | undefined;

/**
 * The versions of one file, newest first: each is named by the first restore point that has it so. Looks into every restore point of the policies
 * that protect the path, oldest first; where none does, for a command of that name. Throws `unknownName` where there is neither.
 */
export async function fileHistory(
  catalog: Catalog,
  restorePoints: OpenRestorePoints,
  params: FileHistoryParams,
  signal: AbortSignal,
): Promise<Page<FileVersion>> {
  const { path, command } = params;
  const histories =
    (await historiesOf(
      catalog,
      restorePoints,
      (contents) => (contents.layout.covers(path) ? entryAt(contents, path, signal) : undefined),
      signal,
    )) ?? (await historiesOf(catalog, restorePoints, (contents) => outputOf(contents, command, signal), signal));
  if (histories === undefined) {
    throw new HoldfastError('unknownName', `Failed to find ${path}: no restore point has a source that contains it.`, {
      fix: 'Give the whole path of a file inside a source, or the name of a command; "holdfast policy list" shows them.',
    });
  }
  return pageOfArray(merged(histories), params, (version) => version);
}

/** The versions in each policy; `undefined` where nothing has a place for what is asked for. */
async function historiesOf(
  catalog: Catalog,
  restorePoints: OpenRestorePoints,
  find: Find,
  signal: AbortSignal,
): Promise<readonly FileVersion[][] | undefined> {
  const histories: FileVersion[][] = [];
  let isProtected = false;
  for (const policy of catalog.policies.list({ includeDeleted: true })) {
    let before: Seen | undefined;
    const newestFirst: FileVersion[] = [];
    histories.push(newestFirst);
    for (const record of catalog.restorePoints.live(policy.policyId)) {
      signal.throwIfAborted();
      const { reader } = await restorePoints.open(record, signal);
      const entry = find(new RestorePointContents(reader));
      if (entry === undefined) continue;
      isProtected = true;
      const seen: Seen = { record, entry: await entry };
      const version = versionOf(before, seen);
      if (version !== undefined) newestFirst.unshift(version);
      before = seen;
    }
  }
  return isProtected ? histories : undefined;
}

function outputOf(contents: RestorePointContents, name: string | undefined, signal: AbortSignal): Promise<Entry> | undefined {
  const source = contents.layout.sources.find(({ kind, label }) => kind === 'command' && label === name);
  return source === undefined ? undefined : contents.reader.rootOf(source, signal);
}

/** Of several policies the later first; within one policy in the order of its runs, whatever the clock did meanwhile. */
function merged(histories: readonly FileVersion[][]): readonly FileVersion[] {
  const all: FileVersion[] = [];
  for (;;) {
    let latest: FileVersion[] | undefined;
    for (const history of histories) {
      const time = history[0]?.time;
      if (time !== undefined && (latest?.[0] === undefined || time > latest[0].time)) latest = history;
    }
    const next = latest?.shift();
    if (next === undefined) return all;
    all.push(next);
  }
}

async function entryAt(contents: RestorePointContents, path: string, signal: AbortSignal): Promise<Entry | undefined> {
  try {
    return (await contents.locate(path, signal))?.entry;
  } catch (error) {
    if (HoldfastError.is(error, 'unknownName')) return undefined;
    throw error;
  }
}

function versionOf(before: Seen | undefined, { record, entry }: Seen): FileVersion | undefined {
  const facts = { restorePointId: record.id, time: record.finishedAt, size: entry?.size ?? null };
  if (entry === undefined) return before?.entry === undefined ? undefined : { ...facts, change: 'removed' };
  if (before?.entry === undefined) return { ...facts, change: 'added' };
  const change = changeOf(before.entry, entry, true);
  return change === undefined ? undefined : { ...facts, change };
}
