import { createHash } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { keySourceOf } from '../repository/keySource.ts';
import { manifestReadLength, type OpenedManifest, openManifest } from '../repository/manifest.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';

/** How a restore point is named in sentences. */
export function subjectOf(record: Pick<RestorePointRecord, 'id'>): string {
  return `restore point ${record.id.slice(0, 8)}`;
}

/**
 * Fetches and checks the manifest of a restore point that the catalog knows. Rejects with `objectMissing`, `damaged`, `tampered`,
 * `unsupportedFormat`, and as stores do.
 */
export async function readManifest(
  record: RestorePointRecord,
  store: ObjectStore,
  keys: readonly PolicyKeys[],
  signal: AbortSignal,
): Promise<OpenedManifest> {
  const object = await store.get(record.manifestKey, { signal, versionId: record.versionId, length: manifestReadLength });
  if (object === undefined) {
    throw new HoldfastError('objectMissing', `Failed to read ${subjectOf(record)}: its manifest is not in the location.`, {
      fix: 'Use another restore point, and find out who deletes from this location.',
      details: { objectKey: record.manifestKey },
    });
  }
  if (!createHash('sha256').update(object.body).digest().equals(record.sha256)) {
    throw new HoldfastError('damaged', `Failed to read ${subjectOf(record)}: its manifest is not the one that was written.`, {
      fix: 'Use another restore point, and find out who writes to this location.',
      details: { objectKey: record.manifestKey },
    });
  }
  const expected = { key: record.manifestKey, policyId: record.policyId, storeId: record.storeId };
  return openManifest(object.body, keySourceOf(...keys), expected, subjectOf(record));
}
