import type { HoldfastError } from '../../protocol/errors.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { Breather } from './breather.ts';
import { ChunkReader, isUnreadable } from './chunkReader.ts';
import type { Entry, FileContent } from './entry.ts';
import { chunksOf } from './fileReader.ts';
import { IdSet } from './idSet.ts';
import { IndexSet } from './indexSet.ts';
import type { IndexView } from './indexView.ts';
import type { PolicyKeySource } from './keySource.ts';
import type { OpenedManifest } from './manifest.ts';
import type { ManifestSource } from './manifestTypes.ts';
import { PackReader } from './packReader.ts';
import { loadIndex } from './restorePointReader.ts';
import { readSourceRoot } from './sourceRoot.ts';
import { type ReadChunk, TreeReader } from './treeReader.ts';

const cacheBytes = 32 * 1024 * 1024;

/** What became of the packs that indexes name, once restore points were read. */
export interface ReachedPacks {
  /** Object ids of packs that hold something reached. */
  readonly reached: IdSet;
  /** Object ids of all packs that an index names. */
  readonly named: IdSet;
  /** Stored bytes of blocks in reached packs that nothing reaches. */
  readonly unusedBytes: number;
}

/**
 * All that a set of restore points of one policy reaches, read from the store: manifests are handed in, indexes and trees are fetched. Every copy of a
 * reached chunk counts, whichever index names it. What several restore points share is read once.
 */
export class Reach {
  readonly #store: ObjectStore;
  readonly #keySource: PolicyKeySource;
  readonly #chunks: IdSet = new IdSet(1024);
  readonly #pinned: IdSet = new IdSet();
  readonly #views: Map<string, IndexView> = new Map();
  #packs: ReachedPacks | undefined;
  #reader: ChunkReader | undefined;
  #unreadable: HoldfastError | undefined;

  constructor(store: ObjectStore, keySource: PolicyKeySource) {
    this.#store = store;
    this.#keySource = keySource;
  }

  /** Why a tree could not be read: every pack that an index names counts as reached since then. */
  get unreadable(): HoldfastError | undefined {
    return this.#unreadable;
  }

  /** Rejects with a refusal where an index cannot be read: nothing is known then of what only it names. */
  async add(manifests: readonly OpenedManifest[], signal: AbortSignal): Promise<void> {
    this.#packs = undefined;
    for (const { manifest, header } of manifests) {
      for (const pinned of manifest.indexes) {
        this.#pinned.add(pinned.objectId);
        if (this.#views.has(pinned.key)) continue;
        this.#views.set(pinned.key, await loadIndex(this.#store, pinned, header, this.#keySource, signal));
        this.#reader = undefined;
      }
    }
    for (const opened of manifests) await this.#walkManifest(opened, signal);
  }

  /** Whether a restore point pins this index. */
  pinsIndex(objectId: Uint8Array): boolean {
    return this.#pinned.has(objectId);
  }

  /** Counts again after each `add`. */
  async packs(signal: AbortSignal): Promise<ReachedPacks> {
    this.#packs ??= await this.#countPacks(signal);
    return this.#packs;
  }

  async #countPacks(signal: AbortSignal): Promise<ReachedPacks> {
    const breather = new Breather(signal);
    const reached = new IdSet();
    const named = new IdSet();
    let unusedBytes = 0;
    for (const view of this.#views.values()) {
      const isUsed = new Uint8Array(view.blockCount);
      for (let chunk = 0; chunk < view.chunkCount; chunk += 1) {
        if (this.#unreadable !== undefined || this.#chunks.has(view.id(chunk))) isUsed[view.blockOf(chunk)] = 1;
        if ((chunk & 1023) === 0) await breather.breathe();
      }
      const used = new Uint8Array(view.packCount);
      const unused = new Float64Array(view.packCount);
      for (let block = 0; block < view.blockCount; block += 1) {
        const { pack, storedLength } = view.block(block);
        if (isUsed[block] === 1) used[pack] = 1;
        else unused[pack] = (unused[pack] ?? 0) + storedLength;
      }
      for (let pack = 0; pack < view.packCount; pack += 1) {
        const { objectId } = view.pack(pack);
        named.add(objectId);
        if (used[pack] === 1 && reached.add(objectId)) unusedBytes += unused[pack] ?? 0;
      }
    }
    return { reached, named, unusedBytes };
  }

  async #walkManifest({ manifest, header }: OpenedManifest, signal: AbortSignal): Promise<void> {
    if ('count' in manifest.live) this.#chunks.add(manifest.live.id);
    this.#reader ??= new ChunkReader(
      new IndexSet([...this.#views.values()]),
      new PackReader(this.#store, this.#keySource, header),
      cacheBytes,
    );
    const reader = this.#reader;
    const readChunk: ReadChunk = (id, kind, stop) => {
      this.#chunks.add(id);
      return reader.read(id, kind, stop);
    };
    try {
      for (const source of manifest.sources) await this.#walkSource(source, readChunk, signal);
    } catch (error) {
      // A part that was begun would pass for read where another restore point shares it: from here on everything named is kept.
      if (!isUnreadable(error)) throw error;
      this.#unreadable ??= error;
    }
  }

  async #walkSource(source: ManifestSource, readChunk: ReadChunk, signal: AbortSignal): Promise<void> {
    if (this.#chunks.has(source.root)) return;
    const breather = new Breather(signal);
    const tree = new TreeReader(readChunk, source.separator.charCodeAt(0));
    const folders: Uint8Array[] = [];
    const take = async (entry: Entry): Promise<void> => {
      for (const content of contentsOf(entry)) await this.#takeContent(content, readChunk, signal);
      if (entry.child !== undefined && !this.#chunks.has(entry.child)) folders.push(entry.child);
    };
    await take(await readSourceRoot(tree, source, signal));
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      if (this.#chunks.has(folder)) continue;
      for await (const record of tree.entries(folder, { signal })) {
        await take(tree.decode(record));
        await breather.breathe();
      }
    }
  }

  async #takeContent(content: FileContent, readChunk: ReadChunk, signal: AbortSignal): Promise<void> {
    if (content.form === 'list' && this.#chunks.has(content.id)) return;
    for await (const { id } of chunksOf(content, readChunk, signal)) this.#chunks.add(id);
  }
}

function contentsOf(entry: Entry): readonly FileContent[] {
  return [entry.content, ...(entry.streams ?? []).map(({ content }) => content)].filter((content) => content !== undefined);
}
