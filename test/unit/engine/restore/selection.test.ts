import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { displayPath } from '../../../../daemon/engine/displayPath.ts';
import { nanosecondsOf, nearestSeconds, timeArgument } from '../../../../daemon/engine/restore/fileTimes.ts';
import { Selection } from '../../../../daemon/engine/restore/selection.ts';
import { rawOf, rawPath } from '../../../../daemon/engine/rawPath.ts';

const raw = (...paths: readonly string[]): Uint8Array[] => paths.map((path) => Buffer.from(path));

describe('a selection of paths', () => {
  it('stands for all below a folder, for what leads there, and for nothing beside it', () => {
    const { root } = Selection.of(raw('a/b', 'c'));
    assert.equal(root.isAll, false);
    assert.equal(root.below('x'), undefined);
    assert.equal(root.below('a')?.isAll, false);
    assert.equal(root.below('a')?.below('x'), undefined);
    assert.equal(root.below('a')?.below('b')?.below('deep')?.isAll, true);
    assert.equal(root.below('c')?.isAll, true);
  });

  it('of nothing is everything where it is left out, and nothing where it is an empty list', () => {
    assert.equal(Selection.of(undefined).root.isAll, true);
    assert.equal(Selection.of([]).isEmpty, true);
    assert.equal(Selection.of(raw('')).root.isAll, true);
  });

  it('tells what it did not meet', () => {
    const selection = Selection.of(raw('a/b', 'a/c', 'd', 'e/f'));
    selection.root.below('a')?.below('b');
    selection.root.below('e');
    assert.deepEqual(selection.notFound(), ['a/c', 'd', 'e/f']);
  });
});

describe('raw paths', () => {
  it('lose nothing of names that are no UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const path = rawPath(Buffer.from(bytes).toString('latin1'));
        assert.ok(Buffer.from(path).equals(Buffer.from(bytes)));
      }),
    );
    assert.equal(Buffer.from(rawPath(rawOf('häuser'))).toString(), 'häuser');
  });

  it('are shown as text where they are, and with escapes where not', () => {
    for (const [bytes, text] of [
      ['häuser', 'häuser'],
      ['line\nbreak', 'line\\x0abreak'],
      [Buffer.from([0x61, 0xff, 0x62]), 'a\\xffb'],
      [Buffer.from([0xc3, 0xbc, 0xc3]), 'ü\\xc3'],
      ['\ufffd', '\ufffd'],
    ] as const) {
      assert.equal(displayPath(Buffer.from(bytes)), text);
    }
  });
});

describe('times', () => {
  it('are handed over as near as a double allows, before 1970 too', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n }), (time) => {
        const set = nanosecondsOf(nearestSeconds(time));
        assert.equal((set > time ? set - time : time - set) <= 300n, true, `${set}`);
      }),
    );
    assert.equal(timeArgument(0n), 0);
    assert.equal(typeof timeArgument(-1_000_000_000n), 'string');
  });
});
