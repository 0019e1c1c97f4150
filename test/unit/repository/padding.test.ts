import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  fullPackPlaintextLength,
  paddedPlaintextLength,
  paddingTarget,
  plaintextLengthOf,
  storedLengthOf,
} from '../../../daemon/repository/padding.ts';

/** The page's rule, word by word, in integers of any size. */
function targetOfThePage(length: number): number {
  const wide = BigInt(length);
  const exponent = BigInt(wide.toString(2).length - 1);
  const bits = BigInt(exponent.toString(2).length);
  const step = 1n << (exponent - bits);
  const rounded = ((wide + step - 1n) / step) * step;
  const toUnit = ((rounded + 65_535n) / 65_536n) * 65_536n;
  return Number(toUnit < 65_536n ? 65_536n : toUnit);
}

const lengths = fc.oneof(
  fc.integer({ min: 208, max: 200_000 }),
  fc.integer({ min: 208, max: 2 ** 31 }),
  fc.double({ min: 208, max: 2 ** 32, noNaN: true }).map(Math.floor),
);

describe('padding', () => {
  it('gives the lengths of the table', () => {
    const table: readonly (readonly [number, number])[] = [
      [208, 65_536],
      [65_536, 65_536],
      [65_537, 131_072],
      [1_000_000, 1_048_576],
      [1_048_577, 1_114_112],
      [33_554_431, 33_554_432],
      [33_554_433, 34_603_008],
      [2 ** 31, 2 ** 31],
      [2 ** 31 + 1, 2 ** 31 + 2 ** 26],
    ];
    for (const [length, target] of table) assert.equal(paddingTarget(length), target, `${length}`);
  });

  it('C10: follows the rule of the page for every length', () => {
    fc.assert(fc.property(lengths, (length) => assert.equal(paddingTarget(length), targetOfThePage(length))));
  });

  it('stores a full pack in exactly 32 MiB', () => {
    assert.equal(storedLengthOf(fullPackPlaintextLength), 32 * 1024 * 1024);
    assert.equal(plaintextLengthOf(32 * 1024 * 1024 - 192), fullPackPlaintextLength);
  });

  it('C10: pads to a length that a body can have and that is a target, and takes the next target only where the first is out of reach', () => {
    const plaintexts = fc.oneof(fc.integer({ min: 0, max: 400_000 }), fc.integer({ min: 0, max: 2 ** 31 }));
    fc.assert(
      fc.property(plaintexts, fc.constantFrom(0, 512), (plaintext, section) => {
        const padded = paddedPlaintextLength(plaintext, section);
        const stored = storedLengthOf(padded, section);
        assert.ok(padded >= plaintext);
        assert.equal(paddingTarget(stored), stored);
        const first = paddingTarget(storedLengthOf(plaintext, section));
        if (stored === first) return;
        assert.equal(plaintextLengthOf(first - 192 - section), undefined);
        assert.equal(stored, paddingTarget(first + 1));
      }),
    );
  });

  it('takes the next target where the tag of a new segment jumps over the first', () => {
    // 131,072 bytes of plaintext fill a segment; a body one to sixteen bytes longer does not exist.
    const section = 131_072 * 2 - 192 - 131_072 - 16 - 8;
    assert.equal(plaintextLengthOf(131_072 * 2 - 192 - section), undefined);
    const padded = paddedPlaintextLength(100_000, section);
    assert.equal(storedLengthOf(padded, section), 131_072 * 2 + 65_536);
  });

  it('takes the next target of the rule, not the next multiple, where steps are large', () => {
    const section = 122_692;
    assert.equal(plaintextLengthOf(2 ** 26 - 192 - section), undefined);
    const padded = paddedPlaintextLength(2 ** 26 - 300_000, section);
    assert.equal(storedLengthOf(padded, section), 2 ** 26 + 2 ** 21);
  });

  it('C10: hides sizes at an overhead of at most an eighth above 1 MiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 20, max: 2 ** 31 }), (plaintext) => {
        assert.ok(storedLengthOf(paddedPlaintextLength(plaintext)) <= storedLengthOf(plaintext) * 1.125);
      }),
    );
  });

  it('knows which lengths a body can have', () => {
    for (const [body, plaintext] of [
      [15, undefined],
      [16, 0],
      [17, 1],
      [131_088, 131_072],
      [131_089, undefined],
      [131_104, undefined],
      [131_105, 131_073],
    ] as const) {
      assert.equal(plaintextLengthOf(body), plaintext, `${body}`);
    }
  });
});
