import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import { encodeBlock } from '../../daemon/repository/blockCodec.ts';
import { chunkIdOf, idKeyOf, type ChunkKind } from '../../daemon/repository/chunkId.ts';
import { ChunkRows } from '../../daemon/repository/chunkRows.ts';
import { sealObject, sealPack } from '../../daemon/repository/container.ts';
import { newObjectId, type Entropy } from '../../daemon/repository/entropy.ts';
import type { Entry, FileContent } from '../../daemon/repository/entry.ts';
import { encodeEntry } from '../../daemon/repository/entryEncoder.ts';
import { IndexBuilder } from '../../daemon/repository/indexBuilder.ts';
import { ListBuilder } from '../../daemon/repository/list.ts';
import { sealManifest } from '../../daemon/repository/manifest.ts';
import type { Manifest, ManifestSource, PinnedIndex } from '../../daemon/repository/manifestTypes.ts';
import { indexKey, packKey, restorePointKey } from '../../daemon/repository/names.ts';
import { PackBuilder } from '../../daemon/repository/pack.ts';
import { readPackDirectory, type PackDirectory } from '../../daemon/repository/packDirectory.ts';
import { fullPackPlaintextLength } from '../../daemon/repository/padding.ts';
import type { PolicyKeys } from '../../daemon/repository/policyKeys.ts';
import { TreeBuilder } from '../../daemon/repository/treeBuilder.ts';
import type { SourceId } from '../../protocol/ids.ts';
import { newId } from './ids.ts';
import { entropyFrom, identityOf } from './repositoryKeys.ts';

export interface FixtureManifest {
  readonly key: string;
  readonly sha256: Uint8Array;
  readonly objectId: Uint8Array;
  readonly manifest: Manifest;
}

/** Writes a repository object by object, as small as a test wants it: chunks into blocks, blocks into packs, packs into indexes. */
export class FixtureRepository {
  readonly store: ObjectStore;
  readonly keys: PolicyKeys;
  readonly packKeys: string[] = [];
  readonly #entropy: Entropy;
  readonly #pack: PackBuilder = new PackBuilder(new Uint8Array(fullPackPlaintextLength));
  readonly #out: Uint8Array = new Uint8Array(34 * 1024 * 1024);
  readonly #indexes: PinnedIndex[] = [];
  #index: IndexBuilder = new IndexBuilder();
  #indexSequence: number;

  constructor(store: ObjectStore, keys: PolicyKeys, seed = 'fixture', lastIndexSequence = 0) {
    this.store = store;
    this.keys = keys;
    this.#entropy = entropyFrom(seed);
    this.#indexSequence = lastIndexSequence;
  }

  /** Puts a block of these chunks into the open pack and gives their ids; `falseIds` are written in place of the right ones. */
  block(chunks: readonly Uint8Array[], kind: ChunkKind = 'data', falseIds: readonly Buffer[] = []): Buffer[] {
    const rows = new ChunkRows();
    const ids: Buffer[] = [];
    let offset = 0;
    for (const [index, chunk] of chunks.entries()) {
      const id = falseIds[index] ?? chunkIdOf(idKeyOf(this.keys, kind), chunk);
      rows.push(id, offset, chunk.length);
      ids.push(id);
      offset += chunk.length;
    }
    const raw = Buffer.concat(chunks);
    this.#pack.append({ kind, ...encodeBlock(raw, 1), rawLength: raw.length, chunks: rows });
    return ids;
  }

  chunk(bytes: Uint8Array, kind: ChunkKind = 'data'): Buffer {
    const [id] = this.block([bytes], kind);
    if (id === undefined) throw new Error('no chunk');
    return id;
  }

  ids(...chunks: readonly Uint8Array[]): FileContent {
    return { form: 'ids', ids: Buffer.concat(this.block(chunks)) };
  }

  /** A list of these chunks; `lengths` are written in place of the right ones. */
  list(chunks: readonly Uint8Array[], lengths: readonly number[] = []): FileContent {
    const builder = new ListBuilder((node) => this.chunk(node, 'list'));
    for (const [index, id] of this.block(chunks).entries()) builder.push(id, lengths[index] ?? chunks[index]?.length ?? 0);
    return builder.finish();
  }

