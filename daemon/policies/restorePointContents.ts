import { type Page, pageItems } from '../../protocol/method.ts';
import type {
  Entry as ShownEntry,
  EntryKind as ShownKind,
  LocatedEntry as ShownLocatedEntry,
  RestorePointFilesParams,
} from '../../protocol/methods/restorePoints.ts';
import { nameProblem } from '../../protocol/methods/values.ts';
import { noSuchPage } from '../catalog/paging.ts';
import type { Entry, EntryKind } from '../repository/entry.ts';
import { restorePointIdOf } from '../repository/manifest.ts';
import type { ManifestSource } from '../repository/manifestTypes.ts';
import type { RestorePointReader } from '../repository/restorePointReader.ts';
import type { TreeReader } from '../repository/treeReader.ts';
import { AnswerRoom } from './answerRoom.ts';
import { noSuchPath, type RestorePointTitle, SourceLayout } from './sourceLayout.ts';

/** An entry with its place in the restore point. */
export interface LocatedEntry {
  readonly source: ManifestSource;
  /** Names from the source down, as bytes; `[]` is the source itself. */
  readonly names: readonly Uint8Array[];
  readonly entry: Entry;
}

export interface WalkOptions {
  readonly recursive: boolean;
  readonly signal: AbortSignal;
}

const shownKinds: Readonly<Record<EntryKind, ShownKind>> = {
  file: 'file',
  directory: 'dir',
  link: 'link',
  fifo: 'fifo',
  socket: 'socket',
  characterDevice: 'char',
  blockDevice: 'block',
  stream: 'stream',
};

/** Looks into an open restore point: finds paths, lists folders, walks. Rejects with `unknownName` and with refusals of what is damaged. */
export class RestorePointContents {
  readonly reader: RestorePointReader;
  readonly layout: SourceLayout;
  /** By the policy's name at its run: `latest` and an id alone do not say whose it is. */
  readonly restorePoint: RestorePointTitle;

  constructor(reader: RestorePointReader) {
    this.reader = reader;
    this.restorePoint = titleOf(reader);
    this.layout = new SourceLayout(reader.manifest.sources, this.restorePoint);
  }

  /** The entry at a path; `undefined` for the top of several sources. */
  async locate(path: string, signal: AbortSignal): Promise<LocatedEntry | undefined> {
    const resolved = this.layout.resolve(path);
    if (resolved.kind === 'top') return undefined;
    const { source } = resolved;
    const tree = this.reader.treeOf(source);
    let entry = await this.reader.rootOf(source, signal);
    // A source that is one file is found by its own name too, what a command printed by the command's.
    const ownNames = source.kind === 'command' ? [displayOf(entry.name), this.layout.outputName(source)] : [displayOf(entry.name)];
    const isOwnName = entry.child === undefined && resolved.names.length === 1 && ownNames.includes(resolved.names[0] ?? '');
    const names: Uint8Array[] = [];
    for (const wanted of isOwnName ? [] : resolved.names) {
      const name = entry.child === undefined ? undefined : await nameIn(tree, entry.child, wanted, signal);
      const record = name === undefined || entry.child === undefined ? undefined : await tree.lookup(entry.child, name, signal);
      if (name === undefined || record === undefined) throw noSuchPath(path, this.restorePoint);
      entry = tree.decode(record);
      names.push(name);
    }
    return { source, names, entry };
  }

  /** What is at a path itself, and where that was on the machine. */
  async stat(path: string, signal: AbortSignal): Promise<ShownLocatedEntry> {
    const located = await this.locate(path, signal);
    if (located !== undefined) return { ...this.show(located), hostPath: this.hostPathOf(located) };
    const { finished } = this.reader.manifest.claimed;
    return { path: '', kind: 'dir', mode: 0o755, size: null, mtime: finished, linkTarget: null, pathBytes: null, hostPath: null };
  }

  /** Where an entry was on the machine that was backed up; `null` for what a command printed. */
  hostPathOf({ source, names }: LocatedEntry): string | null {
    const { kind, label, separator } = source;
    if (kind !== 'folder' || label === '') return null;
    const top = label.endsWith(separator) ? label.slice(0, -separator.length) : label;
    return names.length === 0 ? label : [top, ...names.map((name) => displayOf(name))].join(separator);
  }

  /** A page of what is at a path: a folder's entries, below each other where `recursive`; anything else itself. */
  async files(params: RestorePointFilesParams, signal: AbortSignal): Promise<Page<ShownEntry>> {
    const limit = Math.min(params.limit ?? pageItems, pageItems);
    const after = params.after === undefined ? undefined : decodeCursor(params.after);
    const items: ShownEntry[] = [];
    const room = new AnswerRoom(limit);
    let last: LocatedEntry | undefined;
    for await (const located of this.walk(params.path ?? '', { recursive: params.recursive, signal }, after)) {
      const shown = this.show(located);
      if (!room.takes(shown) && last !== undefined) return { items, next: encodeCursor(last) };
      items.push(shown);
      last = located;
    }
    return { items, next: null };
  }

