import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { nextRelease } from '../../../protocol/pace.ts';

interface Gone {
  readonly at: number;
  readonly bytes: number;
}

/** When each piece goes, where each is asked for `pause` milliseconds after the one before was let go. */
function released(rate: number, pieces: readonly { readonly bytes: number; readonly pause: number }[]): readonly Gone[] {
  let [now, paidUntil] = [0, 0];
  return pieces.map(({ bytes, pause }) => {
    now += pause;
    const release = nextRelease(paidUntil, now, bytes, rate);
    ({ paidUntil } = release);
    now += release.wait;
    return { at: now, bytes };
  });
}

describe('pace', () => {
  it('lets the first piece go at once and the next once it is paid for', () => {
    const gone = released(
      1000,
      [100, 100, 100].map((bytes) => ({ bytes, pause: 0 })),
    );
    assert.deepEqual(
      gone.map(({ at }) => at),
      [0, 100, 200],
    );
  });

  it('lets nothing wait that comes slower than the limit', () => {
    const gone = released(
      1000,
      Array.from({ length: 5 }, () => ({ bytes: 100, pause: 200 })),
    );
    assert.deepEqual(
      gone.map(({ at }) => at),
      [200, 400, 600, 800, 1000],
    );
  });

  it('never lets more go within any time than the limit, a tenth of a second and one piece', () => {
    const piece = fc.record({ bytes: fc.integer({ min: 0, max: 1_000_000 }), pause: fc.integer({ min: 0, max: 5000 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.array(piece, { maxLength: 40 }), (rate, pieces) => {
        const gone = released(rate, pieces);
        const largest = Math.max(0, ...gone.map(({ bytes }) => bytes));
        for (let from = 0; from < gone.length; from += 1) {
          let sum = 0;
          for (const { at, bytes } of gone.slice(from)) {
            sum += bytes;
            const most = rate * ((at - (gone[from]?.at ?? 0)) / 1000 + 0.1) + largest;
            assert.ok(sum <= most + 1e-6 * most + 1, `${sum} > ${most}`);
          }
        }
      }),
    );
  });

  it('loses nothing to waking up late: over time the limit is reached', () => {
    let [now, paidUntil] = [0, 0];
    for (let piece = 0; piece < 1000; piece += 1) {
      const release = nextRelease(paidUntil, now, 1000, 100_000);
      ({ paidUntil } = release);
      // Every wait takes 3 ms longer than it was asked to.
      now += release.wait + (release.wait > 0 ? 3 : 0);
    }
    assert.ok(now < 10_100, `${now} ms for 10 s of bytes`);
  });
});
