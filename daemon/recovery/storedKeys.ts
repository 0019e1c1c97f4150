import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, PolicyId } from '../../protocol/ids.ts';
import { type KeyringCandidate } from '../keys/keyringCandidates.ts';
import { keyringFolder } from '../keys/keyringName.ts';
import { type KeyringSearchResult, searchKeyrings } from '../keys/keyringSearch.ts';
import { longestKeyring } from '../keys/keyring.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import type { ScryptRunner } from '../keys/scryptRunner.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { PolicyKeySource } from '../repository/keySource.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';

export interface StoredKeysRequest {
  readonly store: ObjectStore;
  readonly installationId: InstallationId;
  readonly passphrase: Uint8Array;
  /** A slot's id or a prefix of one, where only that passkey is to be tried. */
  readonly passkey: string | undefined;
  readonly scrypt: ScryptRunner;
  /** Sets of scrypt parameters that may be tried before the user is asked. */
  readonly tries: number;
  readonly signal: AbortSignal;
}

/** The keyrings of a location, opened with a passphrase. Rejects with `wrongSecret`, `unknownName` (the passkey), `damaged`, `objectMissing`, `confirmationNeeded`. */
export async function openStoredKeyrings(request: StoredKeysRequest): Promise<KeyringSearchResult> {
  const { store, installationId, passphrase, passkey, scrypt, tries, signal } = request;
  const candidates: KeyringCandidate[] = [];
  for await (const page of store.list(keyringFolder(installationId), { signal })) {
    for (const { key, versionId, lastModified, size } of page) {
      candidates.push({ key, lastModified, read: () => readKeyring(store, key, versionId, size, signal) });
    }
  }
  let tried = 0;
  try {
    return await searchKeyrings({
      installationId,
      candidates,
      passphrase,
      ...(passkey === undefined ? {} : { passkey }),
      scrypt,
      signal,
      askToGoOn: (count) => {
        tried = count;
        return Promise.resolve(count < tries);
      },
    });
  } catch (error) {
    if (!HoldfastError.is(error, 'cancelled') || tried === 0 || signal.aborted) throw error;
    throw new HoldfastError('confirmationNeeded', `The passphrase opened none of the first ${tried} keyrings that were tried. Go on?`, {
      fix: 'Say --yes, or check the passphrase.',
      details: { tried, remaining: Math.max(0, candidates.length - tried) },
      cause: error,
    });
  }
}

async function readKeyring(
  store: ObjectStore,
  key: string,
  versionId: string | null,
  size: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const length = Math.min(size, longestKeyring + 1);
  const object = await store.get(key, { versionId, offset: 0, length, signal });
  if (object === undefined) throw new HoldfastError('objectMissing', `Failed to read keyring ${key}: it is not there any more.`);
  return object.body;
}

/** The keys of one policy under every master key that was recovered, derived as headers ask for them. */
export class RecoveredKeySource implements PolicyKeySource {
  readonly #masterKeys: readonly MasterKey[];
  readonly #policyId: PolicyId;
  readonly #derived = new Map<string, PolicyKeys>();

  constructor(masterKeys: Iterable<MasterKey>, policyId: PolicyId) {
    this.#masterKeys = [...masterKeys];
    this.#policyId = policyId;
  }

  byMasterKeyId(masterKeyId: Uint8Array, keyGeneration: number): PolicyKeys | undefined {
    return this.#derive(
      this.#masterKeys.find((masterKey) => masterKey.hasId(masterKeyId)),
      keyGeneration,
    );
  }

  allOfEpoch(keyEpoch: number, keyGeneration: number): readonly PolicyKeys[] {
    const held = this.#masterKeys.filter((masterKey) => masterKey.keyEpoch === keyEpoch);
    return held.flatMap((masterKey) => this.#derive(masterKey, keyGeneration) ?? []);
  }

  #derive(masterKey: MasterKey | undefined, keyGeneration: number): PolicyKeys | undefined {
    if (masterKey === undefined || keyGeneration < 1) return undefined;
    const name = `${Buffer.from(masterKey.masterKeyId).toString('hex')}/${keyGeneration}`;
    const known = this.#derived.get(name) ?? masterKey.policyKeys(this.#policyId, keyGeneration);
    this.#derived.set(name, known);
    return known;
  }
}
