import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import {
  type ChunkerParameters,
  cutMasksOf,
  defaultChunkerParameters,
  gearWindow,
} from '../../../../daemon/engine/chunker/chunkerParameters.ts';
import { Cutter } from '../../../../daemon/engine/chunker/cutter.ts';
import { GearScanner } from '../../../../daemon/engine/chunker/gearScanner.ts';
import { plainScan } from '../../../../daemon/engine/chunker/plainScan.ts';
import { engineKeys } from '../../../support/engineBench.ts';
import { testSeed } from '../../../support/mochaHooks.ts';
import { SeededRandom } from '../../../support/random.ts';

const { gear } = engineKeys('chunker');
const small: ChunkerParameters = { min: 64, avg: 256, max: 1024 };

/** Lengths of the chunks, found while the bytes arrive in pieces of these lengths, over and over. */
function cut(bytes: Uint8Array, parameters: ChunkerParameters, pieces: readonly number[], table: Uint32Array = gear): number[] {
  const cutter = new Cutter(parameters, (at, end, mask) => plainScan(table, bytes, at, end, mask));
  const lengths: number[] = [];
  let start = 0;
  let end = 0;
  cutter.begin(0);
  for (let piece = 0; end < bytes.length; piece += 1) {
    end = Math.min(bytes.length, end + Math.max(1, pieces[piece % pieces.length] ?? 1));
    for (let at = cutter.find(end); at !== 0; at = cutter.find(end)) {
      lengths.push(at - start);
      start = at;
      cutter.begin(at);
    }
  }
  if (end > start) lengths.push(end - start);
  return lengths;
}

/** Where the chunks begin, counted from the end. */
const ends = (lengths: readonly number[]): number[] =>
  lengths.map((_, index) => lengths.slice(index).reduce((sum, length) => sum + length, 0));

describe('the compiled gear scanner', () => {
  it('cuts as the plain one does, wherever it begins and ends', () => {
    const scanner = new GearScanner(gear, 200_000);
    const bytes = new SeededRandom(testSeed()).bytes(200_000);
    scanner.bytes.set(bytes);
    const mask = cutMasksOf(small).afterAverage;
    fc.assert(
      fc.property(
        fc.integer({ min: gearWindow, max: 150_000 }),
        fc.integer({ min: 0, max: 50_000 }),
        fc.constantFrom(mask, 0xfff00000, 0xffffffff, 0x80000000, 0),
        (at, length, bits) => {
          assert.equal(scanner.scan(at, at + length, bits), plainScan(gear, bytes, at, at + length, bits));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('cuts as the plain one does over zeros, ones and runs of text', () => {
    const scanner = new GearScanner(gear, 100_000);
    for (const bytes of [
      Buffer.alloc(100_000),
      Buffer.alloc(100_000, 0xff),
      Buffer.alloc(100_000, 'abc'),
      new SeededRandom(1).text(100_000),
    ]) {
      scanner.bytes.set(bytes);
      for (let at = gearWindow; at < 99_000; at += 997) {
        const end = Math.min(100_000, at + 20_000);
        assert.equal(scanner.scan(at, end, 0xff000000), plainScan(gear, bytes, at, end, 0xff000000));
      }
    }
  });

  it('refuses a table of another length', () => {
    assert.throws(() => new GearScanner(new Uint32Array(255), 1000), RangeError);
  });
});

describe('cuts', () => {
  it('stand where they stood in the first version: a vector for ever', () => {
    const bytes = Buffer.alloc(20_000_000);
    for (let at = 0, block = 0; at < bytes.length; at += 32, block += 1)
      createHash('sha256').update(`vector/${block}`).digest().copy(bytes, at);
    assert.deepEqual(cut(bytes.subarray(0, 5000), small, [5000]), smallVector);
    assert.deepEqual(cut(bytes, defaultChunkerParameters, [262_144]), bigVector);
  });

  it('depend on the content alone, never on how it arrives', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }), (seed, pieces) => {
        const bytes = new SeededRandom(seed).bytes(20_000);
        assert.deepEqual(cut(bytes, small, pieces), cut(bytes, small, [bytes.length]));
      }),
      { numRuns: 60 },
    );
  });

  it('find each other again behind an insertion', () => {
    const random = new SeededRandom(testSeed());
    const bytes = random.bytes(60_000);
    const shifted = Buffer.concat([bytes.subarray(0, 5000), random.bytes(13), bytes.subarray(5000)]);
    const before = new Set(ends(cut(bytes, small, [9999])));
    const after = ends(cut(shifted, small, [9999]));
    assert.equal(after.filter((end) => before.has(end)).length > after.length / 2, true);
  });

  it('C10: keep within minimum and maximum, gather around the average, and depend on the key', () => {
    const bytes = new SeededRandom(testSeed()).bytes(600_000);
    const lengths = cut(bytes, small, [4096]);
    for (const length of lengths.slice(0, -1)) assert.equal(length >= small.min && length <= small.max, true, `${length}`);
    assert.equal(
      lengths.reduce((sum, length) => sum + length, 0),
      bytes.length,
    );
    const mean = bytes.length / lengths.length;
    assert.equal(mean > small.avg * 0.7 && mean < small.avg * 1.6, true, `${mean}`);
    assert.notDeepEqual(cut(bytes, small, [4096], engineKeys('another').gear), lengths);
    assert.deepEqual(
      cut(new Uint8Array(5000), small, [700], new Uint32Array(256).fill(1))
        .slice(0, -1)
        .every((length) => length === small.max),
      true,
    );
  });

  it('of parameters that contradict each other are refused', () => {
    for (const change of [{ min: 31 }, { avg: 63 }, { max: 255 }])
      assert.throws(() => new Cutter({ ...small, ...change }, () => 0), RangeError);
  });
});

const smallVector: readonly number[] = [187, 285, 447, 287, 379, 283, 392, 73, 386, 122, 422, 285, 299, 334, 260, 229, 330];
const bigVector: readonly number[] = [
  1374432, 1549921, 1406556, 333708, 1177953, 1080679, 1080833, 1397375, 761006, 1578001, 689282, 1659222, 1560884, 1129394, 1283873,
  1099999, 836882,
];
