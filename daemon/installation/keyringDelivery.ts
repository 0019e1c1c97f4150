import { createHash, randomFillSync } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId, PolicyId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { KeyringRecord } from '../catalog/keyringStore.ts';
import type { Head, Heads } from '../keys/heads.ts';
import { decodeKeyring, encodeKeyring, longestKeyring } from '../keys/keyring.ts';
import { keyringName } from '../keys/keyringName.ts';
import { slotsOfKeyring } from '../keys/passkeyStates.ts';
import type { Slot } from '../keys/slot.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { KeyHolder } from './keyHolder.ts';
import { passkeyStatus } from './passkeyStatus.ts';
import { slotOf } from './slotOf.ts';
import { unknownSlotsIn } from './unknownSlots.ts';

export interface KeyringDeliveryOptions {
  readonly catalog: Catalog;
  readonly keys: KeyHolder;
  readonly wallClock: () => Date;
}

const policyHeadsInKeyring = 200;
/** Bytes of a keyring that heads, header and MACs may take. */
const besideSlots = 27 * 1024;
/** Bytes for all slots, as JSON: 32 of usual length have half of it. */
const longestSlots = longestKeyring - besideSlots;
/** Bytes of a policy's head with its id, as JSON. */
const longestHead = 132;
/** Bytes of a keyring that are neither slots nor heads of policies. */
const besideHeads = 600;

/** A location that the newest keyring could not be brought to, and why. */
export interface Undelivered {
  readonly locationId: LocationId;
  readonly error: unknown;
}

/**
 * Brings the keyring to every location (docs/format.md, The keyring object). Each location has an object of its own, since its header names the store; all of
 * one sequence hold the same slots. An object is written into the catalog before it is put, so that a retry sends the same bytes.
 */
export class KeyringDelivery {
  readonly #catalog: Catalog;
  readonly #keys: KeyHolder;
  readonly #wallClock: () => Date;

  constructor(options: KeyringDeliveryOptions) {
    this.#catalog = options.catalog;
    this.#keys = options.keys;
    this.#wallClock = options.wallClock;
  }

  /** Marks the slots as changed: every location is behind from now on. Call within the transaction that changes them. */
  changed(): void {
    this.#catalog.sequences.next('keyring');
  }

