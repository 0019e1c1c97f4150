import { createHash } from 'node:crypto';
import type { HoldfastError } from '../../protocol/errors.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { ChunkReader, isUnreadable } from './chunkReader.ts';
import type { Entry } from './entry.ts';
import { readFileBytes, type ReadableFile, type ReadRange } from './fileReader.ts';
import type { ObjectHeader } from './header.ts';
import { IndexSet } from './indexSet.ts';
import type { IndexView } from './indexView.ts';
import type { PolicyKeySource } from './keySource.ts';
import { decodeLiveList, type LiveRestorePoint } from './liveList.ts';
import { keysMissing, manifestReadLength, openManifest, type ManifestExpectations } from './manifest.ts';
import type { Manifest, ManifestSource, PinnedIndex } from './manifestTypes.ts';
import { PackReader } from './packReader.ts';
import { indexReadLength, indexSubject, openPinnedIndex, pinnedIndexName } from './pinnedIndex.ts';
import { refusal } from './refusal.ts';
import { readSourceRoot } from './sourceRoot.ts';
import { TreeReader, type ReadChunk } from './treeReader.ts';

const defaultCacheBytes = 64 * 1024 * 1024;

export interface OpenOptions {
  /** Bytes of decoded blocks to keep; 64 MiB by default. */
  readonly cacheBytes?: number;
  readonly signal?: AbortSignal;
}

export interface UnreadableIndex {
  readonly key: string;
  readonly error: HoldfastError;
}

/** A restore point as its manifest, indexes and packs show it; every byte that it gives was authenticated and matched to its id. */
export class RestorePointReader {
  readonly manifest: Manifest;
  readonly header: ObjectHeader;
  /** `false`: only a migration key is held, so the owner's tag was not checked. */
  readonly ownerTagChecked: boolean;
  /** Pinned indexes that could not be read; what only they name is missing. */
  readonly unreadableIndexes: readonly UnreadableIndex[];
  readonly indexes: IndexSet;
  readonly packs: PackReader;
  readonly chunks: ChunkReader;

  private constructor(parts: Parts) {
    this.manifest = parts.manifest;
    this.header = parts.header;
    this.ownerTagChecked = parts.ownerTagChecked;
    this.unreadableIndexes = parts.unreadableIndexes;
    this.indexes = parts.indexes;
    this.packs = parts.packs;
    this.chunks = parts.chunks;
  }

  /** Reads the manifest under `key` and every index that it pins. Rejects with a refusal where the manifest cannot be used. */
  static async open(
    store: ObjectStore,
    key: string,
    keySource: PolicyKeySource,
    expected: Omit<ManifestExpectations, 'key'> = {},
    options: OpenOptions = {},
  ): Promise<RestorePointReader> {
    const subject = `restore point ${key.slice(key.lastIndexOf('/') + 1)}`;
    const stored = await store.get(key, {
      length: manifestReadLength,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (stored === undefined) throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
    const { sha256 } = expected;
    if (sha256 !== undefined && !sameBytes(createHash('sha256').update(stored.body).digest(), sha256)) {
      throw refusal(subject, 'storedHash', 'its bytes are not those that were recorded');
    }
    return RestorePointReader.from(store, stored.body, keySource, { ...expected, key }, options);
  }

  /** As `open`, from the stored bytes of the manifest. */
  static async from(
    store: ObjectStore,
    storedManifest: Uint8Array,
    keySource: PolicyKeySource,
    expected: ManifestExpectations = {},
    options: OpenOptions = {},
  ): Promise<RestorePointReader> {
    const name = expected.key?.slice(expected.key.lastIndexOf('/') + 1) ?? hexOf(storedManifest.subarray(72, 88));
    const { manifest, header, ownerTagChecked } = openManifest(storedManifest, keySource, expected, `restore point ${name}`);
    const views: IndexView[] = [];
    const unreadableIndexes: UnreadableIndex[] = [];
    for (const pinned of manifest.indexes) {
      try {
        views.push(await loadIndex(store, pinned, header, keySource, options.signal));
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        unreadableIndexes.push({ key: pinned.key, error });
      }
    }
    const indexes = new IndexSet(views);
    const packs = new PackReader(store, keySource, header);
    const chunks = new ChunkReader(indexes, packs, options.cacheBytes ?? defaultCacheBytes);
    return new RestorePointReader({ manifest, header, ownerTagChecked, unreadableIndexes, indexes, packs, chunks });
  }

  readonly readChunk: ReadChunk = (id, kind, signal) => this.chunks.read(id, kind, signal);

  /** A reader of this source's folders, under its rules for names. */
  treeOf(source: ManifestSource): TreeReader {
    return new TreeReader(this.readChunk, source.separator.charCodeAt(0));
  }

  /** The entry of the source itself: a folder named `root`, or one file. */
  rootOf(source: ManifestSource, signal?: AbortSignal): Promise<Entry> {
    return readSourceRoot(this.treeOf(source), source, signal);
  }

  /** The bytes of a file, holes as zeros. A further stream is read by passing its name, size and content. */
  readFile(file: ReadableFile, range: ReadRange = {}): AsyncGenerator<Uint8Array> {
    return readFileBytes(file, this.chunks, range);
  }

  /** The other restore points of the policy that were live when this one was committed. */
  async live(signal?: AbortSignal): Promise<readonly LiveRestorePoint[]> {
    const { live } = this.manifest;
    if (!('count' in live)) return live;
    return decodeLiveList(await this.chunks.read(live.id, 'list', signal), live.count, `chunk ${hexOf(live.id)}`);
  }
}

interface Parts {
  readonly manifest: Manifest;
  readonly header: ObjectHeader;
  readonly ownerTagChecked: boolean;
  readonly unreadableIndexes: readonly UnreadableIndex[];
  readonly indexes: IndexSet;
  readonly packs: PackReader;
  readonly chunks: ChunkReader;
}

/** Reads a pinned index: name, length, SHA-256, identity, salt, content. `header` is the manifest's. Rejects with a refusal. */
export async function loadIndex(
  store: ObjectStore,
  pinned: PinnedIndex,
  header: ObjectHeader,
  keySource: PolicyKeySource,
  signal?: AbortSignal,
): Promise<IndexView> {
  const { installationId, scopeId, storeId } = header;
  const scope = { installationId, scopeId, storeId };
  const subject = indexSubject(pinned.key);
  pinnedIndexName(pinned, scope);
  const options = { length: indexReadLength(pinned), ...(signal === undefined ? {} : { signal }) };
  let stored = await store.get(pinned.key, { versionId: pinned.versionId, ...options });
  if (stored === undefined && pinned.versionId !== null) stored = await store.get(pinned.key, options);
  if (stored === undefined) throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
  return openPinnedIndex(pinned, stored.body, scope, (found) => {
    const keys = keySource.byMasterKeyId(found.masterKeyId, found.keyGeneration);
    if (keys === undefined) throw keysMissing(subject, found);
    return keys.index;
  });
}
