import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationId } from '../../../protocol/ids.ts';
import type { BundleDocument } from '../../../protocol/methods/disasterRecovery.ts';
import type { ActionRun, WorkResult } from '../../actions/actionQueue.ts';
import { roundedSeconds } from '../../actions/seconds.ts';
import type { BundleRecord } from '../../catalog/bundleStore.ts';
import type { RecoveryRecord } from '../../catalog/recoveryStore.ts';
import type { Installation } from '../../installation/installation.ts';
import type { OpenLocation } from '../../installation/locationStores.ts';
import { machineIdOf } from '../../installation/machineId.ts';
import type { DrKeys } from '../../keys/dr/drCell.ts';
import type { Head as StoredHead, Heads as StoredHeads } from '../../keys/heads.ts';
import { longestKeyring } from '../../keys/keyring.ts';
import { BundleNames } from '../../repository/bundleName.ts';
import { hexOf, sameBytes } from '../../repository/bytes.ts';
import { systemEntropy } from '../../repository/entropy.ts';
import type { Head, Heads } from '../../repository/manifestTypes.ts';
import { parseObjectKey } from '../../repository/names.ts';
import { sealBundle } from '../../repository/sealBundle.ts';
import { BundleScratch, type CopyMaker } from './bundleScratch.ts';
import { type BundlePlace, putBundle, settleBundles } from './putBundle.ts';
import { sweepBundles } from './sweepBundles.ts';