  /** Call within the transaction that adds a slot. Throws `refusedByRule` where the next keyring would be longer than the format has it. */
  assertRoom(): void {
    const length = lengthOf([...this.#slots(), ...unknownSlotsIn(this.#catalog)]);
    if (length <= longestSlots) return;
    const cause = `all passkeys would take ${length} bytes of the keyring, which has ${longestSlots} for them`;
    throw HoldfastError.failedTo('refusedByRule', 'add a passkey', cause, { fix: 'Retire one first.' });
  }

  isBehind(locationId: LocationId): boolean {
    return (this.#catalog.keyrings.newestCopyAt(locationId)?.sequence ?? 0) < this.#catalog.sequences.last('keyring');
  }

  /** Puts the newest keyring and reads it back. Nothing to do is no error. Rejects as stores do, and with `tampered` where other bytes come back. */
  async deliver(locationId: LocationId, store: ObjectStore, signal?: AbortSignal): Promise<void> {
    if (!this.isBehind(locationId)) return;
    const sequence = this.#catalog.sequences.last('keyring');
    const record = this.#recordFor(store, sequence) ?? this.#makeRecord(locationId, store, sequence);
    const installationId = this.#keys.masterKey.installationId;
    const key = keyringName({ installationId, sequence, objectId: record.objectId });
    const options = signal === undefined ? {} : { signal };
    let versionId: string | null = null;
    try {
      versionId = (await store.put(key, record.bytes, options)).versionId;
    } catch (error) {
      // A put whose answer was lost: what is there is looked at below.
      if (!HoldfastError.is(error, 'objectExists')) throw error;
    }
    const readBack = await store.get(key, { ...options, versionId, length: record.bytes.length + 1 });
    if (readBack === undefined || !Buffer.from(record.bytes).equals(readBack.body)) {
      throw new HoldfastError('tampered', `Failed to write the keyring: another object than the one written is at ${key}.`, {
        fix: 'Find out who else writes to this location.',
      });
    }
    const lock = await this.#lockAt(locationId, store, { key, versionId: readBack.versionId, signal });
    this.#catalog.transaction(() => {
      const at = this.#wallClock().toISOString();
      this.#catalog.keyrings.recordCopy({ locationId, sequence, key, versionId: readBack.versionId, readBackAt: at });
      this.#catalog.objects.record({
        locationId,
        objectKey: key,
        policyId: null,
        kind: 'keyring',
        objectId: record.objectId,
        versionId: readBack.versionId,
        size: record.bytes.length,
        sha256: sha256(record.bytes),
        state: 'present',
        recordedAt: at,
        readBackAt: at,
        ...lock,
      });
    });
  }

  /** The lock that the store gave it: the retirement gate names its end. One that can not be read now is read when locks are looked at next. */
  async #lockAt(
    locationId: LocationId,
    { versions }: ObjectStore,
    { key, versionId, signal }: { readonly key: string; readonly versionId: string | null; readonly signal: AbortSignal | undefined },
  ): Promise<{ readonly retainUntil: string | null; readonly lockReadAt: string | null }> {
    const unknown = { retainUntil: null, lockReadAt: null };
    if (versions === undefined || versionId === null || (this.#catalog.locations.get(locationId)?.lockMode ?? null) === null)
      return unknown;
    const options = signal === undefined ? {} : { signal };
    try {
      const readAt = await versions.time(options);
      const held = await versions.lockOf(key, versionId, options);
      return held === null ? unknown : { retainUntil: held.until.toISOString(), lockReadAt: readAt.toISOString() };
    } catch (error) {
      signal?.throwIfAborted();
      if (HoldfastError.is(error)) return unknown;
      throw error;
    }
  }

  /** Tries every location that is behind; gives those that could not be reached, which get it before their next backup. */
  async deliverEverywhere(open: (locationId: LocationId) => Promise<ObjectStore>, signal?: AbortSignal): Promise<readonly Undelivered[]> {
    const undelivered: Undelivered[] = [];
    for (const { locationId } of this.#catalog.locations.list()) {
      if (!this.isBehind(locationId)) continue;
      try {
        await this.deliver(locationId, await open(locationId), signal);
      } catch (error) {
        undelivered.push({ locationId, error });
      }
    }
    return undelivered;
  }

  /** The newest keyring that is known to be at a location, as manifests and keyrings name it. */
  headAt(locationId: LocationId): Head | null {
    const copy = this.#catalog.keyrings.newestCopyAt(locationId);
    const object = copy === undefined ? undefined : this.#catalog.objects.get(locationId, copy.key);
    return copy === undefined || object === undefined ? null : { sequence: copy.sequence, sha256: base64(object.sha256) };
  }

  /** The newest of everything that is known at a location. */
  headsAt(locationId: LocationId): Heads {
    const policies: Record<PolicyId, Head> = {};
    const storeId = this.#catalog.locations.get(locationId)?.storeId;
    for (const { policyId } of this.#catalog.policies.list({ includeDeleted: true }).filter((policy) => policy.locationId === locationId)) {
      // What was imported is another installation's, and no reader of this one's keyrings has its manifests.
      if (this.#catalog.importedPolicies.has(policyId)) continue;
      const newest = this.#catalog.restorePoints.head(policyId);
      // A policy that moved here has its restore points of before elsewhere.
      if (newest !== undefined && newest.storeId === storeId)
        policies[policyId] = { sequence: newest.sequence, sha256: base64(newest.sha256) };
    }
    return { policies, keyring: this.headAt(locationId), term: null };
  }

  #recordFor(store: ObjectStore, sequence: number): KeyringRecord | undefined {
    const { installationId } = this.#keys.masterKey;
    return this.#catalog.keyrings
      .list()
      .find((record) => record.sequence === sequence && decodeKeyring(record.bytes, installationId).storeId === store.storeId);
  }

  /** Throws `refusedByRule` where the passkey in use would not be among them: nobody could count on what it opens. */
  #slots(): readonly Slot[] {
    const passkeys = this.#catalog.passkeys.list();
    const held = new Set(slotsOfKeyring(passkeys.map(passkeyStatus)));
    if (!passkeys.some(({ slotId, inUse }) => inUse && held.has(slotId))) {
      throw HoldfastError.failedTo('refusedByRule', 'write the keyring', 'the passkey in use would not be in it', {
        fix: 'Use another passkey: "holdfast passkey use NAME".',
      });
    }
    return passkeys.filter(({ slotId }) => held.has(slotId)).map((passkey) => slotOf(passkey.slotId, passkey.slot));
  }

  #makeRecord(locationId: LocationId, store: ObjectStore, sequence: number): KeyringRecord {
    const masterKey = this.#keys.masterKey;
    const createdAt = this.#wallClock().toISOString();
    const objectId = randomFillSync(new Uint8Array(16));
    const slots = this.#slots();
    const unknownSlots = unknownSlotsIn(this.#catalog);
    const heads = withNewestPolicies(this.headsAt(locationId), longestKeyring - besideHeads - lengthOf([...slots, ...unknownSlots]));
    const body = { keyEpoch: masterKey.keyEpoch, createdAt, heads, slots, unknownSlots };
    const bytes = encodeKeyring({ objectId, sequence, storeId: store.storeId }, body, masterKey, this.#keys.drKeys?.drKey);
    const record: KeyringRecord = { sequence, objectId, bytes, createdAt };
    this.#catalog.keyrings.add(record);
    return record;
  }
}

/** A keyring has at most 64 KiB, so it names the heads of the policies that were backed up most often, and no more than there is `room` for, in bytes. */
function withNewestPolicies(heads: Heads, room: number): Heads {
  const newest = Object.entries(heads.policies)
    .toSorted(([, a], [, b]) => b.sequence - a.sequence)
    .slice(0, Math.max(0, Math.min(policyHeadsInKeyring, Math.floor(room / longestHead))));
  return { ...heads, policies: Object.fromEntries(newest) };
}

function lengthOf(slots: readonly unknown[]): number {
  return Buffer.byteLength(JSON.stringify(slots));
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
