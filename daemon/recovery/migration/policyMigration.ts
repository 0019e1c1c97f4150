import { HoldfastError } from '../../../protocol/errors.ts';
import type { PolicyId } from '../../../protocol/ids.ts';
import type { LocationSpec } from '../../../protocol/methods/locations.ts';
import { usualRunRules, usualSourceRules } from '../../../protocol/methods/policies.ts';
import { type Finding, nameProblem } from '../../../protocol/methods/values.ts';
import type { ImportedPolicyRecord } from '../../catalog/importedPolicyStore.ts';
import type { LocationRecord } from '../../catalog/locationStore.ts';
import { definitionInManifest, type PolicyDefinition } from '../../catalog/policyDefinition.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { RestorePointRecord } from '../../catalog/restorePointStore.ts';
import type { Installation } from '../../installation/installation.ts';
import { specOf } from '../../installation/locationStores.ts';
import { type ReadManifest, restorePointRecordOf } from '../../installation/manifestRecord.ts';
import { CatalogSeal } from '../../keys/catalogSeal.ts';
import { type MigrationKey, policyKeysOfMigration, sealMigrationKeys } from '../../keys/migrationKeys.ts';
import type { ObjectStore } from '../../locations/objectStore.ts';
import { keySourceOf } from '../../repository/keySource.ts';
import {
  decodeImportData,
  type EncodedImportData,
  encodeImportData,
  type ImportData,
  type ImportedPlace,
  refuseExpired,
} from './importData.ts';
import { findImportedPoints, type ImportedPoints } from './importedPoints.ts';

export interface PolicyMigrationOptions {
  readonly installation: Installation;
  readonly wallClock: () => Date;
  readonly onPolicyChanged: (policyId: PolicyId) => void;
  readonly onPointsChanged: (restorePointId: string) => void;
}

export interface ExportedPolicy extends EncodedImportData {
  readonly data: ImportData;
}

export interface ImportRequest {
  readonly location: LocationRecord;
  /** Its name here; left out: as it is called at the exporter, or here where it is imported already. */
  readonly name: string | undefined;
  readonly pollSeconds: number | null;
}

/** What a look at the store has changed here. */
export interface RefreshedPoints {
  readonly added: number;
  readonly gone: number;
  readonly damaged: readonly Finding[];
}

export interface ImportedResult extends RefreshedPoints {
  readonly policy: PolicyRecord;
  readonly fingerprint: string;
}

const importing = 'import the policy';

/** Hands the key of one policy out, and takes one in: its restore points can then be read here, and nothing can be written for it. */
export class PolicyMigration {
  readonly #options: PolicyMigrationOptions;

  constructor(options: PolicyMigrationOptions) {
    this.#options = options;
  }

  /** The keys of all generations that the policy has had. The caller wipes the text. Throws `refusedByRule` where the policy has no location any more. */
  export(policy: PolicyRecord, expiresInSeconds: number | null): ExportedPolicy {
    const { installation, wallClock } = this.#options;
    const { masterKey } = installation.keys;
    const location = policy.locationId === null ? undefined : installation.catalog.locations.get(policy.locationId);
    if (location === undefined) {
      throw HoldfastError.failedTo('refusedByRule', `export policy ${policy.name}`, 'its location was removed', {
        fix: 'Give it a location with "holdfast policy edit", and back it up.',
      });
    }
    const { policyId, keyGeneration } = policy;
    const { installationId, masterKeyId, keyEpoch } = masterKey;
    const now = wallClock();
    const keys = Array.from({ length: keyGeneration }, (_value, index): MigrationKey => {
      const generation = keyGeneration - index;
      return { masterKeyId, keyEpoch, keyGeneration: generation, policyKey: masterKey.policyKey(policyId, generation) };
    });
    const data: ImportData = {
      installationId,
      policyId,
      policy: policy.name,
      storeId: location.storeId,
      location: placeIn(specOf(location)),
      madeAt: now.toISOString(),
      expiresAt: expiresInSeconds === null ? null : new Date(now.getTime() + expiresInSeconds * 1000).toISOString(),
      keys,
    };
    return { ...encodeImportData(data), data };
  }

  /**
   * Takes import data in; where the policy is imported already it is brought up to date. Nothing is kept where anything of it fails. The caller wipes `text`.
   * Throws `badValue`, `notInThisVersion`, `refusedByRule` (expired, an own policy, or another store), `nameTaken`, and as stores do.
   */
  async import(text: Uint8Array, request: ImportRequest, signal: AbortSignal): Promise<ImportedResult> {
    const { installation, wallClock } = this.#options;
    const { catalog } = installation;
    const { data, fingerprint } = decodeImportData(text);
    const now = wallClock();
    refuseExpired(data, now);
    this.#refuse(data, request);
    const store = await installation.locations.open(request.location.locationId);
    const known = catalog.restorePoints.live(data.policyId);
    const points = await find(store, data, known, signal);
    const { masterKey } = installation.keys;
    const { policyId, installationId, storeId, madeAt } = data;
    const sealed = sealMigrationKeys(new CatalogSeal(masterKey.catalogKey(), masterKey.installationId), policyId, data.keys);
    const at = now.toISOString();
    const added = catalog.transaction(() => {
      // Another request may have come first while the store was read.
      this.#refuse(data, request);
      const before = catalog.importedPolicies.get(policyId);
      const name = nameOf(data, request, catalog.policies.get(policyId));
      const { locationId } = request.location;
      const definition = definitionOf(points.newest);
      if (before === undefined) {
        const createdAt = at;
        catalog.policies.add({ policyId, name, locationId, definition, keyGeneration: 1, createdAt, paused: false, deletedAt: null });
      } else {
        catalog.policies.change(policyId, { name, locationId, ...(points.newest === undefined ? {} : { definition }) });
      }
      catalog.importedPolicies.set({
        policyId,
        installationId,
        storeId,
        migrationKeys: sealed,
        fingerprint,
        madeAt,
        importedAt: at,
        pollSeconds: request.pollSeconds,
        refreshedAt: at,
        triedAt: at,
        problem: null,
      });
      return this.#write(points, store);
    });
    installation.keys.forgetImported(policyId);
    this.#tell(policyId, added, points);
    const policy = catalog.policies.get(policyId);
    if (policy === undefined) throw new RangeError('the imported policy is gone');
    return { policy, fingerprint, added: added.length, gone: points.gone.length, damaged: points.damaged };
  }

