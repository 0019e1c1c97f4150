import assert from 'node:assert/strict';
import { knowMarker } from '../../../daemon/immutability/knownMarker.ts';
import { markerBytes, markerName } from '../../../daemon/locations/marker.ts';
import { newId } from '../../support/ids.ts';
import { AuditedBucket } from '../../support/auditedBucket.ts';
import { AttackersHand } from '../../support/bucket/attackersHand.ts';
import { KeptObjects } from '../../../daemon/immutability/keptObjects.ts';
import type { StoreId } from '../../../protocol/ids.ts';

const signal = new AbortController().signal;

function bytesOf(storeId: StoreId): Uint8Array {
  return markerBytes({ format: 'holdfast-store/1', storeId, createdAt: '2026-01-01T00:00:00.000Z' });
}

async function known(bench: AuditedBucket): Promise<void> {
  await knowMarker({ catalog: bench.catalog, location: bench.location, store: bench.store, now: bench.now, signal });
}

describe('the marker of a location with locks', () => {
  it('R1 R2 R5: is in the ledger by the version that is ours, whatever was put over it, and is kept locked', async () => {
    using bench = new AuditedBucket();
    const { versionId } = await bench.store.put(markerName, bytesOf(bench.location.storeId));
    const hand = new AttackersHand(bench.bucket);
    hand.overwriteAll();
    hand.hideAll();
    bench.bucket.put(markerName, bytesOf(newId<StoreId>()));
    await known(bench);
    const row = bench.row(markerName);
    assert.deepEqual([row.versionId, row.kind, row.state], [versionId, 'marker', 'present']);
    assert.equal(new KeptObjects(bench.catalog, bench.location).has(row), true);
    await known(bench);
    assert.deepEqual(bench.row(markerName), row);
  });

  it('is not taken from what is none, or is that of another store', async () => {
    using bench = new AuditedBucket();
    bench.bucket.put(markerName, Buffer.from('no marker'));
    bench.bucket.put(markerName, bytesOf(newId<StoreId>()));
    await known(bench);
    assert.equal(bench.catalog.objects.get(bench.location.locationId, markerName), undefined);
  });
});
