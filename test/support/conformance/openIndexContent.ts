import { openObject, sealObject } from '../../../daemon/repository/container.ts';
import type { PinnedIndex } from '../../../daemon/repository/manifestTypes.ts';
import { indexKey } from '../../../daemon/repository/names.ts';
import type { PolicyKeys } from '../../../daemon/repository/policyKeys.ts';
import type { MemoryStore } from '../memoryStore.ts';
import { entropyFrom, identityOf } from '../repositoryKeys.ts';

/** The content of a stored index, to be bent. */
export function openIndexContent(store: MemoryStore, key: string, keys: PolicyKeys): Buffer {
  const stored = store.objects.get(key)?.[0]?.body;
  if (stored === undefined) throw new Error(`no index ${key}`);
  return Buffer.from(openObject(stored, { type: 'index' }, () => keys.index, 'an index').content);
}

/** Seals and puts a content as an index, whatever it says, and gives the pin of it. */
export function plantIndex(store: MemoryStore, keys: PolicyKeys, content: Uint8Array, sequence: number): PinnedIndex {
  const objectId = Buffer.alloc(16, sequence);
  const { bytes, sha256, salt } = sealObject(
    keys.index,
    identityOf(keys, 'index', objectId, sequence, store.storeId),
    content,
    entropyFrom(`index ${sequence}`),
  );
  const key = indexKey(keys.installationId, keys.policyId, sequence, objectId);
  store.plant(key, bytes);
  return { key, versionId: null, length: bytes.length, sha256, objectId, salt };
}
