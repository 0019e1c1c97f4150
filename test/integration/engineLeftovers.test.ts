import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryName } from '../../daemon/engine/restore/temporaryName.ts';
import { EngineBench, temporaryNames } from '../support/engineBench.ts';

const ended = randomUUID();
const endedRunIds: ReadonlySet<string> = new Set([ended]);

/** A target that a restore was in when it was killed: complete files, and half ones in each folder. */
function killedIn(target: string, ...folders: readonly string[]): void {
  for (const [number, folder] of folders.entries()) {
    mkdirSync(join(target, folder), { recursive: true });
    writeFileSync(join(target, folder, temporaryName(ended, number + 1)), 'half');
  }
}

async function backedUp(): Promise<EngineBench> {
  const bench = new EngineBench();
  mkdirSync(join(bench.source, 'a', 'b'), { recursive: true });
  for (const name of ['first', 'a/second', 'a/b/third']) writeFileSync(join(bench.source, name), name);
  await bench.backup();
  return bench;
}

describe('a restore into a folder that a killed one was in', () => {
  it('takes it for empty where nothing else is in it, and leaves nothing half done', async () => {
    using bench = await backedUp();
    const target = bench.target();
    killedIn(target, '');
    const { warnings, skipped, files } = await bench.restore(target, { endedRunIds });
    assert.deepEqual([warnings, skipped, files], [[], [], 3]);
    assert.deepEqual(temporaryNames(target), []);
  });

  it('refuses it where a restore that may still run has a file in it, and takes nothing from that one', async () => {
    using bench = await backedUp();
    const target = bench.target();
    killedIn(target, '');
    const other = temporaryName(randomUUID(), 1);
    writeFileSync(join(target, other), 'half');
    await assert.rejects(bench.restore(target, { endedRunIds }), { code: 'targetNotEmpty' });
    assert.deepEqual(temporaryNames(target).toSorted(), [other, temporaryName(ended, 1)].toSorted());
  });

  for (const conflict of ['skip', 'overwrite', 'rename'] as const) {
    it(`sweeps every folder that it comes into, and no other, with conflict ${conflict}`, async () => {
      using bench = await backedUp();
      const target = bench.target();
      killedIn(target, '', 'a', 'a/b', 'elsewhere');
      const foreign = `.holdfast-${randomUUID()}-1.tmp`;
      writeFileSync(join(target, 'a', 'b', foreign), 'not ours');
      const { warnings, skipped } = await bench.restore(target, { endedRunIds, conflict });
      assert.deepEqual([warnings, skipped], [[], []]);
      assert.deepEqual(temporaryNames(target).toSorted(), [foreign, temporaryName(ended, 4)].toSorted());
      assert.equal(readFileSync(join(target, 'a', 'b', foreign), 'utf8'), 'not ours');
      assert.equal(readFileSync(join(target, 'a', 'b', 'third'), 'utf8'), 'a/b/third');
    });
  }

  it('sweeps nothing in a trial', async () => {
    using bench = await backedUp();
    const target = bench.target();
    killedIn(target, '');
    const { files } = await bench.restore(target, { endedRunIds, dryRun: true });
    assert.equal(files, 3);
    assert.deepEqual(readdirSync(target), [temporaryName(ended, 1)]);
  });

  it('goes on beside another one into the same folder: neither takes what the other has half done', async () => {
    using bench = await backedUp();
    for (let number = 0; number < 40; number += 1) writeFileSync(join(bench.source, `f${number}`), Buffer.alloc(50_000, number));
    await bench.backup();
    const target = bench.target();
    killedIn(target, '', 'a');
    const results = await Promise.all([1, 2].map(() => bench.restore(target, { endedRunIds, conflict: 'overwrite' })));
    for (const { warnings, skipped, damaged, files } of results) assert.deepEqual([warnings, skipped, damaged, files], [[], [], [], 43]);
    assert.deepEqual(temporaryNames(target), []);
  });
});
