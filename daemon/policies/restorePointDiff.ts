import type { Change, PathChange } from '../../protocol/methods/restorePoints.ts';
import type { Entry, FileContent } from '../repository/entry.ts';
import type { ManifestSource } from '../repository/manifestTypes.ts';
import type { TreeReader } from '../repository/treeReader.ts';
import type { RestorePointContents } from './restorePointContents.ts';

/** One side of a comparison of two folders. */
interface Side {
  readonly contents: RestorePointContents;
  readonly source: ManifestSource;
  readonly tree: TreeReader;
}

/**
 * What leads from one restore point to another, in the order of the trees. Folders with the same id are the same and are not entered. Restore points
 * of different policies share no ids, so their files are compared by size and time.
 */
export async function* diffRestorePoints(
  from: RestorePointContents,
  to: RestorePointContents,
  signal: AbortSignal,
): AsyncGenerator<PathChange> {
  const idsAgree = from.reader.manifest.policyId === to.reader.manifest.policyId;
  const left = new Map(from.layout.sources.map((source) => [source.id, source]));
  for (const [, source] of to.layout.folders()) {
    const before = left.get(source.id) ?? from.layout.sources.find((candidate) => candidate.label === source.label);
    if (before === undefined) {
      yield* everything(side(to, source), 'added', signal);
      continue;
    }
    left.delete(before.id);
    yield* diffSources(side(from, before), side(to, source), idsAgree, signal);
  }
  for (const source of left.values()) yield* everything(side(from, source), 'removed', signal);
}

/** How one entry became the other; `undefined` where nothing changed. */
export function changeOf(before: Entry, after: Entry, idsAgree: boolean): Change | undefined {
  if (before.kind !== after.kind) return 'kind';
  if (!isSameContent(before, after, idsAgree)) return 'modified';
  const isSameMetadata =
    before.mode === after.mode &&
    before.owner?.uid === after.owner?.uid &&
    before.owner?.gid === after.owner?.gid &&
    // A folder's time changes with every name in it, which is shown anyway; that of a command's output is the time of its run.
    (before.kind === 'directory' || before.kind === 'stream' || before.mtime === after.mtime);
  return isSameMetadata ? undefined : 'metadata';
}

function side(contents: RestorePointContents, source: ManifestSource): Side {
  return { contents, source, tree: contents.reader.treeOf(source) };
}

async function* diffSources(from: Side, to: Side, idsAgree: boolean, signal: AbortSignal): AsyncGenerator<PathChange> {
  const before = await from.contents.reader.rootOf(from.source, signal);
  const after = await to.contents.reader.rootOf(to.source, signal);
  if (before.child === undefined || after.child === undefined) {
    const change = changeOf(before, after, idsAgree);
    if (change !== undefined) yield pathChange(to, [], after, change);
    return;
  }
  yield* diffFolders(from, before.child, to, after.child, [], idsAgree, signal);
}

async function* diffFolders(
  from: Side,
  before: Uint8Array,
  to: Side,
  after: Uint8Array,
  above: readonly Uint8Array[],
  idsAgree: boolean,
  signal: AbortSignal,
): AsyncGenerator<PathChange> {
  if (idsAgree && Buffer.from(before).equals(after)) return;
  const left = from.tree.entries(before, { signal });
  const right = to.tree.entries(after, { signal });
  let a = await left.next();
  let b = await right.next();
  while (a.done !== true || b.done !== true) {
    const order = a.done === true ? 1 : b.done === true ? -1 : Buffer.compare(a.value.name, b.value.name);
    if (order < 0 && a.done !== true) {
      const entry = from.tree.decode(a.value);
      yield* withAllBelow(from, [...above, Uint8Array.from(a.value.name)], entry, 'removed', signal);
    } else if (order > 0 && b.done !== true) {
      const entry = to.tree.decode(b.value);
      yield* withAllBelow(to, [...above, Uint8Array.from(b.value.name)], entry, 'added', signal);
    } else if (a.done !== true && b.done !== true) {
      const names = [...above, Uint8Array.from(b.value.name)];
      if (!idsAgree || !Buffer.from(a.value.bytes).equals(b.value.bytes)) {
        const was = from.tree.decode(a.value);
        const is = to.tree.decode(b.value);
        const change = changeOf(was, is, idsAgree);
        if (change !== undefined) yield pathChange(to, names, is, change);
        if (was.child !== undefined && is.child !== undefined) {
          yield* diffFolders(from, was.child, to, is.child, names, idsAgree, signal);
        } else if (was.child !== undefined) {
          yield* below(from, names, was.child, 'removed', signal);
        } else if (is.child !== undefined) {
          yield* below(to, names, is.child, 'added', signal);
        }
      }
    }
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
}

async function* everything(place: Side, change: Change, signal: AbortSignal): AsyncGenerator<PathChange> {
  const entry = await place.contents.reader.rootOf(place.source, signal);
  if (entry.child === undefined) yield pathChange(place, [], entry, change);
  else yield* below(place, [], entry.child, change, signal);
}

async function* below(
  place: Side,
  above: readonly Uint8Array[],
  folder: Uint8Array,
  change: Change,
  signal: AbortSignal,
): AsyncGenerator<PathChange> {
  for await (const record of place.tree.entries(folder, { signal })) {
    yield* withAllBelow(place, [...above, Uint8Array.from(record.name)], place.tree.decode(record), change, signal);
  }
}

async function* withAllBelow(
  place: Side,
  names: readonly Uint8Array[],
  entry: Entry,
  change: Change,
  signal: AbortSignal,
): AsyncGenerator<PathChange> {
  yield pathChange(place, names, entry, change);
  if (entry.child !== undefined) yield* below(place, names, entry.child, change, signal);
}

function pathChange({ contents, source }: Side, names: readonly Uint8Array[], entry: Entry, change: Change): PathChange {
  return { path: contents.pathOf({ source, names, entry }), change };
}

function extentsOf(entry: Entry): string {
  return JSON.stringify(entry.extents ?? null);
}

function isSameContent(before: Entry, after: Entry, idsAgree: boolean): boolean {
  if (before.linkTarget !== undefined || after.linkTarget !== undefined) {
    return Buffer.from(before.linkTarget ?? []).equals(Buffer.from(after.linkTarget ?? []));
  }
  if (before.size !== after.size) return false;
  if (!idsAgree) return before.kind === 'directory' || before.mtime === after.mtime;
  return isSameData(before.content, after.content) && extentsOf(before) === extentsOf(after);
}

function isSameData(before: FileContent | undefined, after: FileContent | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  if (before.form === 'ids') return after.form === 'ids' && Buffer.from(before.ids).equals(after.ids);
  return after.form === 'list' && Buffer.from(before.id).equals(after.id);
}
