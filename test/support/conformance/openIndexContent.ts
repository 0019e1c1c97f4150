import { openObject } from '../../../daemon/repository/container.ts';
import type { PolicyKeys } from '../../../daemon/repository/policyKeys.ts';
import type { MemoryStore } from '../memoryStore.ts';

/** The content of a stored index, to be bent. */
export function openIndexContent(store: MemoryStore, key: string, keys: PolicyKeys): Buffer {
  const stored = store.objects.get(key)?.[0]?.body;
  if (stored === undefined) throw new Error(`no index ${key}`);
  return Buffer.from(openObject(stored, { type: 'index' }, () => keys.index, 'an index').content);
}