  /** In the order of the tree, by bytes; a folder before what is in it. `after` is the source and names of the last entry that was seen. */
  async *walk(path: string, options: WalkOptions, after?: Cursor): AsyncGenerator<LocatedEntry> {
    const { signal } = options;
    const top = await this.locate(path, signal);
    if (top !== undefined) {
      yield* this.#walkFrom(top, options, after?.names.slice(top.names.length));
      return;
    }
    const folders = this.layout.folders();
    const from = after === undefined ? 0 : folders.findIndex(([, source]) => source.id === after.sourceId);
    if (from === -1) throw noSuchPage();
    for (const [index, [, source]] of folders.entries()) {
      if (index < from) continue;
      const entry = await this.reader.rootOf(source, signal);
      const isResumed = after !== undefined && index === from;
      if (!isResumed) yield { source, names: [], entry };
      if (options.recursive && entry.child !== undefined) {
        yield* this.#walkFrom({ source, names: [], entry }, options, isResumed ? after.names : undefined);
      }
    }
  }

  /** The path of an entry, from the top of the restore point. */
  pathOf({ source, names, entry }: LocatedEntry): string {
    if (source.kind === 'command') return this.layout.outputName(source);
    const parts = names.map((name) => displayOf(name));
    if (entry.child === undefined && names.length === 0) parts.push(displayOf(entry.name));
    const folder = this.layout.folderOf(source);
    return (folder === '' ? parts : [folder, ...parts]).join('/');
  }

  show(located: LocatedEntry): ShownEntry {
    const { entry, names } = located;
    const isText = names.every((name) => isUtf8(name));
    return {
      path: this.pathOf(located),
      kind: shownKinds[entry.kind],
      mode: entry.mode,
      size: entry.size ?? null,
      mtime: entry.mtime === undefined ? null : timeOf(entry.mtime),
      linkTarget: entry.linkTarget === undefined ? null : displayOf(entry.linkTarget),
      pathBytes: isText
        ? null
        : Buffer.concat(names.flatMap((name, index) => (index === 0 ? [name] : [Buffer.from('/'), name]))).toString('base64'),
    };
  }

  async *#walkFrom(top: LocatedEntry, options: WalkOptions, after: readonly Uint8Array[] | undefined): AsyncGenerator<LocatedEntry> {
    const { source, entry, names } = top;
    if (entry.child === undefined) {
      if (after === undefined) yield top;
      return;
    }
    yield* this.#walkFolder(this.reader.treeOf(source), source, entry.child, names, options, after);
  }

  async *#walkFolder(
    tree: TreeReader,
    source: ManifestSource,
    folder: Uint8Array,
    above: readonly Uint8Array[],
    options: WalkOptions,
    after: readonly Uint8Array[] | undefined,
  ): AsyncGenerator<LocatedEntry> {
    const { recursive, signal } = options;
    const [seen, ...below] = after ?? [];
    if (seen !== undefined && recursive) {
      const record = await tree.lookup(folder, seen, signal);
      const child = record === undefined ? undefined : tree.decode(record).child;
      if (child !== undefined)
        yield* this.#walkFolder(tree, source, child, [...above, seen], options, below.length === 0 ? undefined : below);
    }
    for await (const record of tree.entries(folder, { signal, ...(seen === undefined ? {} : { after: seen }) })) {
      const entry = tree.decode(record);
      const names = [...above, Uint8Array.from(record.name)];
      yield { source, names, entry };
      if (recursive && entry.child !== undefined) yield* this.#walkFolder(tree, source, entry.child, names, options, undefined);
    }
  }
}

function titleOf({ header, manifest }: RestorePointReader): RestorePointTitle {
  const id = restorePointIdOf(header.objectId).slice(0, 8);
  const { name } = manifest.policy;
  // Another writer's manifest may say anything.
  return {
    id,
    title: typeof name === 'string' && nameProblem(name) === undefined ? `restore point ${id} of ${name}` : `restore point ${id}`,
  };
}

/** The exact name where there is one; else the only name that is shown like it, for names that are not text. */
async function nameIn(tree: TreeReader, folder: Uint8Array, wanted: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const exact = Buffer.from(wanted, 'utf8');
  if ((await tree.lookup(folder, exact, signal)) !== undefined) return exact;
  if (!wanted.includes('\ufffd')) return undefined;
  const alike: Uint8Array[] = [];
  for await (const record of tree.entries(folder, { signal })) {
    if (!isUtf8(record.name) && displayOf(record.name) === wanted) alike.push(Uint8Array.from(record.name));
  }
  return alike.length === 1 ? alike[0] : undefined;
}

function displayOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function isUtf8(bytes: Uint8Array): boolean {
  return Buffer.from(displayOf(bytes), 'utf8').equals(bytes);
}

/** RFC 3339 with nanoseconds. Years outside 1..9999 are shown as the nearest that can be written. */
export function timeOf(nanoseconds: bigint): string {
  const billion = 1_000_000_000n;
  const fraction = ((nanoseconds % billion) + billion) % billion;
  const seconds = Number((nanoseconds - fraction) / billion);
  const date = new Date(Math.min(Math.max(seconds, -62_135_596_800), 253_402_300_799) * 1000);
  return `${date.toISOString().slice(0, 19)}.${String(fraction).padStart(9, '0')}Z`;
}

interface Cursor {
  readonly sourceId: string;
  readonly names: readonly Uint8Array[];
}

function encodeCursor({ source, names }: LocatedEntry): string {
  return [source.id, ...names.map((name) => Buffer.from(name).toString('base64url'))].join('.');
}

function decodeCursor(text: string): Cursor {
  const [sourceId, ...names] = text.split('.');
  if (sourceId === undefined || names.some((name) => !/^[A-Za-z0-9_-]+$/.test(name))) {
    throw noSuchPage();
  }
  return { sourceId, names: names.map((name) => Buffer.from(name, 'base64url')) };
}
