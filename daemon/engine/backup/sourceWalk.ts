import { type BigIntStats, lstatSync, opendirSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { encodeEntry } from '../../repository/entryEncoder.ts';
import type { Entry, EntryKind } from '../../repository/entry.ts';
import { TreeBuilder } from '../../repository/treeBuilder.ts';
import type { CacheReader } from '../cache/cacheReader.ts';
import type { CacheWriter } from '../cache/cacheWriter.ts';
import { folderKey } from '../cache/cacheFile.ts';
import type { CachedFile } from '../cache/cacheRecord.ts';
import { ownPack, type ChunkTable } from '../dedup/chunkTable.ts';
import type { FolderSource } from '../jobs.ts';
import { rawOf, rawPath } from '../rawPath.ts';
import { specialReasons } from '../specialReasons.ts';
import { readSmallFile } from './readSmallFile.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { RunStopped } from '../threads/mailbox.ts';
import type { RunControl, RunCounters } from '../threads/runMemory.ts';
import { ExcludeRules, type GitignoreScope } from './excludeRules.ts';
import { type FileDispatcher, type FileRead, partLength } from './fileDispatcher.ts';
import { factsOf } from './fileFacts.ts';
import { contentOf, sumOfLengths } from './fileContent.ts';
import type { FileFacts } from './fileTasks.ts';
import type { NodeStore } from './nodeStore.ts';
import { type CacheRow, OpenFolder, type Slot } from './openFolder.ts';
import { ownerOf, unmappedIds } from './unmappedIds.ts';
import { reasonOf, type WalkReport } from './walkReport.ts';

const idLength = 32;
/** A file whose data is in doubt for this long after a change is read again next time: file systems stamp times coarsely. */
const doubtfulFor = 2_000_000_000n;
/** Smaller files are read whole, holes and all. */
const smallestSparse = 64 * 1024;
/** More extents than this are no help. */
const mostExtents = 30_000;
/** Entries of a folder that wait for one before them. */
const mostWaiting = 50_000;
const cacheTag = 'CACHEDIR.TAG';
const cacheSignature = 'Signature: 8a477f597d28d172789f06886806bc55';
const emptyBytes = new Uint8Array(0);

/** What a walk works with; all of it outlives the source. */
export interface WalkTools {
  readonly control: RunControl;
  readonly counters: RunCounters;
  readonly table: ChunkTable;
  readonly hits: Uint8Array;
  readonly nodes: NodeStore;
  readonly dispatcher: FileDispatcher;
  readonly report: WalkReport;
  /** device:inode of folders that are never entered. */
  readonly neverEnter: ReadonlySet<string>;
  readonly cache: CacheReader | undefined;
  readonly cacheWriter: CacheWriter | undefined;
}

/** Where an open folder's own entry goes. */
interface Parent {
  readonly folder: OpenFolder;
  readonly slot: Slot;
  readonly name: string;
}

/**
 * Walks one source in the order of names, depth first: unchanged files are taken from the cache, others handed to the workers, and each folder
 * becomes a tree as soon as all in it is known.
 */
export class SourceWalk {
  readonly #source: FolderSource;
  readonly #tools: WalkTools;
  readonly #rules: ExcludeRules;
  readonly #parents = new Map<OpenFolder, Parent | undefined>();
  readonly #finished: { readonly folder: OpenFolder; readonly top: Uint8Array }[] = [];
  #rootDevice = 0n;
  /** The source's path as it was given, and with its links followed; without the slash of the system's root. */
  #place: { readonly given: string; readonly real: string } = { given: '', real: '' };
  #root: Uint8Array | undefined;
  readonly #unmapped = unmappedIds();

  constructor(source: FolderSource, tools: WalkTools) {
    this.#source = source;
    this.#tools = tools;
    this.#rules = new ExcludeRules(source.exclude, source.gitignore);
  }

  /** The source's root id; `undefined` where it is not there, which is reported. Throws `RunStopped`. */
  walk(): Uint8Array | undefined {
    const { report, dispatcher } = this.#tools;
    const absolute = rawOf(path.resolve(this.#source.path));
    let facts: FileFacts;
    let isFolder: boolean;
    try {
      const stats = statSync(rawPath(absolute), { bigint: true });
      facts = factsOf(stats);
      isFolder = stats.isDirectory();
      this.#place = placeOf(absolute);
      // One that can not be looked into is missing: as an empty folder it would stand for what is in it.
      if (isFolder) opendirSync(rawPath(absolute)).closeSync();
      if (!isFolder && !stats.isFile()) {
        report.skip(absolute, 'it is neither a folder nor a file');
        return undefined;
      }
    } catch (error) {
      const code = codeOf(error);
      report.skip(absolute, code === 'ENOENT' || code === 'ENOTDIR' ? 'it is not there' : reasonOf(code));
      return undefined;
    }
    this.#rootDevice = facts.device;
    if (isFolder) this.#walkFolder(absolute, facts);
    else this.#walkFile(absolute, facts);
    dispatcher.drain();
    this.#closeFinished();
    return this.#root;
  }

  #walkFolder(absolute: string, facts: FileFacts): void {
    const { control, dispatcher } = this.#tools;
    const stack = [this.#open({ absolute, path: '', facts, scope: [], parent: undefined })];
    for (let folder = stack.at(-1); folder !== undefined; folder = stack.at(-1)) {
      if (control.isStopped) throw new RunStopped();
      const name = folder.nextName();
      if (name === undefined) {
        stack.pop();
        folder.complete();
        dispatcher.poll();
        this.#closeFinished();
        continue;
      }
      const below = this.#visit(folder, name);
      if (below !== undefined) stack.push(below);
      // A slow file must not make those behind it pile up.
      while (folder.waiting > mostWaiting && dispatcher.pending > 0) dispatcher.wait();
      if (this.#finished.length > 0) this.#closeFinished();
    }
  }

  /** A source that is one file: the root is its entry, by its own name. */
  #walkFile(absolute: string, facts: FileFacts): void {
    const name = absolute.slice(absolute.lastIndexOf('/') + 1);
    const { nodes, report } = this.#tools;
    report.count('files');
    report.count('newFiles');
    report.count('bytes', facts.size);
    this.#readFile(absolute, name, facts, (entry) => {
      const tree = new TreeBuilder((node) => nodes.store('tree', node));
      if (entry !== null) this.#root = (tree.add(entry), tree.finish().id);
    });
  }

  #open(place: {
    readonly absolute: string;
    readonly path: string;
    readonly facts: FileFacts;
    readonly scope: GitignoreScope;
    readonly parent: Parent | undefined;
  }): OpenFolder {
    const { nodes, cache, cacheWriter, report } = this.#tools;
    const names = this.#namesOf(place.absolute, place.facts);
    const has = (name: string): boolean => includesSorted(names, name);
    const key = folderKey(place.path);
    const isCacheFolder = place.parent !== undefined && !this.#source.includeCaches && has(cacheTag) && isTagged(place.absolute);
    const folder = new OpenFolder(
      {
        absolute: place.absolute,
        path: place.path,
        facts: place.facts,
        names: isCacheFolder ? [cacheTag] : names,
        scope: this.#rules.enter(place.absolute, place.path, place.scope, has),
        cached: cache?.folder(key),
      },
      (node) => nodes.store('tree', node),
      cacheWriter === undefined ? undefined : { writer: cacheWriter, folder: cacheWriter.folder(key) },
      (done, top) => this.#finished.push({ folder: done, top }),
    );
    this.#parents.set(folder, place.parent);
    report.count('folders');
    return folder;
  }

  /** The names of a folder in the order of their bytes; none where it can't be read, which is reported. */
  #namesOf(absolute: string, facts: FileFacts): readonly string[] {
    try {
      const names = readdirSync(rawPath(absolute), { encoding: 'latin1' });
      // The folder may have been replaced by a link to somewhere else between the two calls.
      const stats = lstatSync(rawPath(absolute), { bigint: true });
      const isSame = BigInt.asUintN(64, stats.ino) === facts.inode && BigInt.asUintN(64, stats.dev) === facts.device;
      if (!isSame && !(stats.isSymbolicLink() && this.#parents.size === 0)) {
        this.#tools.report.skip(absolute, 'it was replaced by something else while it was read');
        return [];
      }
      return names.toSorted();
    } catch (error) {
      this.#tools.report.skip(absolute, reasonOf(codeOf(error)));
      return [];
    }
  }

  /** Makes the entry of one name, or begins to. Returns the folder that it is. */
  #visit(folder: OpenFolder, name: string): OpenFolder | undefined {
    const { report, neverEnter } = this.#tools;
    const { place } = folder;
    const absolute = place.absolute === '/' ? `/${name}` : `${place.absolute}/${name}`;
    const inSource = place.path === '' ? name : `${place.path}/${name}`;
    let stats: BigIntStats;
    try {
      stats = lstatSync(rawPath(absolute), { bigint: true });
    } catch (error) {
      const code = codeOf(error);
      report.skip(absolute, reasonOf(code));
      return undefined;
    }
    const isFolder = stats.isDirectory();
    if (this.#rules.isExcluded(inSource, isFolder, place.scope)) return undefined;
    const facts = factsOf(stats);
    if (isFolder) {
      if (neverEnter.has(`${facts.device}:${facts.inode}`)) return undefined;
      const parent = { folder, slot: folder.reserve(), name };
      if (this.#source.oneFileSystem && facts.device !== this.#rootDevice) {
        this.#fillFolder(parent, facts, this.#emptyFolder());
        return undefined;
      }
      return this.#open({ absolute, path: inSource, facts, scope: place.scope, parent });
    }
    if (stats.isFile()) this.#visitFile(folder, name, absolute, facts);
    else this.#visitSpecial(folder, name, absolute, stats, facts);
    return undefined;
  }

  #visitFile(folder: OpenFolder, name: string, absolute: string, facts: FileFacts): void {
    const { report, counters } = this.#tools;
    const { maxFileSize } = this.#source;
    if (maxFileSize !== undefined && facts.size > maxFileSize) {
      // Named, but no warning: the policy asks for it.
      report.skip(absolute, `it is larger than ${maxFileSize} bytes`, true);
      return;
    }
    report.count('files');
    report.count('bytes', facts.size);
    const known = folder.place.cached?.find(name, facts) ?? 'new';
    const slot = folder.reserve();
    if (typeof known !== 'string' && this.#isStored(known)) {
      report.count('unchangedFiles');
      counters.add('files', 1);
      counters.add('bytes', facts.size);
      folder.fill(slot, known.entry, { key: facts, ids: known.ids, idsInEntry: known.idsInEntry });
      return;
    }
    report.count(known === 'new' ? 'newFiles' : 'changedFiles');
    this.#readFile(absolute, name, facts, (entry, row) => folder.fill(slot, entry, row));
  }

  /** Whether all chunks behind a cached entry are still known; their packs are hit if so. */
  #isStored(cached: CachedFile): boolean {
    const { table, hits } = this.#tools;
    const { ids } = cached;
    for (let at = 0; at < ids.length; at += idLength) {
      const pack = table.find(ids.subarray(at, at + idLength));
      if (pack < 0) return false;
      if (pack !== ownPack) hits[pack] = 1;
    }
    return true;
  }

  #readFile(absolute: string, name: string, facts: FileFacts, done: (entry: Uint8Array | null, row?: CacheRow) => void): void {
    const { dispatcher, counters } = this.#tools;
    if (facts.size === 0) {
      counters.add('files', 1);
      done(...this.#fileEntry(absolute, name, { outcome: 'read', reason: '', facts, readAt: 0, chunks: emptyBytes, extents: [] }, false));
      return;
    }
    const isSparse = facts.size >= smallestSparse && facts.allocated < facts.size;
    const file = { path: this.#realPath(absolute), facts, isSparse };
    dispatcher.dispatch(file, (read) => {
      // Workers count whole files; one that they read in parts is counted when all of it is back.
      if (facts.size > partLength) counters.add('files', 1);
      if (isSparse && read.extents.length / 2 > mostExtents) {
        dispatcher.dispatch({ ...file, isSparse: false }, (again) => done(...this.#fileEntry(absolute, name, again, false)));
      } else {
        done(...this.#fileEntry(absolute, name, read, isSparse));
      }
    });
  }

  #realPath(absolute: string): Buffer {
    const { given, real } = this.#place;
    return Buffer.from(real + absolute.slice(given.length), 'latin1');
  }

  #fileEntry(absolute: string, name: string, read: FileRead, isSparse: boolean): [Uint8Array | null, CacheRow?] {
    const { report } = this.#tools;
    const { facts, outcome } = read;
    if (outcome === 'vanished') {
      report.skip(absolute, reasonOf('ENOENT'));
      return [null];
    }
    if (outcome === 'unreadable') {
      report.skip(absolute, reasonOf(read.reason));
      return [null];
    }
    if (outcome === 'changed') report.warn(absolute, 'changed while it was read');
    const dataLength = sumOfLengths(read.chunks);
    const extents = isSparse && !coversAll(read.extents, facts.size) ? pairsOf(read.extents) : undefined;
    // What was read is what is stored: a file that grew or shrank meanwhile has the size of its data.
    const size =
      outcome === 'read'
        ? facts.size
        : extents === undefined
          ? dataLength
          : Math.max(facts.size, (extents.at(-1)?.offset ?? 0) + (extents.at(-1)?.length ?? 0));
    const { content, ids } = contentOf(read.chunks, this.#tools.nodes);
    const entry = this.#encode(absolute, {
      ...this.#common(name, 'file', facts),
      size,
      ...(outcome === 'changed' ? { changedWhileRead: true } : {}),
      ...(content === undefined ? {} : { content }),
      ...(extents === undefined ? {} : { extents }),
      ...(facts.links > 1 ? { hardLinkGroup: groupOf(facts) } : {}),
    });
    if (entry === null || outcome === 'changed' || isDoubtful(facts, read.readAt)) return [entry];
    const idsInEntry = content?.form === 'ids' ? entry.indexOf(content.ids) : -1;
    return [entry, { key: facts, ids, idsInEntry }];
  }

  #visitSpecial(folder: OpenFolder, name: string, absolute: string, stats: BigIntStats, facts: FileFacts): void {
    const { report, counters } = this.#tools;
    const kind = specialKindOf(stats);
    report.count('files');
    counters.add('files', 1);
    const group = facts.links > 1 ? { hardLinkGroup: groupOf(facts) } : {};
    let entry: Uint8Array | null;
    if (kind === 'link') {
      let linkTarget: Buffer;
      try {
        linkTarget = readlinkSync(rawPath(absolute), { encoding: 'buffer' });
      } catch (error) {
        report.skip(absolute, reasonOf(codeOf(error)));
        return;
      }
      entry = this.#encode(absolute, { ...this.#common(name, kind, facts), linkTarget, ...group });
    } else {
      report.skip(absolute, specialReasons[kind], true);
      const device = kind === 'characterDevice' || kind === 'blockDevice' ? { device: deviceOf(stats.rdev) } : {};
      entry = this.#encode(absolute, { ...this.#common(name, kind, facts), ...device, ...group });
    }
    folder.fill(folder.reserve(), entry);
  }

  #closeFinished(): void {
    for (let done = this.#finished.pop(); done !== undefined; done = this.#finished.pop()) {
      const { folder, top } = done;
      const parent = this.#parents.get(folder);
      this.#parents.delete(folder);
      if (parent === undefined) this.#root = this.#rootOf(folder.place.facts, top);
      else this.#fillFolder(parent, folder.place.facts, top);
    }
  }

  #fillFolder(parent: Parent, facts: FileFacts, child: Uint8Array): void {
    const entry = this.#encode(`${parent.folder.place.absolute}/${parent.name}`, {
      ...this.#common(parent.name, 'directory', facts),
      child,
    });
    parent.folder.fill(parent.slot, entry);
  }

  #rootOf(facts: FileFacts, child: Uint8Array): Uint8Array {
    const tree = new TreeBuilder((node) => this.#tools.nodes.store('tree', node));
    tree.add(encodeEntry({ ...this.#common('root', 'directory', facts), child }));
    return tree.finish().id;
  }

  #emptyFolder(): Uint8Array {
    return new TreeBuilder((node) => this.#tools.nodes.store('tree', node)).finish().id;
  }

  #common(name: string, kind: EntryKind, facts: FileFacts): Pick<Entry, 'name' | 'kind' | 'mode' | 'mtime' | 'owner'> {
    return {
      name: Buffer.from(name, 'latin1'),
      kind,
      mode: facts.mode & 0o7777,
      mtime: facts.mtime,
      ...ownerOf(facts, this.#unmapped),
    };
  }

  /** `null`, and a warning, where the format has no place for the entry. */
  #encode(absolute: string, entry: Entry): Buffer | null {
    try {
      return encodeEntry(entry);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#tools.report.skip(absolute, `it can't be stored: ${error.message}`);
      return null;
    }
  }
}

type SpecialKind = Exclude<EntryKind, 'file' | 'directory' | 'stream'>;

const bare = (folder: string): string => (folder === '/' ? '' : folder);

function placeOf(absolute: string): { readonly given: string; readonly real: string } {
  // Where nothing tells of links on the way to an open file, there is no need to know of those on the way to the source.
  if (process.platform !== 'linux') return { given: bare(absolute), real: bare(absolute) };
  return { given: bare(absolute), real: bare(realpathSync.native(rawPath(absolute), { encoding: 'buffer' }).toString('latin1')) };
}

function specialKindOf(stats: BigIntStats): SpecialKind {
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isBlockDevice() ? 'blockDevice' : 'characterDevice';
}

/** Numbers of a device as Linux packs them into 64 bits. */
function deviceOf(rdev: bigint): { readonly major: number; readonly minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n);
  return { major: Number(BigInt.asUintN(32, major)), minor: Number(BigInt.asUintN(32, minor)) };
}

