import { HoldfastError } from '../../protocol/errors.ts';
import { uuidBytes, type SourceId } from '../../protocol/ids.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { Breather } from './breather.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { ChunkMarks, type MarkedPack } from './chunkMarks.ts';
import { isUnreadable } from './chunkReader.ts';
import { dataLengthOf, type Entry, type FileContent } from './entry.ts';
import { shownName } from './entryName.ts';
import { chunksOf } from './fileReader.ts';
import { encodeBoundHeader } from './header.ts';
import type { PolicyKeySource } from './keySource.ts';
import type { ManifestExpectations } from './manifest.ts';
import type { ManifestSource } from './manifestTypes.ts';
import { checkChunks, checkRows, hashOf, openWholePack, salvage } from './packCheck.ts';
import { readPackDirectory } from './packDirectory.ts';
import { subjectOf } from './packReader.ts';
import { refusal } from './refusal.ts';
import { RestorePointReader } from './restorePointReader.ts';
import { namesOf, walkTree, type WalkedItem } from './treeWalk.ts';
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
    return await new Verification(store, key, reader, options).run();
  } catch (error) {
    if (!HoldfastError.is(error, 'damaged', 'tampered', 'objectMissing', 'unsupportedFormat')) throw error;
    const reason = error.message;
    const damaged = [{ source: null, path: '', reason }];
    return { ok: false, checkedObjects: 1, checkedBytes: 0, damaged, objects: [{ key, reason }], ownerTagChecked: false };
  }
}

class Verification {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #reader: RestorePointReader;
  readonly #options: VerifyOptions;
  readonly #marks: ChunkMarks;
  readonly #breather: Breather;
  readonly #damaged: Map<string, DamagedPath> = new Map();
  readonly #objects: DamagedObject[] = [];
  readonly #reasons: Map<string, string> = new Map();
  #buffer: Uint8Array = new Uint8Array(0);
  #checkedObjects = 0;
  #checkedBytes = 0;
  #totalObjects: number | undefined;

  constructor(store: ObjectStore, key: string, reader: RestorePointReader, options: VerifyOptions) {
    this.#store = store;
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
    for (const source of manifest.sources) await this.#walk(source, (content) => this.#faultWhileReaching(content));
    const packs = this.#marks.reachedPacks();
    this.#totalObjects = this.#checkedObjects + packs.length;
    for (const pack of packs) {
      await this.#checkPack(pack);
      this.#checkedObjects += 1;
      this.#report();
    }
    if (this.#reasons.size > 0) {
      for (const source of manifest.sources) await this.#walk(source, (content) => this.#faultInPacks(content));
    }
    const damaged = [...this.#damaged.values()];
    return {
      ok: damaged.length === 0 && this.#objects.length === 0,
      checkedObjects: this.#checkedObjects,
      checkedBytes: this.#checkedBytes,
      damaged,
      objects: this.#objects,
      ownerTagChecked: this.#reader.ownerTagChecked,
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

  /** Walks a source; `faultOf` says what is wrong with the chunks of each file. */
  async #walk(source: ManifestSource, faultOf: (content: Content) => Promise<string | undefined>): Promise<void> {
    const { signal } = this.#options;
    const tree = new TreeReader(this.#reachingRead, source.separator.charCodeAt(0));
    let entriesOfSource = 0;
    for await (const item of walkTree(tree, source.root, signal === undefined ? {} : { signal })) {
      if (item.folder === undefined) entriesOfSource += 1;
      await this.#checkItem(source, item, faultOf);
      await this.#breather.breathe();
    }
    if (entriesOfSource !== 1) this.#damage(source, [], 'Its root does not hold one entry.');
  }

  async #checkItem(source: ManifestSource, item: WalkedItem, faultOf: (content: Content) => Promise<string | undefined>): Promise<void> {
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
    const { versionId, storedLength } = pack.row;
    const facts = await this.#store.head(key, { versionId, ...this.#abort() });
    if (facts?.size === storedLength) return;
    this.#markAll(pack);
    if (facts === undefined) throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
    throw refusal(subject, 'storedLength', `the store has ${facts.size} of its ${storedLength} bytes`);
  }

  async #readPack(pack: MarkedPack, key: string, subject: string): Promise<void> {
    const { versionId, storedLength } = pack.row;
    if (this.#buffer.length < storedLength) this.#buffer = new Uint8Array(storedLength);
    const into = this.#buffer.subarray(0, storedLength);
    const answer = await this.#store.get(key, { versionId, offset: 0, length: storedLength, into, ...this.#abort() });
    const keys = this.#reader.packs.heldKeysOf(pack.row);
    if (answer === undefined || keys === undefined) {
      this.#markAll(pack);
      if (answer === undefined) throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
      throw refusal(subject, 'keys', 'its keys are not held');
    }
    this.#checkedBytes += answer.body.length;
    const { header } = this.#reader;
    const identity = {
      type: 'pack',
      keyGeneration: pack.row.keyGeneration,
      installationId: header.installationId,
      masterKeyId: keys.masterKeyId,
      scopeId: uuidBytes(keys.policyId),
      objectId: pack.row.objectId,
      sequence: 0,
      storeId: header.storeId,
    } as const;
    try {
      if (answer.size !== storedLength) throw refusal(subject, 'storedLength', `the store has ${answer.size} of its ${storedLength} bytes`);
      if (!sameBytes(await hashOf(answer.body, this.#breather), pack.row.sha256)) {
        throw refusal(subject, 'storedHash', 'its bytes are not those that were recorded');
      }
      const opened = await openWholePack(answer.body, identity, () => keys, subject, this.#breather);
      const directory = readPackDirectory(opened.plaintext, subject);
      checkRows(pack, directory, subject);
      await checkChunks(opened, directory, subject, this.#breather);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      await salvage(pack, answer.body, encodeBoundHeader(identity), keys, this.#marks, this.#breather);
      throw error;
    }
  }

  readonly #reachingRead: ReadChunk = (id, kind, signal) => {
    this.#marks.reach(id, kind);
    return this.#reader.readChunk(id, kind, signal);
  };

  #markAll(pack: MarkedPack): void {
    for (const { index, chunks } of pack.places) for (const chunk of chunks) this.#marks.markBad(index, chunk);
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

interface Content {
  readonly content: FileContent | undefined;
  readonly dataLength: number;
}

function contentsOf(entry: Entry): Content[] {
  const streams = (entry.streams ?? []).map(({ content, size }) => ({ content, dataLength: size }));
  const isFile = entry.kind === 'file' || entry.kind === 'stream';
  return isFile ? [{ content: entry.content, dataLength: dataLengthOf(entry) }, ...streams] : streams;
}
