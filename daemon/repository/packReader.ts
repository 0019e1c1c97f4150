import { createHash, type KeyObject } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { uuidText, idOf, type InstallationId, type PolicyId } from '../../protocol/ids.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { ByteLru } from './byteLru.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { decodeBlock } from './blockCodec.ts';
import { deriveObjectKey } from './container.ts';
import { encodeBoundHeader, type ObjectHeader } from './header.ts';
import type { BlockRow, PackRow } from './indexView.ts';
import type { PolicyKeySource } from './keySource.ts';
import { packKey } from './names.ts';
import type { PolicyKeys } from './policyKeys.ts';
import { refusal, ruleOf } from './refusal.ts';
import { openRange, planRange, type RangePlan } from './segments.ts';

const keptPackKeys = 4096;

/** A decoded block, and the keys whose tags held: its chunks are named under them. */
export interface ReadBlock {
  readonly bytes: Buffer;
  readonly keys: PolicyKeys;
}

interface OpeningKeys {
  readonly key: KeyObject;
  readonly keys: PolicyKeys;
}

/** What packs share with the header of the manifest or index that names them. */
export type PackScope = Pick<ObjectHeader, 'installationId' | 'scopeId' | 'storeId'>;

/** Reads blocks of packs by range, by what an authenticated index records of them (docs/format.md, Range read). */
export class PackReader {
  readonly #replaced = new Set<string>();
  readonly #store: ObjectStore;
  readonly #keySource: PolicyKeySource;
  readonly #header: PackScope;
  readonly #keys: ByteLru<OpeningKeys> = new ByteLru(keptPackKeys);

  /** `header` is that of the manifest or index that names the packs: they share its installation, policy and store. */
  constructor(store: ObjectStore, keySource: PolicyKeySource, header: PackScope) {
    this.#store = store;
    this.#keySource = keySource;
    this.#header = header;
  }

  /** Keys of packs whose recorded version is gone: another one, of the recorded bytes, was read in its place. */
  get replaced(): ReadonlySet<string> {
    return this.#replaced;
  }

  keyOf(pack: PackRow): string {
    const { installationId, scopeId } = this.#header;
    return packKey(idOf<InstallationId>(installationId), idOf<PolicyId>(uuidText(scopeId)), pack.objectId);
  }

  /** Rejects with a refusal where the pack or the block is missing or damaged, and with `wrongSecret` where no key of its epoch is held. */
  async readBlock(pack: PackRow, block: BlockRow, signal?: AbortSignal): Promise<ReadBlock> {
    const subject = subjectOf(pack);
    const plan = planRange(pack.storedLength, block.offset, block.storedLength, subject);
    const fetched = await this.#fetch(pack, plan.storedOffset, plan.storedLength, signal);
    const { stored, keys } = this.#open(pack, plan, fetched);
    return { bytes: decodeBlock(stored, block.codec, block.rawLength, subject), keys };
  }

  async #fetch(pack: PackRow, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const key = this.keyOf(pack);
    const { versionId } = pack;
    const options = { offset, length, versionId, ...(signal === undefined ? {} : { signal }) };
    const answer = await this.#store.get(key, options);
    if (answer === undefined) return this.#fetchAnyVersion(pack, offset, length, signal);
    const isAsRecorded = answer.size === pack.storedLength && answer.offset === offset && answer.body.length === length;
    if (!isAsRecorded) throw refusal(subjectOf(pack), 'storedLength', `the store has ${answer.size} of its ${pack.storedLength} bytes`);
    return answer.body;
  }

  /** Where the recorded version is gone, any version with the recorded SHA-256 is right. */
  async #fetchAnyVersion(pack: PackRow, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const key = this.keyOf(pack);
    const whole = pack.versionId === null ? undefined : await this.#store.get(key, signal === undefined ? {} : { signal });
    if (whole === undefined || pack.versionId === null) throw refusal(subjectOf(pack), 'missing', 'it is not there', 'objectMissing');
    if (!sameBytes(createHash('sha256').update(whole.body).digest(), pack.sha256)) {
      throw refusal(subjectOf(pack), 'storedHash', 'the recorded version is gone, and the one in its place has other bytes');
    }
    this.#replaced.add(key);
    return whole.body.subarray(offset, offset + length);
  }

  /** Tries every held key of the row's epoch, and keeps the one whose tags hold. */
  #open(pack: PackRow, plan: RangePlan, fetched: Uint8Array): { readonly stored: Buffer; readonly keys: PolicyKeys } {
    const subject = subjectOf(pack);
    const id = `${hexOf(pack.objectId)}${hexOf(pack.salt)} ${pack.keyEpoch} ${pack.keyGeneration}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return { stored: openRange(known.key, plan, fetched, subject), keys: known.keys };
    let failure: unknown;
    for (const keys of this.#keySource.allOfEpoch(pack.keyEpoch, pack.keyGeneration)) {
      const key = packRowKey(this.#header, keys, pack);
      try {
        const stored = openRange(key, plan, fetched, subject);
        this.#keys.set(id, { key, keys }, 1);
        return { stored, keys };
      } catch (error) {
        if (ruleOf(error) === undefined) throw error;
        failure ??= error;
      }
    }
    throw failure ?? keysNotHeld(pack);
  }
}

function keysNotHeld(pack: PackRow): HoldfastError {
  const what = `key epoch ${pack.keyEpoch}, generation ${pack.keyGeneration}`;
  return HoldfastError.failedTo('wrongSecret', `read ${subjectOf(pack)}`, `its keys (${what}) are not held`, {
    fix: 'Unlock with a passkey that opens this master key.',
  });
}

/**
 * The key of a pack as its row in an authenticated index describes it; `header` is that of the index or its manifest, `keys` those that the row
 * names. No commitment is compared: the key itself binds the header (docs/format.md, Range read).
 */
export function packRowKey(header: PackScope, keys: PolicyKeys, pack: Pick<PackRow, 'keyGeneration' | 'objectId' | 'salt'>): KeyObject {
  const bound = encodeBoundHeader({
    type: 'pack',
    keyGeneration: pack.keyGeneration,
    installationId: header.installationId,
    masterKeyId: keys.masterKeyId,
    scopeId: header.scopeId,
    objectId: pack.objectId,
    sequence: 0,
    storeId: header.storeId,
  });
  return deriveObjectKey(keys.pack, bound, pack.salt).key;
}

export function subjectOf(pack: PackRow): string {
  return `pack ${hexOf(pack.objectId)}`;
}
