import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, PolicyId } from '../../protocol/ids.ts';
import { flagsToConfirm, type NamedKey } from '../../protocol/namedKeys.ts';
import { counted, minuteOf } from '../../protocol/wording.ts';
import { type KeyringCandidate } from '../keys/keyringCandidates.ts';
import { keyringFolder } from '../keys/keyringName.ts';
import { type KeyringSearchResult, searchKeyrings } from '../keys/keyringSearch.ts';
import { longestKeyring } from '../keys/keyring.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import { namedKeys } from '../keys/namedKeys.ts';
import type { ScryptRunner } from '../keys/scryptRunner.ts';
import type { ConfirmedKey } from '../keys/serviceTrials.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { PolicyKeySource } from '../repository/keySource.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';

export interface StoredKeysRequest {
  readonly store: ObjectStore;
  readonly installationId: InstallationId;
  /** What opens them; with nothing, the keys outside that they name are listed. */
  readonly secret: StoredKeysSecret | undefined;
  /** A slot's id or a prefix of one, where only that passkey is to be tried. */
  readonly passkey: string | undefined;
  readonly scrypt: ScryptRunner;
  /** Sets of scrypt parameters, or slots of the key outside, that may be tried before the user is asked. */
  readonly tries: number;
  readonly signal: AbortSignal;
}

/** A keyring object as the store lists it. */
export interface StoredKeyring extends KeyringCandidate {
  readonly versionId: string | null;
}

export interface StoredKeys extends KeyringSearchResult {
  /** All that lies in the folder, whoever put it. */
  readonly candidates: readonly StoredKeyring[];
}

export type StoredKeysSecret = { readonly passphrase: Uint8Array } | { readonly confirmed: ConfirmedKey };

/**
 * The keyrings of a location, opened with a passphrase or with a key outside that the user has named. Rejects with `wrongSecret`, `unknownName` (the passkey,
 * or no slot of the key), `keyServiceRefused`, `keyServiceUnavailable`, `damaged`, `objectMissing`, `confirmationNeeded` (to go on; or of a key outside).
 */
export async function openStoredKeyrings(request: StoredKeysRequest): Promise<StoredKeys> {
  const { store, installationId, secret, passkey, scrypt, tries, signal } = request;
  const candidates: StoredKeyring[] = [];
  for await (const page of store.list(keyringFolder(installationId), { signal })) {
    for (const { key, versionId, lastModified, size } of page) {
      candidates.push({ key, versionId, lastModified, read: () => readKeyring(store, key, versionId, size, signal) });
    }
  }
  if (secret === undefined) throw (await unconfirmed(installationId, candidates, signal)) ?? passphraseNeeded();
  let tried = 0;
  try {
    const found = await searchKeyrings({
      installationId,
      candidates,
      ...('passphrase' in secret ? { passphrase: secret.passphrase, scrypt } : secret),
      ...(passkey === undefined ? {} : { passkey }),
      signal,
      askToGoOn: (count) => {
        tried = count;
        return Promise.resolve(count < tries);
      },
    });
    return { ...found, candidates };
  } catch (error) {
    // No passphrase was asked for by any slot, so none was wrong.
    if (HoldfastError.is(error, 'wrongSecret') && error.details?.['attempts'] === 0) {
      throw (await unconfirmed(installationId, candidates, signal)) ?? error;
    }
    if (!HoldfastError.is(error, 'cancelled') || tried === 0 || signal.aborted) throw error;
    throw new HoldfastError(
      'confirmationNeeded',
      `${'passphrase' in secret ? 'The passphrase' : 'The key'} opened none of the first ${tried} keyrings that were tried. Go on?`,
      {
        fix: 'passphrase' in secret ? 'Say --yes, or check the passphrase.' : 'Say --yes, or check which key it is.',
        details: { tried, remaining: Math.max(0, candidates.length - tried) },
        cause: error,
      },
    );
  }
}

/** For the user to say which of the keys that keyrings name is his; nothing was sent to any. `undefined` where they name none. */
async function unconfirmed(
  installationId: InstallationId,
  candidates: readonly KeyringCandidate[],
  signal: AbortSignal,
): Promise<HoldfastError | undefined> {
  const { references, left } = await namedKeys({ installationId, candidates, signal });
  if (references.length === 0) return undefined;
  const cause = `nothing was sent to the ${counted(references.length + left, 'key')} outside that the keyrings name, since whoever can write to the location can name any`;
  return HoldfastError.failedTo('confirmationNeeded', 'find the master key', cause, {
    fix: 'Name the one that is yours by its flags, as above. Where it is a passphrase, give that with `--passphrase-file F`.',
    details: { references: [...references], left, reasons: references.map((one) => ({ what: sayingOf(one), until: null })) },
  });
}

function sayingOf({ target, since, keyrings }: NamedKey): string {
  const stored = since === null ? '' : `, since ${minuteOf(since)}`;
  return `${flagsToConfirm(target)} (in ${counted(keyrings, 'keyring')}${stored})`;
}

function passphraseNeeded(): HoldfastError {
  return HoldfastError.failedTo('wrongSecret', 'find the master key', 'a passphrase is needed, or the key outside', {
    fix: 'Give the passphrase of any passkey of the installation.',
  });
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
