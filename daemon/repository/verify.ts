import { HoldfastError } from '../../protocol/errors.ts';
import type { SourceId } from '../../protocol/ids.ts';
import type { ObjectBody, ObjectStore } from '../locations/objectStore.ts';
import { Breather } from './breather.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { ChunkMarks, type MarkedPack, type PackPlace } from './chunkMarks.ts';
import { isUnreadable } from './chunkReader.ts';
import { dataLengthOf, type Entry, type FileContent } from './entry.ts';
import { shownName } from './entryName.ts';
import { chunksOf } from './fileReader.ts';
import type { ObjectHeader } from './header.ts';
import type { PolicyKeySource } from './keySource.ts';
import { keysMissing, type ManifestExpectations } from './manifest.ts';
import type { ManifestSource } from './manifestTypes.ts';
import { checkChunks, checkPlace, hashOf, type OpenedPack, openWholePack, salvage } from './packCheck.ts';
import { readPackDirectory } from './packDirectory.ts';
import { subjectOf } from './packReader.ts';
import type { PolicyKeys } from './policyKeys.ts';
import { refusal, ruleOf } from './refusal.ts';
import { RestorePointReader } from './restorePointReader.ts';
import { readSourceRoot } from './sourceRoot.ts';
import { EntryBudget, namesOf, walkTree, type WalkedItem } from './treeWalk.ts';
import { TreeReader, type ReadChunk } from './treeReader.ts';

export interface DamagedPath {
  /** `null` where the whole restore point is meant. */
  readonly source: SourceId | null;
  /** Below the source, by `/`, escaped for messages; empty for the source itself. */
  readonly path: string;
  readonly reason: string;
}

export interface DamagedObject {
  readonly key: string;
  readonly reason: string;
}

export interface VerifyReport {
  /** Nothing is damaged: neither a path nor an object. */
  readonly ok: boolean;
  readonly checkedObjects: number;
  /** Stored bytes of the objects that were read whole. */
  readonly checkedBytes: number;
  /** Every affected path once. A path is affected where no copy of some chunk is good. */
  readonly damaged: readonly DamagedPath[];
  /** Objects that are missing or damaged, also where another copy serves. */
  readonly objects: readonly DamagedObject[];
  /** `false`: only a migration key is held, so the owner's tag was not checked. */
  readonly ownerTagChecked: boolean;
  /** Sentences about what is no fault. */
  readonly notes: readonly string[];
}

export interface VerifyProgress {
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  /** Known once the trees are read. */
  readonly totalObjects: number | undefined;
}

export interface VerifyOptions {
  /** Read every pack that the restore point reaches; else only that it is there with its length. */
  readonly readData: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly expected?: Omit<ManifestExpectations, 'key'>;
  /** Entries of all sources together after which a verification ends; 2^28 by default. */
  readonly maxEntries?: number;
}

/**
 * Verifies one restore point. Rejects only where the store cannot be asked, a key is not held for the manifest, or the signal stops it;
 * all damage is in the report.
 */
export async function verifyRestorePoint(
  store: ObjectStore,
  key: string,
  keySource: PolicyKeySource,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const abort = options.signal === undefined ? {} : { signal: options.signal };
  try {
    const reader = await RestorePointReader.open(store, key, keySource, options.expected ?? {}, abort);
    return await new Verification(store, key, keySource, reader, options).run();
  } catch (error) {
    if (!HoldfastError.is(error, 'damaged', 'tampered', 'objectMissing', 'unsupportedFormat')) throw error;
    const reason = error.message;
    const damaged = [{ source: null, path: '', reason }];
    return { ok: false, checkedObjects: 1, checkedBytes: 0, damaged, objects: [{ key, reason }], ownerTagChecked: false, notes: [] };
  }
}

class Verification {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #keySource: PolicyKeySource;
  readonly #reader: RestorePointReader;
  readonly #options: VerifyOptions;
  readonly #marks: ChunkMarks;
  readonly #breather: Breather;
  readonly #damaged: Map<string, DamagedPath> = new Map();
  readonly #objects: DamagedObject[] = [];
  readonly #reasons: Map<string, string> = new Map();
  readonly #notes: Set<string> = new Set();
  #buffer: Uint8Array = new Uint8Array(0);
  #checkedObjects = 0;
  #checkedBytes = 0;
  #totalObjects: number | undefined;

  constructor(store: ObjectStore, key: string, keySource: PolicyKeySource, reader: RestorePointReader, options: VerifyOptions) {
    this.#store = store;
    this.#keySource = keySource;
    this.#key = key;
    this.#reader = reader;
    this.#options = options;
    this.#marks = new ChunkMarks(reader.indexes);
    this.#breather = new Breather(options.signal);
  }

