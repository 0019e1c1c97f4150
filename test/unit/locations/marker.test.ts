import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { initialiseStore, markerBytes, parseMarker, readMarker } from '../../../daemon/locations/marker.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { MemoryDisk } from '../../support/memoryDisk.ts';

const storeId = idOf<StoreId>('12345678-1234-4234-8234-123456789abc');
const now = new Date('2026-01-02T03:04:05.678Z');

const isDamaged = (error: unknown): boolean => HoldfastError.is(error, 'damaged');

describe('marker of a store', () => {
  it('is the JSON of docs/format.md', async () => {
    const disk = new MemoryDisk();
    const marker = await initialiseStore('/', { storeId, now, fileSystem: disk });
    assert.deepEqual(marker, { format: 'holdfast-store/1', storeId, createdAt: '2026-01-02T03:04:05.678Z' });
    assert.equal(
      Buffer.from(markerBytes(marker)).toString(),
      '{"format":"holdfast-store/1","storeId":"12345678-1234-4234-8234-123456789abc","createdAt":"2026-01-02T03:04:05.678Z"}\n',
    );
    assert.deepEqual(await readMarker('/', disk), marker);
  });

  it('is written once: whoever comes later takes the store that is there', async () => {
    const disk = new MemoryDisk();
    const first = await initialiseStore('/', { storeId, now, fileSystem: disk });
    assert.deepEqual(await initialiseStore('/', { storeId: newId(), now: new Date(), fileSystem: disk }), first);
  });

  it('is taken without a write where it is there, so that a read-only store can be added to read from', async () => {
    const disk = new MemoryDisk();
    const first = await initialiseStore('/', { storeId, now, fileSystem: disk });
    const operations = disk.operations.length;
    assert.deepEqual(await initialiseStore('/', { storeId: newId(), now, fileSystem: disk }), first);
    assert.equal(disk.operations.length, operations);
  });

  it('has one winner where several make it at the same time', async () => {
    const disk = new MemoryDisk();
    const makers = Array.from({ length: 5 }, () => initialiseStore('/', { storeId: newId(), now, fileSystem: disk }));
    const markers = await Promise.all(makers);
    assert.equal(new Set(markers.map((marker) => marker.storeId)).size, 1);
    assert.deepEqual(await readMarker('/', disk), markers[0]);
  });

  it('X3: is whole or not there after a power cut at any operation', async () => {
    for (let at = 1; at <= 8; at += 1) {
      for (let seed = 1; seed <= 20; seed += 1) {
        const disk = new MemoryDisk();
        disk.setFaults({ at, code: 'crash' });
        const acknowledged = await initialiseStore('/', { storeId, now, fileSystem: disk }).catch(() => undefined);
        const found = await readMarker('/', disk.loseUnsynced(seed));
        assert.ok(found === undefined ? acknowledged === undefined : found.storeId === storeId, `operation ${at}, seed ${seed}`);
      }
    }
  });

  it('is never made in a folder that is missing', async () => {
    await assert.rejects(initialiseStore('/not/mounted', { storeId, now, fileSystem: new MemoryDisk() }), (error) =>
      HoldfastError.is(error, 'storeUnreachable'),
    );
  });

  it('M1: is refused in any other shape', () => {
    const good = JSON.parse(Buffer.from(markerBytes({ format: 'holdfast-store/1', storeId, createdAt: now.toISOString() })).toString());
    for (const change of [
      { format: 'holdfast-store/2' },
      { storeId: storeId.toUpperCase() },
      { storeId: 'x' },
      { createdAt: 'yesterday' },
      { more: 1 },
      { createdAt: undefined },
    ]) {
      assert.throws(() => parseMarker(Buffer.from(JSON.stringify({ ...good, ...change }))), isDamaged, JSON.stringify(change));
    }
    assert.throws(() => parseMarker(Buffer.alloc(5000, 0x20)), isDamaged);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assert.throws(() => parseMarker(bytes), isDamaged)));
  });
});