/** The same for all names of a file in every run, and says nothing of the inode. */
function groupOf(facts: FileFacts): bigint {
  return createHash('sha256').update(`${facts.device}:${facts.inode}`).digest().readBigUInt64LE(0);
}

function isDoubtful(facts: FileFacts, readAt: number): boolean {
  const moment = BigInt(readAt === 0 ? Date.now() : readAt) * 1_000_000n;
  const near = (time: bigint): boolean => time > moment - doubtfulFor && time < moment + doubtfulFor;
  return near(facts.ctime) || near(facts.mtime);
}

function coversAll(extents: readonly number[], size: number): boolean {
  return extents.length === 2 && extents[0] === 0 && extents[1] === size;
}

function pairsOf(extents: readonly number[]): { readonly offset: number; readonly length: number }[] {
  const pairs: { readonly offset: number; readonly length: number }[] = [];
  for (let at = 0; at + 1 < extents.length; at += 2) pairs.push({ offset: extents[at] ?? 0, length: extents[at + 1] ?? 0 });
  return pairs;
}

function includesSorted(names: readonly string[], name: string): boolean {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return names[low] === name;
}

/** Whether a folder's CACHEDIR.TAG carries the signature (Cache Directory Tagging Specification). */
function isTagged(absolute: string): boolean {
  const tag = readSmallFile(`${absolute}/${cacheTag}`);
  return tag?.subarray(0, cacheSignature.length).toString('latin1') === cacheSignature;
}

function codeOf(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) throw error;
  return code;
}
