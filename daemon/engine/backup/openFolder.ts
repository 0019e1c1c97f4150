import { TreeBuilder, type NodeSink } from '../../repository/treeBuilder.ts';
import type { CacheCursor } from '../cache/cacheReader.ts';
import type { CacheKey } from '../cache/cacheRecord.ts';
import type { CacheFolder, CacheWriter } from '../cache/cacheWriter.ts';
import type { GitignoreScope } from './excludeRules.ts';
import type { FileFacts } from './fileTasks.ts';

/** What goes into the cache with an entry. */
export interface CacheRow {
  readonly key: CacheKey;
  readonly ids: Uint8Array;
  readonly idsInEntry: number;
}

/** The place of one name in its folder, until its entry is known. */
export interface Slot {
  /** `undefined` while it is waited for, `null` where the name is left out. */
  entry: Uint8Array | null | undefined;
  cacheRow: CacheRow | undefined;
}

/** What a folder is made with. */
export interface FolderPlace {
  /** Bytes as latin-1 characters. */
  readonly absolute: string;
  /** Inside the source; '' for its top. */
  readonly path: string;
  readonly facts: FileFacts;
  readonly names: readonly string[];
  readonly scope: GitignoreScope;
  readonly cached: CacheCursor | undefined;
}

/**
 * A folder whose entries are being made. Names are visited in order, but files come back from the workers in any; entries go into the tree in
 * order, each as soon as all before it are there.
 */
export class OpenFolder {
  readonly place: FolderPlace;
  readonly #tree: TreeBuilder;
  readonly #cache: { readonly writer: CacheWriter; readonly folder: CacheFolder } | undefined;
  readonly #done: (folder: OpenFolder, top: Uint8Array) => void;
  #slots: Slot[] = [];
  #head = 0;
  #next = 0;
  #isComplete = false;

  /** `done` is called once, when the last entry is in the tree. */
  constructor(
    place: FolderPlace,
    emit: NodeSink,
    cache: { readonly writer: CacheWriter; readonly folder: CacheFolder } | undefined,
    done: (folder: OpenFolder, top: Uint8Array) => void,
  ) {
    this.place = place;
    this.#tree = new TreeBuilder(emit);
    this.#cache = cache;
    this.#done = done;
  }

  /** Slots that are not in the tree yet. */
  get waiting(): number {
    return this.#slots.length - this.#head;
  }

  /** The next name to be visited; `undefined` after the last. */
  nextName(): string | undefined {
    const name = this.place.names[this.#next];
    this.#next += 1;
    return name;
  }

  /** No more names come. */
  complete(): void {
    this.#isComplete = true;
    this.#settle();
  }

  /** Takes the place of the next name. */
  reserve(): Slot {
    const slot: Slot = { entry: undefined, cacheRow: undefined };
    this.#slots.push(slot);
    return slot;
  }

  fill(slot: Slot, entry: Uint8Array | null, cacheRow?: CacheRow): void {
    slot.entry = entry;
    slot.cacheRow = cacheRow;
    if (this.#slots[this.#head] === slot) this.#settle();
  }

  #settle(): void {
    for (;;) {
      const slot = this.#slots[this.#head];
      if (slot?.entry === undefined) break;
      if (slot.entry !== null) this.#add(slot.entry, slot.cacheRow);
      this.#head += 1;
    }
    if (this.#head === this.#slots.length) {
      this.#slots = [];
      this.#head = 0;
      if (this.#isComplete) this.#finish();
    } else if (this.#head > 1024 && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }

  #add(entry: Uint8Array, row: CacheRow | undefined): void {
    this.#tree.add(entry);
    if (row !== undefined && this.#cache !== undefined) {
      this.#cache.writer.add(this.#cache.folder, row.key, entry, row.ids, row.idsInEntry);
    }
  }

  #finish(): void {
    if (this.#cache !== undefined) this.#cache.writer.endFolder(this.#cache.folder);
    this.#done(this, this.#tree.finish().id);
  }
}
