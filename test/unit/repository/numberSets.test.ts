import assert from 'node:assert/strict';
import { NumberSets } from '../../../daemon/repository/numberSets.ts';

describe('sets of numbers in a bounded memory', () => {
  it('keeps those that took the most work, and gives back what was put', () => {
    const sets = new NumberSets(1000);
    for (let at = 0; at < 500; at += 1) sets.keep(`light ${at}`, new Set([at]), 1 + (at % 3));
    for (let at = 0; at < 10; at += 1) sets.keep(`heavy ${at}`, new Set([at, at + 1]), 1000);
    for (let at = 0; at < 10; at += 1) assert.deepEqual([...(sets.get(`heavy ${at}`) ?? [])], [at, at + 1]);
    assert.ok(sets.size <= 1000 / 41, String(sets.size));
    assert.equal(sets.get('light 0'), undefined);
  });

  it('keeps nothing that is larger than all of it, and nothing twice', () => {
    const sets = new NumberSets(100);
    sets.keep('large', new Set(Array.from({ length: 200 }, (_value, at) => at)), 5000);
    assert.equal(sets.get('large'), undefined);
    sets.keep('one', new Set([1]), 5000);
    sets.keep('one', new Set([2]), 5000);
    assert.deepEqual([sets.size, [...(sets.get('one') ?? [])]], [1, [1]]);
  });
});
