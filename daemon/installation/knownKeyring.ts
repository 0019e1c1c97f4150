import { createHash } from 'node:crypto';
import type { LocationId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ReadKeyring } from '../keys/keyringCandidates.ts';

export interface KnownKeyring extends Pick<ReadKeyring, 'keyring' | 'bytes'> {
  readonly key: string;
  readonly versionId: string | null;
}

/**
 * Writes down authentic keyrings that were read at a location and that the catalog did not know to be there, so that their locks are read back, the retirement gate knows
 * what they hold, and the newest is kept locked. Of a lock that nobody has read, nothing is known. What is known already stays as it is.
 */
export function recordKnownKeyrings(catalog: Catalog, locationId: LocationId, keyrings: readonly KnownKeyring[], now: Date): void {
  const at = now.toISOString();
  catalog.transaction(() => {
    for (const { key, versionId, bytes, keyring } of keyrings) {
      const { sequence, objectId, body } = keyring;
      if (catalog.objects.get(locationId, key) !== undefined) continue;
      if (!catalog.keyrings.has(sequence, objectId)) catalog.keyrings.add({ sequence, objectId, bytes, createdAt: body.createdAt });
      catalog.keyrings.recordCopy({ locationId, sequence, key, versionId, readBackAt: at });
      catalog.objects.record({
        locationId,
        objectKey: key,
        policyId: null,
        kind: 'keyring',
        objectId,
        versionId,
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest(),
        state: 'present',
        recordedAt: at,
        readBackAt: at,
        retainUntil: null,
      });
    }
  });
}
