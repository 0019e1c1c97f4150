import { createHmac, type KeyObject } from 'node:crypto';
import type { PolicyKeys } from './policyKeys.ts';

/** What a chunk holds, and its number in directories and indexes (docs/format.md, Packs). */
export const chunkKinds = { data: 1, tree: 2, list: 3 } as const;
export type ChunkKind = keyof typeof chunkKinds;

const kindNames: readonly (ChunkKind | undefined)[] = [undefined, 'data', 'tree', 'list'];

export const chunkIdLength = 32;
export const maxChunkLength: number = 8 * 1024 * 1024;

/** HMAC-SHA-256(id key of the kind, chunk bytes), 32 bytes. */
export function chunkIdOf(idKey: KeyObject, chunk: Uint8Array): Buffer {
  return createHmac('sha256', idKey).update(chunk).digest();
}

/** The key under which chunks of this kind are named. */
export function idKeyOf(keys: PolicyKeys, kind: ChunkKind): KeyObject {
  switch (kind) {
    case 'data':
      return keys.idData;
    case 'tree':
      return keys.idTree;
    case 'list':
      return keys.idList;
  }
}

export function chunkKindOf(number: number): ChunkKind | undefined {
  return kindNames[number];
}
