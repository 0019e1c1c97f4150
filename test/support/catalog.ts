import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import type { CellSeal } from '../../daemon/catalog/cellSeal.ts';
import { type LocationRecord, softLocation } from '../../daemon/catalog/locationStore.ts';
import type { LedgerObject } from '../../daemon/catalog/objectLedger.ts';
import { type CatalogOptions, openCatalog } from '../../daemon/catalog/openCatalog.ts';
import type { PolicyRecord } from '../../daemon/catalog/policyStore.ts';
import type { RestorePointRecord } from '../../daemon/catalog/restorePointStore.ts';
import { CatalogSeal } from '../../daemon/keys/catalogSeal.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { newId } from './ids.ts';

/** A catalog on a real disk for one test. */
export class CatalogFolder implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'holdfast-catalog-'));
  readonly path: string = join(this.folder, 'catalog.db');
  readonly seal: CellSeal = new CatalogSeal(createSecretKey(randomBytes(32)), newId());
  readonly #opened: Catalog[] = [];

  /** Opened and with its seal. */
  open(options?: CatalogOptions): Catalog {
    const catalog = openCatalog(this.path, options);
    catalog.useSeal(this.seal);
    this.#opened.push(catalog);
    return catalog;
  }

  [Symbol.dispose](): void {
    for (const catalog of this.#opened) catalog.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** RFC 3339, `second` seconds into the year 2026. */
export function timeAt(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
}

export function someLocation(changes: Partial<LocationRecord> = {}): LocationRecord {
  return {
    locationId: newId(),
    name: 'disk',
    uploadLimit: null,
    ...softLocation,
    kind: 'filesystem',
    spec: '{"kind":"filesystem","path":"/mnt/disk"}',
    storeId: newId(),
    createdAt: timeAt(0),
    lastValidatedAt: null,
    ...changes,
  };
}

export function somePolicy(locationId: LocationRecord['locationId'], changes: Partial<PolicyRecord> = {}): PolicyRecord {
  return {
    policyId: newId(),
    name: 'home',
    locationId,
    definition: { sources: ['/home/user'] },
    keyGeneration: 1,
    createdAt: timeAt(0),
    paused: false,
    deletedAt: null,
    ...changes,
  };
}

export function somePoint(
  policyId: PolicyRecord['policyId'],
  sequence: number,
  changes: Partial<RestorePointRecord> = {},
): RestorePointRecord {
  return {
    id: newId(),
    policyId,
    sequence,
    manifestKey: `i/policies/p/restore-points/${sequence}`,
    versionId: null,
    sha256: randomBytes(32),
    length: 65_536,
    storeId: newId(),
    startedAt: timeAt(sequence * 60),
    finishedAt: timeAt(sequence * 60 + 30),
    storeTime: null,
    files: 3,
    bytes: 1000,
    addedBytes: 100,
    outcome: 'complete',
    state: 'live',
    pinned: false,
    verifiedAt: null,
    verifiedResult: null,
    details: { description: `number ${sequence}` },
    ...changes,
  };
}

export function someObject(locationId: LocationRecord['locationId'], objectKey: string, changes: Partial<LedgerObject> = {}): LedgerObject {
  return {
    locationId,
    objectKey,
    policyId: null,
    kind: 'pack',
    objectId: randomBytes(16),
    versionId: null,
    size: 1000,
    sha256: randomBytes(32),
    state: 'present',
    recordedAt: timeAt(0),
    readBackAt: timeAt(1),
    retainUntil: null,
    lockReadAt: null,
    number: 1,
    ...changes,
  };
}

export function someAction(changes: Partial<ActionWithResult> = {}): ActionWithResult {
  return {
    actionId: newId(),
    kind: 'backup',
    subject: 'home',
    state: 'running',
    startedBy: 'user',
    queuedAt: timeAt(0),
    startedAt: timeAt(1),
    finishedAt: null,
    progress: { phase: 'reading', files: 1, bytes: 2, totalFiles: null, totalBytes: null, fraction: null, rate: 0, secondsLeft: null },
    error: null,
    result: null,
    ...changes,
  };
}
