import type { LocationId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { sameBytes } from '../../repository/bytes.ts';
import { termLength } from '../../repository/term.ts';
import type { SeenTerm } from './termReader.ts';

/**
 * Writes down a term that counts, so that its lock is read back and the highest one is kept locked, whoever wrote it, and no audit takes it for a stranger's. What is
 * known of it already stays as it is.
 */
export function recordKnownTerm(catalog: Pick<Catalog, 'objects'>, locationId: LocationId, seen: SeenTerm, now: Date): void {
  const { key: objectKey, versionId, sha256, objectId } = seen;
  const known = catalog.objects.get(locationId, objectKey);
  if (known !== undefined && known.state === 'present' && known.versionId === versionId && sameBytes(known.sha256, sha256)) return;
  const at = now.toISOString();
  catalog.objects.record({
    locationId,
    objectKey,
    policyId: null,
    kind: 'term',
    objectId,
    versionId,
    size: termLength,
    sha256,
    state: 'present',
    recordedAt: at,
    readBackAt: at,
    retainUntil: null,
  });
}
