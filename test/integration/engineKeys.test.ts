import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineBench } from '../support/engineBench.ts';
import { keysNamed } from '../support/repositoryKeys.ts';

describe('a restore with several master keys of one epoch', function () {
  this.timeout(60_000);

  it('tries each, and takes the one whose tags hold', async () => {
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
});
