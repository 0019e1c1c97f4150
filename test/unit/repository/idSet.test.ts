import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { IdSet } from '../../../daemon/repository/idSet.ts';

describe('set of ids', () => {
  it('holds what was added and nothing else, once each, by the first 16 bytes', () => {
    const set = new IdSet();
    const ids = Array.from({ length: 5000 }, () => randomBytes(32));
    for (const id of ids) assert.ok(set.add(id));
    for (const id of ids) assert.ok(!set.add(Buffer.concat([id.subarray(0, 16), randomBytes(16)])));
    assert.equal(set.size, ids.length);
    assert.ok(ids.every((id) => set.has(id)));
    assert.ok(Array.from({ length: 5000 }, () => randomBytes(16)).every((id) => !set.has(id)));
    assert.ok(set.add(Buffer.alloc(16)) && set.has(Buffer.alloc(16)) && !set.has(Buffer.alloc(16, 1)));
    assert.throws(() => set.has(randomBytes(15)), RangeError);
  });

  it('takes a million ids in 64 MiB, and ids that differ in one byte only', () => {
    const before = process.memoryUsage().arrayBuffers;
    const set = new IdSet(1_000_000);
    const id = Buffer.alloc(16, 0x5a);
    for (let number = 0; number < 1_000_000; number += 1) {
      id.writeUInt32LE(number, 12);
      set.add(id);
    }
    assert.equal(set.size, 1_000_000);
    id.writeUInt32LE(1_000_000, 12);
    assert.ok(!set.has(id));
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024);
  });
});