  /** A folder of these entries, in whatever order, and its top node's id. */
  folder(entries: readonly Entry[]): Uint8Array {
    const builder = new TreeBuilder((node) => this.chunk(node, 'tree'));
    for (const entry of entries.toSorted((a, b) => Buffer.compare(a.name, b.name))) builder.add(encodeEntry(entry));
    return builder.finish().id;
  }

  source(entries: readonly Entry[]): ManifestSource {
    const root: Entry = { name: Buffer.from('root'), kind: 'directory', mode: 0o755, child: this.folder(entries) };
    return this.sourceOf(this.folder([root]));
  }

  sourceOf(root: Uint8Array): ManifestSource {
    return { id: newId<SourceId>(), kind: 'folder', label: '/home/user', nameEncoding: 'bytes', separator: '/', root };
  }

  /** Seals and puts the open pack; the index gets what `describe` makes of its directory. */
  async cutPack(describe: (directory: PackDirectory) => PackDirectory = (directory) => directory): Promise<string> {
    const objectId = newObjectId(this.#entropy);
    const plaintext = this.#pack.finish('tail');
    const sealed = sealPack(
      this.keys.pack,
      identityOf(this.keys, 'pack', objectId, 0, this.store.storeId),
      plaintext,
      this.#out,
      this.#entropy,
    );
    const key = packKey(this.keys.installationId, this.keys.policyId, objectId);
    const { versionId } = await this.store.put(key, this.#out.slice(0, sealed.storedLength));
    const { keyGeneration, keyEpoch } = this.keys;
    this.#index.addPack(
      { objectId, keyGeneration, keyEpoch, versionId, storedLength: sealed.storedLength, sha256: sealed.sha256, salt: sealed.salt },
      describe(readPackDirectory(Buffer.from(plaintext), 'a pack')),
    );
    this.#pack.reset();
    this.packKeys.push(key);
    return key;
  }

  /** Seals and puts the open index. */
  async cutIndex(): Promise<string> {
    this.#indexSequence += 1;
    const objectId = newObjectId(this.#entropy);
    const [content] = this.#index.encode();
    if (content === undefined) throw new Error('no index');
    const identity = identityOf(this.keys, 'index', objectId, this.#indexSequence, this.store.storeId);
    const sealed = sealObject(this.keys.index, identity, content, this.#entropy);
    const key = indexKey(this.keys.installationId, this.keys.policyId, this.#indexSequence, objectId);
    const { versionId } = await this.store.put(key, sealed.bytes);
    this.#indexes.push({ key, versionId, length: sealed.bytes.length, sha256: sealed.sha256, objectId, salt: sealed.salt });
    this.#index = new IndexBuilder();
    return key;
  }

  /** Of the indexes that were put. */
  get indexes(): readonly PinnedIndex[] {
    return this.#indexes;
  }

  manifest(sources: readonly ManifestSource[], changes: Partial<Manifest> = {}): Manifest {
    return {
      formatVersion: 1,
      writer: 'a fixture',
      policyId: this.keys.policyId,
      policy: { name: 'home' },
      sequence: 1,
      previous: null,
      claimed: { started: '2026-01-02T03:04:00.000Z', finished: '2026-01-02T03:04:05.678Z', storeTime: null },
      keyGeneration: this.keys.keyGeneration,
      sources,
      indexes: this.#indexes,
      live: [],
      heads: { policies: {}, keyring: null, term: null },
      params: { chunker: 'fastcdc', min: 262_144, avg: 1_048_576, max: 4_194_304, codec: 'zstd', padding: 'page' },
      statistics: {},
      warnings: [],
      ...changes,
    };
  }

  /** Cuts pack and index, and puts the manifest. */
  async commit(sources: readonly ManifestSource[], changes: Partial<Manifest> = {}): Promise<FixtureManifest> {
    if (this.#pack.blockCount > 0) await this.cutPack();
    if (this.#index.packCount > 0) await this.cutIndex();
    const manifest = this.manifest(sources, changes);
    const objectId = newObjectId(this.#entropy);
    const sealed = sealManifest(manifest, this.keys, this.store.storeId, this.#entropy, objectId);
    const { installationId, policyId } = this.keys;
    const key = restorePointKey(installationId, policyId, manifest.sequence, manifest.claimed.finished, objectId);
    await this.store.put(key, sealed.bytes);
    return { key, sha256: createHash('sha256').update(sealed.bytes).digest(), objectId, manifest };
  }
}