  async run(): Promise<VerifyReport> {
    const { manifest, unreadableIndexes } = this.#reader;
    this.#checkedObjects = 1 + manifest.indexes.length;
    this.#checkedBytes = manifest.indexes.reduce((sum, index) => sum + index.length, 0);
    for (const { key, error } of unreadableIndexes) this.#objects.push({ key, reason: error.message });
    await this.#checkLive();
    await this.#walkAll((content) => this.#faultWhileReaching(content));
    const packs = this.#marks.reachedPacks();
    this.#totalObjects = this.#checkedObjects + packs.length;
    for (const pack of packs) {
      await this.#checkPack(pack);
      this.#checkedObjects += 1;
      this.#report();
    }
    if (this.#reasons.size > 0) await this.#walkAll((content) => this.#faultInPacks(content));
    for (const key of this.#reader.packs.replaced) this.#noteReplaced(key);
    if (!this.#reader.ownerTagChecked)
      this.#notes.add('Whether the owner wrote this restore point was not checked: only a migration key is held.');
    const damaged = [...this.#damaged.values()];
    return {
      ok: damaged.length === 0 && this.#objects.length === 0,
      checkedObjects: this.#checkedObjects,
      checkedBytes: this.#checkedBytes,
      damaged,
      objects: this.#objects,
      ownerTagChecked: this.#reader.ownerTagChecked,
      notes: [...this.#notes],
    };
  }

  async #checkLive(): Promise<void> {
    try {
      const { live } = this.#reader.manifest;
      if ('count' in live) this.#marks.reach(live.id, 'list');
      await this.#reader.live(this.#options.signal);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#objects.push({ key: this.#key, reason: error.message });
    }
  }

  /** Walks all sources; `faultOf` says what is wrong with the chunks of each file. */
  async #walkAll(faultOf: FaultOf): Promise<void> {
    const budget = new EntryBudget(this.#options.maxEntries);
    try {
      for (const source of this.#reader.manifest.sources) await this.#walk(source, budget, faultOf);
    } catch (error) {
      if (ruleOf(error) !== 'entryLimit' || !HoldfastError.is(error)) throw error;
      this.#damaged.set('', { source: null, path: '', reason: error.message });
    }
  }

  async #walk(source: ManifestSource, budget: EntryBudget, faultOf: FaultOf): Promise<void> {
    const { signal } = this.#options;
    const tree = new TreeReader(this.#reachingRead, source.separator.charCodeAt(0));
    try {
      await readSourceRoot(tree, source, signal);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#damage(source, [], error.message);
      return;
    }
    for await (const item of walkTree(tree, source.root, { budget, ...this.#abort() })) {
      await this.#checkItem(source, item, faultOf);
      await this.#breather.breathe();
    }
  }

  async #checkItem(source: ManifestSource, item: WalkedItem, faultOf: FaultOf): Promise<void> {
    switch (item.type) {
      case 'refused':
        this.#damage(source, namesOf(item.folder, item.name), item.error.message);
        return;
      case 'unreadable':
        this.#damage(source, namesOf(item.folder), item.error.message);
        return;
      case 'entry': {
        for (const content of contentsOf(item.entry)) {
          const fault = await faultOf(content);
          if (fault !== undefined) this.#damage(source, namesOf(item.folder, item.entry.name), fault);
        }
      }
    }
  }

  /** Marks the chunks of a file, and compares their recorded lengths with the file's. */
  async #faultWhileReaching({ content, dataLength }: Content): Promise<string | undefined> {
    let sum = 0;
    try {
      for await (const { id, length } of chunksOf(content, this.#reachingRead, this.#options.signal)) {
        const recorded = this.#reader.chunks.lengthOf(id, 'data');
        if (recorded === undefined || !this.#marks.reach(id, 'data')) return `Chunk ${hexOf(id)} is in no index of the restore point.`;
        if (length !== undefined && length !== recorded) return `Chunk ${hexOf(id)} has another length than its list says.`;
        sum += recorded;
        await this.#breather.breathe();
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return error.message;
    }
    return sum === dataLength ? undefined : `Its chunks have ${sum} of its ${dataLength} bytes.`;
  }

  async #faultInPacks({ content }: Content): Promise<string | undefined> {
    try {
      for await (const { id } of chunksOf(content, this.#reader.readChunk, this.#options.signal)) {
        const [pack] = this.#marks.badPacksOf(id, 'data') ?? [];
        if (pack !== undefined) return this.#reasons.get(hexOf(pack.objectId)) ?? `Chunk ${hexOf(id)} is damaged.`;
        await this.#breather.breathe();
      }
      return undefined;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return error.message;
    }
  }

  async #checkPack(pack: MarkedPack): Promise<void> {
    const key = this.#reader.packs.keyOf(pack.row);
    const subject = subjectOf(pack.row);
    try {
      if (this.#options.readData) await this.#readPack(pack, key, subject);
      else await this.#findPack(pack, key, subject);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#objects.push({ key, reason: error.message });
      this.#reasons.set(hexOf(pack.row.objectId), error.message);
    }
  }

  async #findPack(pack: MarkedPack, key: string, subject: string): Promise<void> {
    const { versionId } = pack.row;
    const options = this.#abort();
    let facts = await this.#store.head(key, { versionId, ...options });
    if (facts === undefined && versionId !== null) {
      facts = await this.#store.head(key, options);
      if (facts !== undefined) this.#noteReplaced(key);
    }
    if (facts === undefined) {
      this.#markAll(pack.places);
      throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
    }
    const wrong = pack.places.filter(({ row }) => row.storedLength !== facts.size);
    this.#markAll(wrong);
    const [first] = wrong;
    if (first === undefined) return;
    throw refusal(subject, 'storedLength', `the store has ${facts.size} of its ${first.row.storedLength} bytes`);
  }

  async #readPack(pack: MarkedPack, key: string, subject: string): Promise<void> {
    const answer = await this.#fetchPack(pack, key);
    if (answer === undefined) {
      this.#markAll(pack.places);
      throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
    }
    this.#checkedBytes += answer.body.length;
    let failure: unknown;
    let bad: readonly PackPlace[] = pack.places;
    try {
      const sha256 = await hashOf(answer.body, this.#breather);
      const opened = await this.#openPack(pack, answer, sha256, subject);
      const directory = readPackDirectory(opened.plaintext, subject);
      await checkChunks(opened, directory, subject, this.#breather);
      const real = { opened, directory, sha256, storedLength: answer.size };
      bad = pack.places.filter((place) => {
        try {
          checkPlace(place, real, subject);
          return false;
        } catch (error) {
          failure ??= error;
          return true;
        }
      });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      failure = error;
    }
    for (const place of bad) {
      await salvage(place, answer.body, answer.size, this.#reader.header, this.#keySource, this.#marks, this.#breather);
    }
    if (failure !== undefined) throw failure;
  }

  /** The recorded version; where that is gone, any of the recorded hash. No more is read than the longest record says. */
  async #fetchPack({ row, places }: MarkedPack, key: string): Promise<ObjectBody | undefined> {
    const length = places.reduce((most, place) => Math.max(most, place.row.storedLength), 0);
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
    const options = { offset: 0, length, into: this.#buffer.subarray(0, length), ...this.#abort() };
    const answer = await this.#store.get(key, { versionId: row.versionId, ...options });
    if (answer !== undefined || row.versionId === null) return answer;
    const other = await this.#store.get(key, options);
    if (other !== undefined) this.#noteReplaced(key);
    return other;
  }

  #noteReplaced(key: string): void {
    this.#notes.add(`The recorded version of ${key} is gone; another one has its place.`);
  }

  /** Says first what the bytes show: another length or hash than every index records, then the container's own rules. */
  async #openPack({ row, places }: MarkedPack, { body, size }: ObjectBody, sha256: Uint8Array, subject: string): Promise<OpenedPack> {
    if (places.every((place) => place.row.storedLength !== size)) {
      throw refusal(subject, 'storedLength', `the store has ${size} of its ${row.storedLength} bytes`);
    }
    if (!places.some((place) => sameBytes(place.row.sha256, sha256))) {
      throw refusal(subject, 'storedHash', 'its bytes are not those that were recorded');
    }
    const { installationId, scopeId, storeId } = this.#reader.header;
    const expected = { type: 'pack', installationId, scopeId, storeId, objectId: row.objectId, sequence: 0 } as const;
    const keysFor = (header: ObjectHeader): PolicyKeys => {
      const keys = this.#keySource.byMasterKeyId(header.masterKeyId, header.keyGeneration);
      if (keys === undefined) throw keysMissing(subject, header);
      return keys;
    };
    return openWholePack(body, expected, keysFor, subject, this.#breather);
  }

  readonly #reachingRead: ReadChunk = (id, kind, signal) => {
    this.#marks.reach(id, kind);
    return this.#reader.readChunk(id, kind, signal);
  };

  #markAll(places: readonly PackPlace[]): void {
    for (const { index, chunks } of places) for (const chunk of chunks) this.#marks.markBad(index, chunk);
  }

  #damage(source: ManifestSource, names: readonly Uint8Array[], reason: string): void {
    const path = names.map((name) => shownName(name)).join('/');
    const key = `${source.id} ${names.map((name) => hexOf(name)).join('/')}`;
    if (!this.#damaged.has(key)) this.#damaged.set(key, { source: source.id, path, reason });
  }

  #abort(): { readonly signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal };
  }

  #report(): void {
    this.#options.onProgress?.({
      checkedObjects: this.#checkedObjects,
      checkedBytes: this.#checkedBytes,
      totalObjects: this.#totalObjects,
    });
  }
}

type FaultOf = (content: Content) => Promise<string | undefined>;

interface Content {
  readonly content: FileContent | undefined;
  readonly dataLength: number;
}

function contentsOf(entry: Entry): Content[] {
  const streams = (entry.streams ?? []).map(({ content, size }) => ({ content, dataLength: size }));
  const isFile = entry.kind === 'file' || entry.kind === 'stream';
  return isFile ? [{ content: entry.content, dataLength: dataLengthOf(entry) }, ...streams] : streams;
}
