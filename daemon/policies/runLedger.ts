import { HoldfastError } from '../../protocol/errors.ts';
import { counted } from '../../protocol/wording.ts';
import type { ActionId, InstallationId, LocationId, PolicyId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { RunLedger, UploadedObject, UploadingObject } from '../engine/jobs.ts';
import { packKey } from '../repository/names.ts';

export interface RunLedgerOptions {
  readonly catalog: Catalog;
  readonly actionId: ActionId;
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly policyId: PolicyId;
  readonly wallClock: () => Date;
}

/**
 * Tells the catalog what a run puts and what it relies on (docs/format.md, Garbage collection). An object is pinned and counts as missing before
 * its put begins, so that after a crash nothing lies in the store that the catalog has not heard of.
 */
export class CatalogRunLedger implements RunLedger {
  readonly #options: RunLedgerOptions;

  constructor(options: RunLedgerOptions) {
    this.#options = options;
  }

  async uploading(object: UploadingObject): Promise<void> {
    const { catalog, actionId, locationId, policyId, wallClock } = this.#options;
    catalog.transaction(() => {
      catalog.runPins.pin({ actionId, locationId, objectKey: object.key, reason: 'upload' });
      catalog.objects.record({
        locationId,
        objectKey: object.key,
        policyId,
        kind: object.kind,
        objectId: object.objectId,
        versionId: null,
        size: object.length,
        sha256: object.sha256,
        state: 'missing',
        recordedAt: wallClock().toISOString(),
        readBackAt: null,
        retainUntil: null,
      });
    });
  }

  async uploaded(object: UploadedObject): Promise<void> {
    const { catalog, locationId } = this.#options;
    catalog.transaction(() => catalog.objects.change(locationId, object.key, { state: 'present', versionId: object.versionId }));
  }

  /** Rejects with `objectMissing` and the object ids (hex) in `details.packs` where a pack may not be relied on. */
  async hits(packObjectIds: readonly Uint8Array[]): Promise<void> {
    const { catalog, actionId, locationId, installationId, policyId } = this.#options;
    const keys = packObjectIds.map((objectId) => packKey(installationId, policyId, objectId));
    const refused = catalog.pinHits(actionId, locationId, keys);
    if (refused.length > 0) throw packsMissing(refused.map((key) => key.slice(-32)));
  }
}

/** The error that makes a run start again without these packs and indexes (object ids in hex). */
export function packsMissing(packs: readonly string[], indexes: readonly string[] = []): HoldfastError {
  const missing = counted(packs.length + indexes.length, 'object of earlier runs is', 'objects of earlier runs are');
  return new HoldfastError('objectMissing', `Failed to rely on stored data: ${missing} not there any more.`, {
    fix: 'Run the backup again; it stores what is missing anew.',
    details: indexes.length === 0 ? { packs } : { packs, indexes },
  });
}
