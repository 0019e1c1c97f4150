import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { ChunkTable, newTableSegment, ownPack } from '../../../../daemon/engine/dedup/chunkTable.ts';

const idOf = (number: number): Buffer => createHash('sha256').update(String(number)).digest();

describe('the table of known chunks', () => {
  it('answers as a map does, whatever is asked and claimed', () => {
    const step = fc.record({ claims: fc.boolean(), id: fc.integer({ min: 0, max: 60 }), pack: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new ChunkTable([newTableSegment(0)]);
        const map = new Map<number, number>();
        for (const { claims, id, pack } of steps) {
          const known = map.get(id) ?? -1;
          assert.equal(claims ? table.claim(idOf(id), pack) : table.find(idOf(id)), known);
          if (claims && known < 0) map.set(id, pack);
        }
        assert.equal(table.count, map.size);
      }),
      { numRuns: 60 },
    );
  });

  it('tells ids apart that differ in one bit only, and that fall into one slot', () => {
    const table = new ChunkTable([newTableSegment(0)]);
    const base = idOf(1);
    for (let bit = 0; bit < 256; bit += 1) {
      const id = Buffer.from(base);
      id[bit >> 3] = (id[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(table.claim(id, bit + 1), -1);
    }
    assert.equal(table.find(base), -1);
    const first = Buffer.from(base);
    first[0] = (first[0] ?? 0) ^ 1;
    assert.equal(table.find(first), 1);
  });

  it('grows by segments and forgets nothing', () => {
    const table = new ChunkTable([newTableSegment(0)]);
    const other = new ChunkTable(table.segments);
    let grown = 0;
    for (let number = 0; number < 60_000; number += 1) {
      const segment = table.grow();
      if (segment !== undefined) {
        grown += 1;
        other.add(segment);
      }
      assert.equal(table.claim(idOf(number), 3), -1);
    }
    assert.equal(grown, 2);
    for (let number = 0; number < 60_000; number += 7) assert.equal(other.find(idOf(number)), 3);
  });

  it('that is full takes no more, and says new each time: space is lost and nothing else', () => {
    const table = new ChunkTable([newTableSegment(0)]);
    for (let number = 0; number < 33_000; number += 1) table.claim(idOf(number), ownPack);
    assert.equal(table.count < 33_000, true);
    assert.deepEqual([table.find(idOf(1)), table.claim(idOf(32_999), ownPack), table.claim(idOf(32_999), ownPack)], [0, -1, -1]);
  });

  it('takes a column of ids but for rows that are left out; the first place of an id counts', () => {
    const table = new ChunkTable([newTableSegment(0)]);
    const column = Buffer.concat(Array.from({ length: 10 }, (_, row) => idOf(row)));
    table.addColumn(column, (row) => (row % 2 === 0 ? undefined : row + 1));
    table.addColumn(column, () => 77);
    assert.deepEqual(
      Array.from({ length: 10 }, (_, row) => table.find(idOf(row))),
      [77, 2, 77, 4, 77, 6, 77, 8, 77, 10],
    );
  });

  it('gives each id to one thread only, however many claim it at once', async () => {
    const segment = newTableSegment(20_000);
    const go = new SharedArrayBuffer(4);
    const script = `
      import { parentPort, workerData } from 'node:worker_threads';
      import { createHash } from 'node:crypto';
      const { ChunkTable } = await import(workerData.url);
      const ids = Array.from({ length: 15000 }, (_, number) => createHash('sha256').update(String(number)).digest());
      const table = new ChunkTable([workerData.segment]);
      Atomics.add(new Int32Array(workerData.go), 0, 1);
      while (Atomics.load(new Int32Array(workerData.go), 0) < 2) {}
      let won = 0;
      for (const id of ids) if (table.claim(id, workerData.pack) < 0) won += 1;
      parentPort.postMessage(won);`;
    const url = new URL('../../../../daemon/engine/dedup/chunkTable.ts', import.meta.url).href;
    const won = await Promise.all(
      [1, 2].map(async (pack) => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
          workerData: { segment, go, pack, url },
        });
        return await new Promise<number>((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
        });
      }),
    );
    assert.equal((won[0] ?? 0) + (won[1] ?? 0), 15_000);
    assert.equal(new ChunkTable([segment]).count, 15_000);
  });
});
