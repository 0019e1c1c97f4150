import { type InstallationId, type PolicyId, type StoreId, uuidBytes } from '../../protocol/ids.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { Breather } from './breather.ts';
import { isUnreadable } from './chunkReader.ts';
import { IndexBuilder } from './indexBuilder.ts';
import type { PolicyKeySource } from './keySource.ts';
import { keysMissing } from './manifest.ts';
import { packsPrefix, parseObjectKey } from './names.ts';
import { hashOf, openWholePack } from './packCheck.ts';
import { readPackDirectory } from './packDirectory.ts';
import { maxPackStoredLength } from './padding.ts';
import { refusal } from './refusal.ts';

export interface RebuiltIndex {
  /** The store that all packs name, for the index's own header; `undefined` without packs. */
  readonly storeId: StoreId | undefined;
  /** Contents of indexes, to be sealed; none where there are no packs. */
  readonly contents: readonly Buffer[];
  readonly packs: number;
  /** Packs that were left out. */
  readonly damaged: readonly { readonly key: string; readonly reason: string }[];
}

export interface RebuildOptions {
  /** Take only packs of this store; without it the first pack's store counts, for an index has one. */
  readonly storeId?: StoreId;
  readonly signal?: AbortSignal;
  readonly onProgress?: (packs: number) => void;
}

/** Makes the indexes of a policy anew from its packs, which describe themselves. Errors of the store pass through. */
export async function rebuildIndex(
  store: ObjectStore,
  installationId: InstallationId,
  policyId: PolicyId,
  keySource: PolicyKeySource,
  options: RebuildOptions = {},
): Promise<RebuiltIndex> {
  const abort = options.signal === undefined ? {} : { signal: options.signal };
  const breather = new Breather(options.signal);
  const builder = new IndexBuilder();
  let { storeId } = options;
  const damaged: { readonly key: string; readonly reason: string }[] = [];
  for await (const page of store.list(packsPrefix(installationId, policyId), abort)) {
    for (const { key, versionId } of page) {
      try {
        const scope = { installationId, scopeId: uuidBytes(policyId), ...(storeId === undefined ? {} : { storeId }) };
        storeId = await addPack(store, builder, key, versionId, scope, keySource, breather, abort);
        options.onProgress?.(builder.packCount);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        damaged.push({ key, reason: error.message });
      }
    }
  }
  return { storeId, contents: builder.packCount === 0 ? [] : builder.encode(), packs: builder.packCount, damaged };
}

async function addPack(
  store: ObjectStore,
  builder: IndexBuilder,
  key: string,
  versionId: string | null,
  scope: { readonly installationId: InstallationId; readonly scopeId: Uint8Array; readonly storeId?: StoreId },
  keySource: PolicyKeySource,
  breather: Breather,
  abort: { readonly signal?: AbortSignal },
): Promise<StoreId> {
  const subject = `pack ${key.slice(key.lastIndexOf('/') + 1)}`;
  const name = parseObjectKey(key);
  if (name?.type !== 'pack') throw refusal(subject, 'objectName', 'its name is none of a pack');
  const answer = await store.get(key, { versionId, length: maxPackStoredLength + 1, ...abort });
  if (answer === undefined) throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
  const expected = { type: 'pack', ...scope, objectId: name.objectId, sequence: 0 } as const;
  const opened = await openWholePack(
    answer.body,
    expected,
    (header) => {
      const keys = keySource.byMasterKeyId(header.masterKeyId, header.keyGeneration);
      if (keys === undefined) throw keysMissing(subject, header);
      return keys;
    },
    subject,
    breather,
  );
  builder.addPack(
    {
      objectId: name.objectId,
      salt: Uint8Array.from(opened.header.salt),
      keyGeneration: opened.header.keyGeneration,
      keyEpoch: opened.keys.keyEpoch,
      storedLength: answer.body.length,
      sha256: await hashOf(answer.body, breather),
      versionId,
    },
    readPackDirectory(opened.plaintext, subject),
  );
  return opened.header.storeId;
}