  /** Looks for restore points that came or went since. What fails is remembered beside the policy, and thrown. */
  async refresh(record: ImportedPolicyRecord, signal: AbortSignal): Promise<RefreshedPoints> {
    const { installation, wallClock } = this.#options;
    const { catalog, keys } = installation;
    const { policyId, installationId, storeId } = record;
    const triedAt = wallClock().toISOString();
    const note = (changes: Partial<ImportedPolicyRecord>): boolean => {
      const now = catalog.importedPolicies.get(policyId);
      if (now !== undefined) catalog.importedPolicies.set({ ...now, triedAt, ...changes });
      return now !== undefined;
    };
    try {
      const [location] = catalog.locations.byStore(storeId);
      if (location === undefined) throw HoldfastError.failedTo('unknownName', 'refresh the policy', 'its location was removed');
      const store = await installation.locations.open(location.locationId);
      const source = keySourceOf(...keys.policyKeysOfAllGenerations(policyId, 1));
      const known = catalog.restorePoints.live(policyId);
      const points = await findImportedPoints({ store, installationId, policyId, keys: source, known, signal });
      signal.throwIfAborted();
      const added = catalog.transaction(() => (note({ refreshedAt: triedAt, problem: null }) ? this.#write(points, store) : []));
      this.#tell(policyId, added, points);
      return { added: added.length, gone: points.gone.length, damaged: points.damaged };
    } catch (error) {
      if (!signal.aborted && note({ problem: HoldfastError.is(error) ? error.message : 'Failed to look for restore points.' })) {
        this.#options.onPolicyChanged(policyId);
      }
      throw error;
    }
  }

  #refuse(data: ImportData, request: ImportRequest): void {
    const { policyId, installationId, storeId } = data;
    const { location } = request;
    const { catalog, keys } = this.#options.installation;
    const isImported = catalog.importedPolicies.has(policyId);
    if (installationId === keys.masterKey.installationId || (!isImported && catalog.policies.get(policyId) !== undefined)) {
      throw HoldfastError.failedTo('refusedByRule', importing, "it is this installation's own", {
        fix: 'Import it at another installation.',
      });
    }
    if (location.storeId !== storeId) {
      throw HoldfastError.failedTo(
        'refusedByRule',
        importing,
        `the location ${location.name} is another store than the one that it lies in`,
        {
          fix: 'Add the folder or bucket that the import data names as a location, and import from there.',
        },
      );
    }
    const wanted = nameOf(data, request, catalog.policies.get(policyId));
    const taken = catalog.policies.byName(wanted);
    if (taken === undefined || taken.policyId === policyId) return;
    throw HoldfastError.failedTo('nameTaken', importing, `a policy is called ${wanted} here`, {
      fix: 'Give it another name with --name NAME.',
    });
  }

  #write(points: ImportedPoints, store: ObjectStore): readonly RestorePointRecord[] {
    const { restorePoints } = this.#options.installation.catalog;
    const records = points.added
      .map((read) => restorePointRecordOf(read, store.storeId))
      .filter(({ id }) => restorePoints.get(id) === undefined);
    for (const record of records) restorePoints.add(record);
    for (const { id } of points.gone) restorePoints.remove(id);
    return records;
  }

  #tell(policyId: PolicyId, added: readonly RestorePointRecord[], { gone }: ImportedPoints): void {
    const { onPolicyChanged, onPointsChanged } = this.#options;
    for (const { id } of [...added, ...gone]) onPointsChanged(id);
    onPolicyChanged(policyId);
  }
}

function find(store: ObjectStore, data: ImportData, known: readonly RestorePointRecord[], signal: AbortSignal): Promise<ImportedPoints> {
  const { installationId, policyId } = data;
  const keys = keySourceOf(...policyKeysOfMigration(data, data.keys));
  return findImportedPoints({ store, installationId, policyId, keys, known, signal });
}

function nameOf({ policy, policyId }: ImportData, { name }: ImportRequest, before: PolicyRecord | undefined): string {
  if (name !== undefined) return name;
  if (before !== undefined) return before.name;
  return nameProblem(policy) === undefined ? policy : `policy-${policyId.slice(0, 8)}`;
}

/** What its sources were, to look at: nothing of it runs here, so it has no schedule, no rules of retention and no hooks. */
function definitionOf(newest: ReadManifest | undefined): PolicyDefinition {
  const stored = newest === undefined ? undefined : definitionInManifest(newest.manifest.policy);
  if (stored !== undefined) return { ...stored, ...usualRunRules };
  const sources = (newest?.manifest.sources ?? []).map(({ id, label }) => ({ sourceId: id, kind: 'folder' as const, path: label }));
  return { ...usualSourceRules, ...usualRunRules, sources };
}

function placeIn(spec: LocationSpec): ImportedPlace {
  if (spec.kind === 'filesystem') return { kind: 'filesystem', path: spec.path };
  const { bucket, region, endpoint = null, prefix = null, pathStyle = null } = spec;
  return { kind: 's3', bucket, region, endpoint, prefix, pathStyle };
}
