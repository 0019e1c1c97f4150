import { createHash } from 'node:crypto';
import type { PinnedIndex, UploadingObject } from '../../daemon/engine/jobs.ts';
import { hexOf } from '../../daemon/repository/bytes.ts';
import { IdSet } from '../../daemon/repository/idSet.ts';
import type { ReachedObjects, ReachReader } from '../../daemon/policies/garbage/sweep.ts';

/** What a model's restore point holds: the chunks that it needs, and the indexes that say where they are. */
export interface ModelManifest {
  readonly needs: readonly string[];
  readonly indexes: readonly { readonly key: string; readonly objectId: string }[];
}

/** Chunk to packs (hex). */
export type ModelIndex = Readonly<Record<string, readonly string[]>>;

/** Reads the model's manifests as the product reads the real ones: all indexes first, and every copy of a chunk counts. */
export class ModelReach implements ReachReader {
  readonly #read: (key: string) => Promise<Uint8Array>;
  readonly #needs: Set<string> = new Set();
  readonly #indexes: Map<string, ModelIndex> = new Map();
  readonly #pinned: IdSet = new IdSet();

  constructor(read: (key: string) => Promise<Uint8Array>) {
    this.#read = read;
  }

  async add(listed: readonly { readonly key: string }[]): Promise<void> {
    const manifests: ModelManifest[] = [];
    for (const { key } of listed) manifests.push(parsed<ModelManifest>(await this.#read(key)));
    for (const { needs, indexes } of manifests) {
      for (const { key, objectId } of indexes) {
        this.#pinned.add(Buffer.from(objectId, 'hex'));
        if (!this.#indexes.has(key)) this.#indexes.set(key, parsed<ModelIndex>(await this.#read(key)));
      }
      for (const chunk of needs) this.#needs.add(chunk);
    }
  }

  async reached(): Promise<ReachedObjects> {
    const packs = new Set<string>();
    const named = new Set<string>();
    for (const index of this.#indexes.values()) {
      for (const [chunk, ids] of Object.entries(index)) {
        for (const id of ids) {
          named.add(id);
          if (this.#needs.has(chunk)) packs.add(id);
        }
      }
    }
    const pinnedIds = this.#pinned;
    return await Promise.resolve({
      has: (type: 'pack' | 'index', id: Uint8Array) => (type === 'pack' ? packs.has(hexOf(id)) : pinnedIds.has(id)),
      names: (id: Uint8Array) => named.has(hexOf(id)),
      unusedBytes: 0,
    });
  }
}

export function parsed<Value>(body: Uint8Array): Value {
  const value: Value = JSON.parse(Buffer.from(body).toString('utf8'));
  return value;
}

export function facts(kind: UploadingObject['kind'], objectId: Uint8Array, body: Buffer): Omit<UploadingObject, 'key'> {
  return { kind, objectId, length: body.length, sha256: createHash('sha256').update(body).digest() };
}

export function pinned(key: string, objectId: Uint8Array, body: Uint8Array): PinnedIndex {
  const sha256 = createHash('sha256').update(body).digest();
  return { key, versionId: null, length: body.length, sha256, objectId, salt: Buffer.alloc(32) };
}

/** Packs (hex) that this index gives for what the restore point needs. */
export function packsNeeded({ needs }: ModelManifest, index: ModelIndex): readonly string[] {
  return Object.entries(index).flatMap(([chunk, packs]) => (needs.includes(chunk) ? packs : []));
}
