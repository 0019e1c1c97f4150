import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { decodeRuns, encodeRuns } from '../../../daemon/catalog/numberRuns.ts';

function numbersIn(bytes: Uint8Array): readonly number[] {
  const numbers: number[] = [];
  for (const [first, last] of decodeRuns(bytes)) for (let number = first; number <= last; number += 1) numbers.push(number);
  return numbers;
}

describe('runs of numbers', () => {
  it('are the same set again, whatever the order and however often a number was told', () => {
    const number = fc.oneof(fc.nat(300), fc.nat(2 ** 31));
    fc.assert(
      fc.property(fc.array(number, { maxLength: 200 }), (numbers) => {
        const sorted = [...new Set(numbers)].toSorted((one, other) => one - other);
        assert.deepEqual(numbersIn(encodeRuns(numbers)), sorted);
      }),
    );
  });

  it('take a few bytes for what lies in a row', () => {
    const packs = Array.from({ length: 100_000 }, (_value, index) => 7 + index);
    assert.equal(encodeRuns(packs).length, 4);
    assert.equal(encodeRuns([]).length, 0);
  });

  it('refuse bytes that end in the middle', () => {
    const bytes = encodeRuns([5, 100_000]);
    for (const length of [1, bytes.length - 1]) assert.throws(() => numbersIn(bytes.subarray(0, length)), { code: 'catalogDamaged' });
  });
});
