import type { ObjectStore } from '../locations/objectStore.ts';
import { Breather } from './breather.ts';
import { hexOf } from './bytes.ts';
import { ChunkReader } from './chunkReader.ts';
import type { ChunkKind } from './chunkId.ts';
import type { Entry, FileContent } from './entry.ts';
import { chunksOf } from './fileReader.ts';
import { IdSet } from './idSet.ts';
import { IndexSet } from './indexSet.ts';
import type { IndexView, PackRow } from './indexView.ts';
import type { PolicyKeySource } from './keySource.ts';
import type { OpenedManifest } from './manifest.ts';
import { NumberSets } from './numberSets.ts';
import { PackReader } from './packReader.ts';
import { loadIndex } from './restorePointReader.ts';
import { readSourceRoot } from './sourceRoot.ts';
import { type ReadChunk, TreeReader } from './treeReader.ts';
import { isLeaf, parseTreeNode } from './treeNode.ts';

const cacheBytes = 32 * 1024 * 1024;
/** Nodes of one restore point that may be read again, whatever its size. */
const freeReads = 1000;

/** Numbers of packs below a node. */
interface Reached {
  readonly numbers: Set<number>;
  /** `false` where a part was left out, since the restore point has it elsewhere. */
  isWhole: boolean;
}

export interface PointReachOptions {
  readonly store: ObjectStore;
  readonly keys: PolicyKeySource;
  /** Of one policy: all that will be asked for, since a pack is reached by every index among theirs that says so. */
  readonly manifests: readonly OpenedManifest[];
  /** Whether the store has this pack. Of a chunk whose packs are all gone, all are reached. */
  readonly isThere: (packId: Uint8Array) => boolean;
  /** Numbers of packs that may be kept for parts of trees that restore points share; 4 million by default. */
  readonly keptNumbers?: number;
  readonly signal: AbortSignal;
}

/**
 * What each restore point of a policy reaches by itself, read from the store. What restore points share is read once as far as a bounded memory of it goes;
 * beside that, the memory is that of the indexes and of one restore point's packs. `Reach` tells what many reach together.
 */
export class PointReach {
  readonly #reader: ChunkReader;
  readonly #indexes: IndexSet;
  readonly #isThere: PointReachOptions['isThere'];
  readonly #signal: AbortSignal;
  readonly #breather: Breather;
  readonly #shared: NumberSets;
  /** By number. */
  readonly #packs: PackRow[] = [];
  readonly #numbers: Map<string, number> = new Map();
  /** Of each index, by its row of a pack: the pack's number and one, and the same below zero where it is gone; 0 = not looked at. */
  readonly #rows: Int32Array[];
  #nodesRead = 0;
  /** Of the restore point that is looked at. */
  #seen = new IdSet();
  #nodesBefore = 0;

  private constructor({ store, keys, manifests, isThere, keptNumbers, signal }: PointReachOptions, views: readonly IndexView[]) {
    this.#indexes = new IndexSet(views);
    this.#rows = views.map(({ packCount }) => new Int32Array(packCount));
    const [first] = manifests;
    if (first === undefined) throw new RangeError('the reach of no restore points');
    this.#reader = new ChunkReader(this.#indexes, new PackReader(store, keys, first.header), cacheBytes);
    this.#isThere = isThere;
    this.#signal = signal;
    this.#breather = new Breather(signal);
    this.#shared = new NumberSets(keptNumbers ?? 4_000_000);
  }

  /** Reads the indexes. Rejects with a refusal where one cannot be read. */
  static async open(options: PointReachOptions): Promise<PointReach> {
    const { store, keys, manifests, signal } = options;
    const views = new Map<string, IndexView>();
    for (const { manifest, header } of manifests) {
      for (const pinned of manifest.indexes) {
        if (!views.has(pinned.key)) views.set(pinned.key, await loadIndex(store, pinned, header, keys, signal));
      }
    }
    return new PointReach(options, [...views.values()]);
  }

