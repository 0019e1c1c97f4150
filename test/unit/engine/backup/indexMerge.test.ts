import assert from 'node:assert/strict';
import { indexesToMerge } from '../../../../daemon/engine/backup/indexMerge.ts';

const indexes = (count: number, length: number): { readonly key: string; readonly length: number }[] =>
  Array.from({ length: count }, (_, index) => ({ key: `${length}/${index}`, length }));

describe('the indexes that a run merges', () => {
  for (const [what, given, merged] of [
    ['none while there are few', indexes(31, 65_536), 0],
    ['all small ones once there are many', [...indexes(32, 65_536), ...indexes(5, 20_000_000)], 32],
    ['none of many big ones', indexes(192, 20_000_000), 0],
    ['the shortest of too many, so that a manifest can pin the rest', [...indexes(193, 20_000_000)], 64],
  ] as const) {
    it(`are ${what}`, () => {
      const found = indexesToMerge(given);
      assert.equal(found.size, merged);
      assert.equal(given.length - found.size + 64 <= 256, true);
    });
  }
});
