import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import type { SourceId } from '../../protocol/ids.ts';
import { EngineBench } from '../support/engineBench.ts';
import { newId } from '../support/ids.ts';
import { keysNamed } from '../support/repositoryKeys.ts';

/** What docs/format.md asks of a reader, asked of the restore, which reads with threads of its own. */
describe('a restore', function () {
  this.timeout(60_000);

  it('tries every master key of an epoch, and takes the one whose tags hold', async () => {
    using bench = new EngineBench();
    const big = randomBytes(3_000_000);
    writeFileSync(join(bench.source, 'small'), 'small');
    writeFileSync(join(bench.source, 'big'), big);
    await bench.backup();
    const { installationId, policyId } = bench.keys;
    const other = { ...keysNamed('another master key of the same epoch'), installationId, policyId };
    for (const keys of [
      [other, bench.keys],
      [bench.keys, other],
    ]) {
      const target = bench.target();
      const { damaged, skipped } = await bench.restore(target, { keys });
      assert.deepEqual([damaged, skipped], [[], []]);
      assert.equal(readFileSync(join(target, 'small'), 'utf8'), 'small');
      assert.ok(readFileSync(join(target, 'big')).equals(big));
    }
  });

  it('refuses a source whose root is not what its kind has, and a pin that is not its index', async () => {
    using bench = new EngineBench();
    writeFileSync(join(bench.source, 'file'), 'x');
    const { sources, indexes } = await bench.manifest(await bench.backup());
    const asCommand = bench.target();
    const { damaged } = await bench.restore(asCommand, { sources: sources.map((source) => ({ ...source, kind: 'command' })) });
    assert.equal(damaged.length, 1);
    assert.deepEqual(existsSync(asCommand) ? readdirSync(asCommand) : [], []);
    for (const change of [{ salt: Buffer.alloc(32) }, { length: 5 }, { objectId: Buffer.alloc(16) }, { key: '../../etc/passwd' }]) {
      const target = bench.target();
      const result = await bench.restore(target, { indexes: indexes.map((index) => ({ ...index, ...change })) });
      assert.equal(result.files, 0, JSON.stringify(change));
      assert.ok(result.damaged.length > 0 && result.warnings.length > 0, JSON.stringify(change));
    }
  });

  it('M3: counts the entries of all sources together', async () => {
    using bench = new EngineBench();
    for (const folder of ['a', 'b']) {
      mkdirSync(join(bench.source, folder));
      for (const name of ['1', '2']) writeFileSync(join(bench.source, folder, name), name);
    }
    await bench.backup();
    const job = await bench.restoreJob(bench.target());
    const [source] = job.sources;
    assert.ok(source !== undefined);
    const second = { ...source, id: newId<SourceId>() };
    const twice = { sources: [source, second], targets: [source, second].map(({ id }) => ({ sourceId: id, folder: bench.target() })) };
    assert.equal((await bench.restore(bench.target(), { ...twice, entryLimit: 12 })).files, 8);
    const again = { ...twice, targets: twice.targets.map(({ sourceId }) => ({ sourceId, folder: bench.target() })) };
    await assert.rejects(bench.restore(bench.target(), { ...again, entryLimit: 11 }), (error) => HoldfastError.is(error, 'damaged'));
  });
});

describe('a backup', function () {
  this.timeout(60_000);

  it('C7: takes a pin of its parent for no index of its own, stores again what it needs, and says so', async () => {
    for (const change of [
      { salt: Buffer.alloc(32) },
      { length: 5 },
      { length: 2 ** 52 },
      { objectId: Buffer.alloc(16) },
      { key: '../../etc/passwd' },
    ]) {
      using bench = new EngineBench();
      writeFileSync(join(bench.source, 'file'), 'x');
      await bench.backup();
      bench.parentIndexes = bench.parentIndexes.map((index) => ({ ...index, ...change }));
      const result = await bench.backup({ readAllAgain: true });
      assert.equal(result.warnings.length, 1, JSON.stringify(change));
      const { damaged, files } = await bench.restore(bench.target());
      assert.deepEqual([damaged, files], [[], 1], JSON.stringify(change));
    }
  });
});
