import { createHash, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { counted } from '../../protocol/wording.ts';
import { idOf, type LocationId } from '../../protocol/ids.ts';
import { type LocationSpec, lockMode } from '../../protocol/methods/locations.ts';
import type { ImportDocument } from '../../protocol/methods/recovery.ts';
import { type Finding, findingsInline, nameProblem, time } from '../../protocol/methods/values.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { roundedSeconds } from '../actions/seconds.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type LocationRecord, softLocation } from '../catalog/locationStore.ts';
import type { NewPasskey } from '../catalog/passkeyStore.ts';
import { usualRunRules, usualSourceRules } from '../../protocol/methods/policies.ts';
import { definitionInManifest, type PolicyDefinition } from '../catalog/policyDefinition.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { Installation } from '../installation/installation.ts';
import { bucketKeys, keysIn, type LocationStoresOptions, type SealedKeys } from '../installation/locationStores.ts';
import { restorePointRecordOf } from '../installation/manifestRecord.ts';
import { callSecrets, newServiceKey, type ServiceSlotKey } from '../installation/passkeys/slotKeys.ts';
import { type KnownKeyring, recordKnownKeyrings } from '../installation/knownKeyring.ts';
import { slotOf } from '../installation/slotOf.ts';
import type { KeyAgent } from '../keys/agent/keyAgent.ts';
import type { ReadKeyring } from '../keys/keyringCandidates.ts';
import type { KeyringSearchResult } from '../keys/keyringSearch.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import { wrapWithPassphrase } from '../keys/passkeys/passphrase.ts';
import type { ScryptRunner } from '../keys/scryptRunner.ts';
import { isSlotOf } from '../keys/serviceTrials.ts';
import type { Slot } from '../keys/slot.ts';
import type { FileSystem } from '../locations/fileAccess.ts';
import { openFilesystemStore } from '../locations/filesystem.ts';
import { parseLocationSpec } from '../../protocol/locationSpec.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { connectS3 as overTheWire } from '../locations/s3/openS3.ts';
import { hexOf } from '../repository/bytes.ts';
import type { Head } from '../repository/manifestTypes.ts';
import { packKey } from '../repository/names.ts';
import { chooseInstallation, storedInstallations } from './storedInstallations.ts';
import { openStoredKeyrings, RecoveredKeySource, type StoredKeysSecret } from './storedKeys.ts';
import type { NamingObject } from './storedHeads.ts';
import { ownKeyrings } from './storedKeyrings.ts';
import { readStoredPolicies, type StoredManifest, type StoredPolicy } from './storedPolicies.ts';

/** As backups write it into the policy of their manifests. */
const protectionSchema = z.object({ mode: lockMode, days: z.int().min(1).max(3650) });

export interface ImportRequest {
  readonly spec: LocationSpec;
  /** Of a bucket whose credentials are sealed: the bytes of the secret, overwritten by the import. */
  readonly keys: Buffer | undefined;
  readonly locationName: string;
  readonly installation: string | undefined;
  readonly at: string | undefined;
  readonly passkey: string | undefined;
  /** Owned by the import, which overwrites it. Without it, `key`; with neither, the keys that the keyrings name are listed. */
  readonly passphrase: Buffer | undefined;
  /** A key outside that the user has named: kept for its slots, so that this machine opens them by itself. */
  readonly key: ServiceSlotKey | undefined;
  readonly tries: number;
}

export interface ImportStoredOptions {
  readonly installation: Installation;
  /** Reaches buckets; by the wire where left out. */
  readonly connectS3?: LocationStoresOptions['connectS3'];
  readonly fileSystem: FileSystem;
  readonly scrypt: ScryptRunner;
  readonly keyAgent: KeyAgent;
  readonly wallClock: () => Date;
  /** The ids of those restore points of one policy that its rules would retire at the next run. */
  readonly retiredBy: (points: readonly RestorePointRecord[], keep: PolicyDefinition['keep']) => ReadonlySet<string>;
}

