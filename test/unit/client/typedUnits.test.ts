import assert from 'node:assert/strict';
import { bytesOf, secondsOf } from '../../../client/typedUnits.ts';

describe('typed units', () => {
  it('are sizes with units that are powers of 1,024', () => {
    for (const [text, value] of [
      ['0', 0],
      ['1048576', 1_048_576],
      ['10k', 10_240],
      ['10KB', 10_240],
      ['500 MB', 524_288_000],
      ['500MiB', 524_288_000],
      ['1.5GiB', 1_610_612_736],
      ['2t', 2_199_023_255_552],
      ['', undefined],
      ['-1', undefined],
      ['1e9', undefined],
      ['0x10', undefined],
      ['MiB', undefined],
      ['1 PB', undefined],
      ['9999999999999 TB', undefined],
      ['x'.repeat(100_000), undefined],
    ] as const) {
      assert.equal(bytesOf(text), value, text.slice(0, 20));
    }
  });

  it('are times with a unit, and never a number alone', () => {
    for (const [text, value] of [
      ['90s', 90],
      ['30m', 1800],
      ['30 min', 1800],
      ['12h', 43_200],
      ['90d', 7_776_000],
      ['2w', 1_209_600],
      ['', undefined],
      ['90', undefined],
      ['m', undefined],
      ['1.5h', undefined],
      ['-1d', undefined],
      ['1y', undefined],
      ['1 week', undefined],
      ['9'.repeat(100_000), undefined],
    ] as const) {
      assert.equal(secondsOf(text), value, text.slice(0, 20));
    }
  });
});