  /** The packs that one of the restore points reaches. Rejects with a refusal where one of its trees or lists cannot be read. */
  async packsOf({ manifest }: OpenedManifest): Promise<readonly PackRow[]> {
    const reached: Reached = { numbers: new Set(), isWhole: true };
    this.#seen = new IdSet();
    this.#nodesBefore = this.#nodesRead;
    if ('count' in manifest.live) this.#take(manifest.live.id, 'list', reached);
    for (const source of manifest.sources) {
      const tree = new TreeReader(this.#readInto(reached), source.separator.charCodeAt(0));
      await this.#takeEntry(await readSourceRoot(tree, source, this.#signal), tree, reached);
    }
    return [...reached.numbers].flatMap((number) => this.#packs[number] ?? []);
  }

  async #takeEntry(entry: Entry, tree: TreeReader, reached: Reached): Promise<void> {
    const contents = [entry.content, ...(entry.streams ?? []).map(({ content }) => content)];
    for (const content of contents) if (content !== undefined) await this.#takeContent(content, reached);
    if (entry.child !== undefined) await this.#takeNode(entry.child, tree, reached);
  }

  async #takeNode(id: Uint8Array, tree: TreeReader, reached: Reached): Promise<void> {
    await this.#takeShared(id, reached, async (below) => {
      const node = parseTreeNode(await this.#readInto(below)(id, 'tree', this.#signal), `tree node ${hexOf(id).slice(0, 16)}`);
      if (!isLeaf(node)) {
        // The bytes of a node may be another's once the cache has moved on.
        for (const child of node.children.map((each) => Uint8Array.from(each.id))) await this.#takeNode(child, tree, below);
        return;
      }
      for (const record of node.entries) {
        await this.#takeEntry(tree.decode(record), tree, below);
        await this.#breather.breathe();
      }
    });
  }

  async #takeContent(content: FileContent, reached: Reached): Promise<void> {
    const takeChunks = async (below: Reached): Promise<void> => {
      for await (const { id } of chunksOf(content, this.#readInto(below), this.#signal)) {
        this.#take(id, 'data', below);
        await this.#breather.breathe();
      }
    };
    if (content.form === 'list') await this.#takeShared(content.id, reached, takeChunks);
    else await takeChunks(reached);
  }

  /** What lies below one id is the same wherever that id stands. */
  async #takeShared(id: Uint8Array, reached: Reached, read: (below: Reached) => Promise<void>): Promise<void> {
    const key = Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
    const known = this.#shared.get(key);
    if (known !== undefined) {
      for (const number of known) reached.numbers.add(number);
      return;
    }
    // What was read for this restore point already has told its packs, wherever it stands. It is read again for the sake of what is remembered of the
    // folders around it, as long as that is not much: of few nodes somebody may have made a tree of very many names.
    if (!this.#seen.add(id) && this.#nodesRead - this.#nodesBefore > 2 * this.#seen.size + freeReads) {
      reached.isWhole = false;
      return;
    }
    const before = this.#nodesRead;
    const below: Reached = { numbers: new Set(), isWhole: true };
    await read(below);
    if (below.isWhole) this.#shared.keep(key, below.numbers, this.#nodesRead - before);
    else reached.isWhole = false;
    for (const number of below.numbers) reached.numbers.add(number);
  }

  #readInto(reached: Reached): ReadChunk {
    return (id, kind, signal) => {
      this.#nodesRead += 1;
      this.#take(id, kind, reached);
      return this.#reader.read(id, kind, signal);
    };
  }

  /** Every copy counts, as far as it is there. */
  #take(id: Uint8Array, kind: ChunkKind, reached: Reached): void {
    const gone: number[] = [];
    let isThere = false;
    for (const [at, view] of this.#indexes.views.entries()) {
      const chunk = view.find(id);
      if (chunk < 0) continue;
      const block = view.block(view.blockOf(chunk));
      if (block.kind !== kind) continue;
      const number = this.#numberOf(at, block.pack);
      if (number > 0) reached.numbers.add(number - 1);
      else gone.push(-number - 1);
      isThere ||= number > 0;
    }
    if (!isThere) for (const number of gone) reached.numbers.add(number);
  }

  #numberOf(at: number, row: number): number {
    const rows = this.#rows[at];
    const view = this.#indexes.views[at];
    if (rows === undefined || view === undefined) throw new RangeError('no such index');
    const known = rows[row] ?? 0;
    if (known !== 0) return known;
    const pack = view.pack(row);
    const hex = hexOf(pack.objectId);
    let number = this.#numbers.get(hex);
    if (number === undefined) {
      number = this.#packs.push({ ...pack, objectId: Uint8Array.from(pack.objectId), sha256: Uint8Array.from(pack.sha256) });
      if (!this.#isThere(pack.objectId)) number = -number;
      this.#numbers.set(hex, number);
    }
    rows[row] = number;
    return number;
  }
}