export interface BundleRunOptions {
  readonly installation: Installation;
  readonly copier: CopyMaker;
  readonly wallClock: () => Date;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

/** The keyring that a bundle carries. */
interface CarriedKeyring {
  readonly key: string;
  readonly bytes: Uint8Array;
}

const dayMs = 86_400_000;

/**
 * Makes one bundle: a copy of the catalog, sealed and put (docs/format.md, Bundle). A full one once a day, and deltas upon it between. Whatever lies in the way of one is
 * cleared first: a keyring that is not there yet, what a cut-short run left. Bundles that nobody needs any more go afterwards. Rejects with `refusedByRule` where
 * disaster recovery is off, `locked`, as stores do, and as copies of the catalog are refused.
 */
export async function runBundle(options: BundleRunOptions, { actionId, signal, report }: ActionRun): Promise<WorkResult> {
  const { installation, copier, wallClock, now } = options;
  const { catalog, stores } = installation;
  const began = now();
  const step = (phase: string, bytes = 0, totalBytes: number | null = null): void =>
    report({ phase, files: 0, bytes, totalFiles: null, totalBytes });
  const record = recordOf(installation);
  const keys = keysOf(installation);
  const { locationId } = record;
  step('preparing');
  const at = await stores.open(locationId, signal);
  const place: BundlePlace = { catalog, at, wallClock, signal };
  await installation.keyrings.deliver(locationId, at.store, signal);
  await settleBundles(place);

  step('copying');
  await using scratch = await BundleScratch.open(installation.stateDirectory);
  const created = wallClock().toISOString();
  // What a copy that is made after it holds too.
  const audit = catalog.auditLog.head();
  const heads = headsOf(installation.keyrings.headsAt(locationId));
  const restorePoints = catalog.policies
    .list({ includeDeleted: true })
    .reduce((sum, { policyId }) => sum + catalog.restorePoints.countLive(policyId), 0);
  const keyring = await keyringAt(installation, at, signal);
  let copy = await scratch.make(copier, !isFullDue(installation, record, created), signal);
  let base = baseOf(installation, record, copy.baseId);
  // The base is of no bundle that is there: it may have been put by a catalog that knew more.
  if (copy.kind === 'delta' && base === undefined) {
    copy = await scratch.make(copier, false, signal);
    base = undefined;
  }

  step('sealing', 0, copy.frame.length);
  const { masterKey } = installation.keys;
  const sequence = catalog.sequences.next('bundle');
  const sealed = await sealBundle({
    identity: {
      installationId: masterKey.installationId,
      masterKeyId: masterKey.masterKeyId,
      sequence,
      storeId: at.store.storeId,
      drkId: record.drkId,
    },
    facts: {
      created,
      machineId: await machineIdOf(installation.stateDirectory),
      keyring: keyring.bytes,
      heads,
      base: base === undefined ? null : Buffer.from(base.bundleId, 'hex'),
      restorePoints,
      audit: audit === undefined ? null : { sequence: audit.sequence, sha256: audit.hash },
    },
    catalog: scratch.frameOf(copy),
    drSlot: record.drSlot,
    bundleKey: keys.drKey.bundleKey(),
    ownerKey: masterKey.ownerKey(),
    entropy: systemEntropy,
    signal,
  });

  const { bytes, sha256, objectId } = sealed;
  step('uploading', 0, bytes.length);
  const bundleId = hexOf(objectId);
  const { key: objectKey } = new BundleNames(masterKey.installationId, keys.nameKey).nameOf(created, objectId);
  const kept = await putBundle(
    place,
    {
      bundleId,
      locationId,
      objectKey,
      drkId: record.drkId,
      sequence,
      created,
      base: base?.bundleId ?? null,
      copyId: copy.copyId,
      keyringKey: keyring.key,
      restorePoints,
    },
    bytes,
    sha256,
  );
  if (base === undefined) await scratch.keepAsBase();

  step('clearing', bytes.length, bytes.length);
  const swept = await sweepBundles(place);
  const document: BundleDocument = {
    actionId,
    location: at.record.name,
    bundleId,
    time: created,
    kind: base === undefined ? 'full' : 'delta',
    bytes: bytes.length,
    restorePoints,
    lockedUntil: kept.retainUntil,
    catalogBytes: copy.frame.catalogLength,
    ...swept,
    seconds: roundedSeconds((now() - began) / 1000),
  };
  return { outcome: 'complete', document: { ...document } };
}

function recordOf({ catalog }: Installation): RecoveryRecord {
  const record = catalog.recovery.get();
  if (record === undefined) throw recoveryIsOff('back up the catalog');
  return record;
}

export function recoveryIsOff(action: string): HoldfastError {
  return HoldfastError.failedTo('refusedByRule', action, 'disaster recovery is off', {
    fix: 'Turn it on: "holdfast dr enable --location L".',
  });
}

function keysOf({ keys }: Installation): DrKeys {
  const { drKeys } = keys;
  if (drKeys === undefined)
    throw HoldfastError.failedTo('locked', 'back up the catalog', 'the daemon is locked', { fix: 'Run "holdfast unlock".' });
  return drKeys;
}

/** Once a day; and where there is none that the key of today opens. A clock that was set back says nothing of how old one is. */
function isFullDue({ catalog }: Installation, { locationId, drkId }: RecoveryRecord, now: string): boolean {
  const full = catalog.bundles.newestFull(locationId);
  if (full === undefined || !sameBytes(full.drkId, drkId)) return true;
  const age = Date.parse(now) - Date.parse(full.created);
  return age >= dayMs || age < 0;
}

function baseOf({ catalog }: Installation, { locationId, drkId }: RecoveryRecord, copyId: string | null): BundleRecord | undefined {
  const base = copyId === null ? undefined : catalog.bundles.ofCopy(locationId, copyId);
  const isThere = base !== undefined && catalog.objects.get(locationId, base.objectKey)?.state === 'present';
  return isThere && sameBytes(base.drkId, drkId) ? base : undefined;
}

/** The newest one there, byte for byte. */
async function keyringAt({ catalog }: Installation, { record, store }: OpenLocation, signal: AbortSignal): Promise<CarriedKeyring> {
  const copy = catalog.keyrings.newestCopyAt(record.locationId);
  const name = copy === undefined ? undefined : parseObjectKey(copy.key);
  if (copy === undefined || name?.type !== 'keyring') throw noKeyring(record.locationId);
  const { sequence, objectId } = name;
  const own = catalog.keyrings.list().find((keyring) => keyring.sequence === sequence && sameBytes(keyring.objectId, objectId));
  if (own !== undefined) return { key: copy.key, bytes: own.bytes };
  const stored = await store.get(copy.key, { versionId: copy.versionId, length: longestKeyring + 1, signal });
  if (stored === undefined) throw noKeyring(record.locationId);
  return { key: copy.key, bytes: stored.body };
}

function noKeyring(locationId: LocationId): HoldfastError {
  return HoldfastError.failedTo('objectMissing', 'back up the catalog', `the keyring of location ${locationId} is not there`, {
    fix: 'Run "holdfast immutability audit".',
  });
}

function headOf(head: StoredHead | null): Head | null {
  return head === null ? null : { sequence: head.sequence, sha256: Buffer.from(head.sha256, 'base64') };
}

function headsOf({ policies, keyring, term }: StoredHeads): Heads {
  const converted = Object.entries(policies).flatMap(([policyId, head]) => {
    const one = headOf(head);
    return one === null ? [] : [[policyId, one] as const];
  });
  return { policies: Object.fromEntries(converted), keyring: headOf(keyring), term: headOf(term) };
}