/**
 * Rebuilds a lost catalog from what a location holds, with any passphrase of its keyring, or a key outside that the user names. Everything is read first and written in one transaction, so
 * that a run that fails or is cancelled leaves the state directory as empty as it was. Policies come back paused. What is not wanted, and was retired by
 * nobody as far as can be seen, comes back off the list and pinned: no collection takes it before it is unpinned. Pins of the user's are in no store: what
 * is live and would go at the next run comes back pinned too.
 */
export class ImportStored {
  readonly #options: ImportStoredOptions;

  constructor(options: ImportStoredOptions) {
    this.#options = options;
  }

  async run(request: ImportRequest, run: ActionRun): Promise<WorkResult> {
    const started = performance.now();
    try {
      return await this.#run(request, run, started);
    } finally {
      request.passphrase?.fill(0);
      request.keys?.fill(0);
    }
  }

  async #run(request: ImportRequest, run: ActionRun, started: number): Promise<WorkResult> {
    const { installation, scrypt } = this.#options;
    const { signal } = run;
    const spec = parseLocationSpec(request.spec);
    const keys = request.keys === undefined ? undefined : keysIn(request.keys);
    await using opened = await this.#open(spec, keys, signal);
    const { store } = opened;
    run.report({ phase: 'unlocking', files: 0, bytes: 0, totalFiles: null, totalBytes: null });
    const installationId = chooseInstallation(await storedInstallations(store, signal), request.installation);
    const { passkey, tries } = request;
    const found = await openStoredKeyrings({ store, installationId, secret: this.#secretOf(request), passkey, scrypt, tries, signal });
    const masterKeys = [...found.masterKeys.values()];
    let held: MasterKey | undefined;
    try {
      const findings: Finding[] = found.findings.map(({ key, message }) => ({ path: key, reason: message }));
      const { policies, findings: damaged } = await readStoredPolicies({
        store,
        installationId,
        keysOf: (policyId) => new RecoveredKeySource(masterKeys, policyId),
        ...(request.at === undefined ? {} : { at: request.at }),
        keyring: found.newest === undefined ? undefined : namedBy(found.newest),
        signal,
        onProgress: (files) => run.report({ phase: 'reading', files, bytes: 0, totalFiles: null, totalBytes: null }),
      });
      findings.push(...damaged);
      const masterKey = newestOf(masterKeys);
      const keyrings = await ownKeyrings(found, { installationId, masterKey, storeId: store.storeId, signal });
      const known = passkeysOf(found, this.#options.wallClock());
      // What opened alone is known to be somebody's: without it nothing would open this machine for sure, nor the keyring that is put.
      const own = known.some(({ inUse }) => inUse)
        ? undefined
        : await this.#ownPasskey(masterKey, found.opened, request.passphrase, known.length, signal);
      const passkeys = own === undefined ? known : [...known, own];
      const came = this.#write({ ...request, spec, keys }, store, masterKey, keyrings, passkeys, policies);
      held = masterKey;
      // Locked from its put on, and with the passkeys that are here now. Where it can not be put, it is put at the next unlock.
      await installation.deliverKeyrings(signal);
      installation.catalog.actions.addFindings(run.actionId, 'damaged', findings);
      const document: ImportDocument = {
        actionId: run.actionId,
        installationId,
        policies: policies.length,
        restorePoints: came.live + came.retired,
        ...came,
        location: request.locationName,
        passkeys: passkeys.map(({ name }) => name),
        broughtBack: found.newest === undefined ? null : (own?.name ?? null),
        damaged: findings.slice(0, findingsInline),
        damagedCount: findings.length,
        seconds: roundedSeconds((performance.now() - started) / 1000),
      };
      return resultOf(document);
    } finally {
      for (const masterKey of masterKeys) if (masterKey !== held) masterKey[Symbol.dispose]();
    }
  }

  async #open(
    spec: LocationSpec,
    keys: SealedKeys | undefined,
    signal: AbortSignal,
  ): Promise<AsyncDisposable & { readonly store: ObjectStore }> {
    const { fileSystem, connectS3 = overTheWire } = this.#options;
    if (spec.kind === 'filesystem') {
      const store = await openFilesystemStore({ root: spec.path, fileSystem });
      return { store, [Symbol.asyncDispose]: () => Promise.resolve() };
    }
    const connection = await connectS3({ spec, ...(keys === undefined ? {} : { keys: () => bucketKeys(keys) }) });
    try {
      const store = await connection.open({ signal });
      return { store, [Symbol.asyncDispose]: async () => connection[Symbol.dispose]() };
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  #secretOf({ passphrase, key }: ImportRequest): StoredKeysSecret | undefined {
    if (passphrase !== undefined) return { passphrase };
    if (key === undefined) return undefined;
    const { target, access, credentials } = key;
    return { confirmed: { target, access, agent: this.#options.keyAgent, secrets: () => callSecrets(credentials) } };
  }

  /**
   * Of what opened a keyring that is not the newest: one that somebody tampered with is not believed, and an earlier one may hold what was retired since; the
   * key that it gave is believed. The slot of a key outside goes on as it is: it is bound to this installation and to its id.
   */
  async #ownPasskey(
    masterKey: MasterKey,
    opened: readonly Slot[],
    passphrase: Uint8Array | undefined,
    index: number,
    signal: AbortSignal,
  ): Promise<NewPasskey> {
    const { scrypt, wallClock } = this.#options;
    const slot =
      passphrase === undefined
        ? opened.find((one) => masterKey.hasId(Buffer.from(one.masterKeyId, 'base64')))
        : await wrapWithPassphrase({ masterKey, passphrase, scrypt, createdAt: wallClock(), signal });
    if (slot === undefined) throw new RangeError('a master key that no slot gave');
    return { ...recordOf(slot, index), state: 'ready', inUse: true, verifiedAt: wallClock().toISOString() };
  }

  #write(
    request: Pick<ImportRequest, 'locationName' | 'spec' | 'key'> & { readonly keys: SealedKeys | undefined },
    store: ObjectStore,
    masterKey: MasterKey,
    keyrings: readonly KnownKeyring[],
    passkeys: readonly NewPasskey[],
    policies: readonly StoredPolicy[],
  ): ImportedCounts {
    const { installation, wallClock, retiredBy } = this.#options;
    const { catalog } = installation;
    const now = wallClock().toISOString();
    const locationId = idOf<LocationId>(randomUUID());
    if (installation.state !== 'notSetUp') {
      throw new HoldfastError('alreadySetUp', 'Failed to import: an installation is here already.', { fix: 'Choose another --state.' });
    }
    // Sealed cells are written in the same transaction as the installation they belong to.
    installation.hold(masterKey);
    try {
      return catalog.transaction(() => {
        const { installationId, masterKeyId, keyEpoch } = masterKey;
        catalog.installation.create({ installationId, masterKeyId, keyEpoch, createdAt: now });
        const spec = JSON.stringify(request.spec);
        const { storeId } = store;
        catalog.locations.add({
          locationId,
          name: request.locationName,
          kind: request.spec.kind,
          spec,
          storeId,
          createdAt: now,
          lastValidatedAt: null,
          uploadLimit: null,
          ...softLocation,
          ...protectionIn(policies),
          credentials: request.keys === undefined ? null : catalog.locations.sealCredentials(locationId, request.keys),
        });
        for (const passkey of passkeys) catalog.passkeys.add(passkey);
        writeAccess(catalog, passkeys, request.key);
        recordKnownKeyrings(catalog, locationId, keyrings, wallClock());
        catalog.sequences.raise('keyring', Math.max(0, ...keyrings.map(({ keyring }) => keyring.sequence)));
        installation.keyrings.changed();
        const names = new Set<string>();
        return policies
          .map((policy) => writePolicy(catalog, { locationId, store, masterKey, policy, names, now, retiredBy }))
          .reduce(sumOf, { live: 0, retired: 0, later: 0, pinned: 0 });
      });
    } catch (error) {
      installation.lock();
      throw error;
    }
  }
}

/** How the location was protected when the newest restore points were made: what is there goes on to be kept locked. The longest period counts. */
function protectionIn(policies: readonly StoredPolicy[]): Pick<LocationRecord, 'lockMode' | 'protectionPeriodDays'> {
  const found = policies.flatMap(({ manifests }) => protectionSchema.safeParse(manifests.at(-1)?.manifest.policy['protection']).data ?? []);
  const [longest] = found.toSorted((one, other) => other.days - one.days);
  return { lockMode: longest?.mode ?? null, protectionPeriodDays: longest?.days ?? null };
}

/** The keyring as an object that names others: its own bytes' hash, and the heads of its body. */
function namedBy({ candidate: { key }, keyring, bytes }: ReadKeyring): NamingObject & Head {
  const { heads } = keyring.body;
  return {
    key,
    sequence: keyring.sequence,
    sha256: createHash('sha256').update(bytes).digest(),
    heads: {
      policies: Object.fromEntries(Object.entries(heads.policies).map(([policyId, head]) => [policyId, headOf(head)])),
      keyring: heads.keyring === null ? null : headOf(heads.keyring),
      term: heads.term === null ? null : headOf(heads.term),
    },
  };
}

function headOf({ sequence, sha256 }: { readonly sequence: number; readonly sha256: string }): Head {
  return { sequence, sha256: Buffer.from(sha256, 'base64') };
}

function newestOf(masterKeys: readonly MasterKey[]): MasterKey {
  const [newest] = masterKeys.toSorted((a, b) => b.keyEpoch - a.keyEpoch);
  if (newest === undefined) throw new HoldfastError('wrongSecret', 'Failed to import: no master key was opened.');
  return newest;
}

/**
 * The slots that the keyring holds. Their names were in the lost catalog, so they get new ones. Verified is what opened just now, and nothing else: nobody knows who
 * still has the others. In use, until the user says otherwise, is the newest of those that opened; none where none of them did.
 */
function passkeysOf({ newest, opened }: KeyringSearchResult, now: Date): readonly NewPasskey[] {
  const slots = (newest?.keyring.body.slots ?? []).toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  const openedIds = new Set(opened.map(({ slotId }) => slotId));
  const inUse = slots.findLast(({ slotId }) => openedIds.has(slotId));
  return slots.map((slot, index) => ({
    ...recordOf(slot, index),
    inUse: slot === inUse,
    ...(openedIds.has(slot.slotId) ? { state: 'ready', verifiedAt: now.toISOString() } : {}),
  }));
}

function recordOf(slot: Slot, index: number): NewPasskey {
  return {
    slotId: slot.slotId,
    name: `${slot.kind}-${index + 1}`,
    kind: slot.kind,
    slot: JSON.stringify(slot),
    state: 'unverified',
    inUse: false,
    createdAt: slot.createdAt,
    verifiedAt: null,
  };
}

/** How the key that the user named is reached, for all of its slots. What was said of one key is no word about another. */
function writeAccess(catalog: Catalog, passkeys: readonly NewPasskey[], key: ServiceSlotKey | undefined): void {
  if (key === undefined) return;
  for (const { slotId, slot } of passkeys) {
    const isOfKey = isSlotOf(slotOf(slotId, slot), key.target);
    if (isOfKey) catalog.serviceKeys.add(newServiceKey(slotId, key.access, null), key.credentials);
  }
}

interface PolicyToWrite {
  readonly locationId: LocationId;
  readonly store: ObjectStore;
  readonly masterKey: MasterKey;
  readonly policy: StoredPolicy;
  /** Names that are taken. */
  readonly names: Set<string>;
  readonly now: string;
  readonly retiredBy: ImportStoredOptions['retiredBy'];
}

/** How many restore points came back as what: the same words in the document and in every sentence about it. */
type ImportedCounts = Pick<ImportDocument, 'live' | 'retired' | 'later' | 'pinned'>;

function sumOf(one: ImportedCounts, other: ImportedCounts): ImportedCounts {
  return {
    live: one.live + other.live,
    retired: one.retired + other.retired,
    later: one.later + other.later,
    pinned: one.pinned + other.pinned,
  };
}

function writePolicy(catalog: Catalog, given: PolicyToWrite): ImportedCounts {
  const { locationId, store, policy, names, now, retiredBy } = given;
  const newest = policy.manifests.at(-1);
  if (newest === undefined) return { live: 0, retired: 0, later: 0, pinned: 0 };
  const { policyId } = policy;
  const all = [...policy.manifests, ...policy.later];
  const called = newest.manifest.policy['name'];
  const isName = typeof called === 'string' && nameProblem(called) === undefined;
  const name = uniqueName(isName ? called : `policy-${policyId.slice(0, 8)}`, names);
  const definition = definitionIn(newest.manifest.policy, newest.manifest.sources);
  catalog.policies.add({
    policyId,
    name,
    locationId,
    definition,
    keyGeneration: Math.max(...all.map(({ manifest }) => manifest.keyGeneration)),
    createdAt: time.safeParse(newest.manifest.policy['createdAt']).data ?? now,
    paused: true,
    deletedAt: null,
  });
  const isLive = ({ header }: StoredManifest): boolean => policy.live.has(hexOf(header.objectId));
  const live = policy.manifests.filter((stored) => isLive(stored)).map((stored) => restorePointRecordOf(stored, store.storeId));
  const atRisk = retiredBy(live, definition.keep);
  for (const record of live) catalog.restorePoints.add({ ...record, state: 'live', pinned: atRisk.has(record.id) });
  const offList = policy.manifests.filter((other) => !isLive(other));
  // The pin keeps from collecting what may be live to somebody else.
  const isUnknown = ({ header }: StoredManifest): boolean => !policy.retired.has(hexOf(header.objectId));
  for (const stored of offList) {
    const pinned = isUnknown(stored);
    catalog.restorePoints.add({ ...restorePointRecordOf(stored, store.storeId), state: 'retired', pinned });
  }
  // The next restore point follows the last that is stored, or two would have one sequence.
  for (const stored of policy.later) {
    catalog.restorePoints.add({ ...restorePointRecordOf(stored, store.storeId), state: 'retired', pinned: true });
  }
  writeObjects(catalog, given);
  catalog.sequences.raise(`manifest/${policyId}`, Math.max(...all.map(({ manifest }) => manifest.sequence)));
  catalog.sequences.raise(`index/${policyId}`, Math.max(policy.lastIndexSequence, 1));
  const later = policy.later.length;
  const pinned = live.filter(({ id }) => atRisk.has(id)).length + offList.filter((stored) => isUnknown(stored)).length + later;
  return { live: live.length, retired: offList.length, later, pinned };
}

function writeObjects(catalog: Catalog, { locationId, masterKey, policy, now }: PolicyToWrite): void {
  const { policyId } = policy;
  const known = { locationId, policyId, state: 'present', recordedAt: now, readBackAt: null, retainUntil: null } as const;
  for (const { key, versionId, length, sha256, header } of [...policy.manifests, ...policy.later]) {
    catalog.objects.record({ ...known, objectKey: key, kind: 'manifest', objectId: header.objectId, versionId, size: length, sha256 });
  }
  for (const { key, versionId, length, sha256, objectId } of policy.indexes) {
    catalog.objects.record({ ...known, objectKey: key, kind: 'index', objectId, versionId, size: length, sha256 });
  }
  for (const { objectId, versionId, storedLength, sha256 } of policy.packs) {
    const objectKey = packKey(masterKey.installationId, policyId, objectId);
    // No run is to rely on one that is gone, and nobody waits for its lock.
    const state = policy.listedPacks.has(objectId) ? 'present' : 'missing';
    catalog.objects.record({ ...known, state, objectKey, kind: 'pack', objectId, versionId, size: storedLength, sha256 });
  }
}

/** The definition as the manifest has it; from another writer's manifest at least the sources. */
function definitionIn(policy: Readonly<Record<string, unknown>>, sources: StoredManifest['manifest']['sources']): PolicyDefinition {
  return (
    definitionInManifest(policy) ?? {
      ...usualSourceRules,
      ...usualRunRules,
      sources: sources.map(({ id, label }) => ({ sourceId: id, kind: 'folder', path: label })),
    }
  );
}

function uniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}

function resultOf(document: ImportDocument): WorkResult {
  if (document.damagedCount === 0) return { outcome: 'complete', document: { ...document } };
  return {
    outcome: 'failed',
    document: { ...document },
    error: new HoldfastError(
      'damaged',
      `Imported ${counted(document.restorePoints, 'restore point')}; ${counted(document.damagedCount, 'object')} could not be used.`,
      {
        fix: 'Read the report; it names them. Everything else is back.',
      },
    ),
  };
}
