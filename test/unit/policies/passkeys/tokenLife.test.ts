import assert from 'node:assert/strict';
import type { VaultTokenFacts } from '../../../../daemon/keys/agent/keyFacts.ts';
import {
  type EndingToken,
  endsNow,
  hasGained,
  isRenewalDue,
  isRunningOut,
  renewalWait,
} from '../../../../daemon/policies/passkeys/tokenLife.ts';

const now = new Date('2026-03-01T00:00:00Z');
const hourMs = 3_600_000;

/** A token of so many hours that was issued for so many. */
function token(left: number, issuedFor: number, renewable = true): EndingToken {
  return { expiresAt: new Date(now.getTime() + left * hourMs).toISOString(), creationTtl: issuedFor * 3600, renewable };
}

describe('the life of a token', () => {
  // Hours left, hours issued for; whether it is renewed now, and whether it runs out where it can not be renewed.
  for (const [left, issuedFor, isDue, isOut] of [
    [767, 768, false, false],
    [385, 768, false, false],
    [383, 768, true, false],
    [257, 768, true, false],
    [255, 768, true, true],
    [200, 240, false, false],
    [167, 240, false, true],
    [1, 1, false, true],
    [0.4, 1, true, true],
    [-1, 768, false, true],
    [100, 0, true, true],
    [200, 0, false, false],
  ] as const) {
    it(`${left} of ${issuedFor} hours: ${isDue ? 'renewed now' : 'not renewed now'}, ${isOut ? 'told' : 'not told'} where it can not be`, () => {
      assert.equal(isRenewalDue(token(left, issuedFor), now), isDue);
      assert.equal(isRunningOut(token(left, issuedFor, false), null, now), isOut);
      const stuck = token(left, issuedFor);
      assert.equal(isRunningOut(stuck, stuck.expiresAt, now), isOut, 'a renewal moved its end no more');
      assert.equal(isRunningOut(stuck, null, now), false);
      assert.equal(isRunningOut(stuck, '2020-01-01T00:00:00Z', now), false, 'that was another end');
    });
  }

  it('without an end needs nothing', () => {
    const endless: VaultTokenFacts = { expiresAt: null, creationTtl: 0, renewable: false };
    assert.equal(isRunningOut(endless, null, now), false);
    assert.equal(isRunningOut(null, null, now), false);
  });

  it('was renewed where at least a twentieth was gained', () => {
    assert.equal(hasGained(token(10, 100), token(14.9, 100)), false, 'the longest life is reached');
    assert.equal(hasGained(token(10, 100), token(15, 100)), true);
    assert.equal(hasGained(token(10, 100), token(9.9, 100)), false);
    assert.equal(hasGained(token(10, 100), { expiresAt: null, creationTtl: 0, renewable: false }), true);
    assert.equal(hasGained(token(10, 100), null), true);
    assert.equal(hasGained(token(10, 0), token(10, 0)), false);
  });

  it('is urgent in its last day, or in its last tenth where that is shorter', () => {
    assert.deepEqual(
      [25, 23].map((left) => endsNow(token(left, 768), now)),
      [false, true],
    );
    assert.deepEqual(
      [2, 0.9].map((left) => endsNow(token(left, 10), now)),
      [false, true],
    );
    assert.equal(endsNow(token(23, 0), now), true);
  });

  it('has renewals that fail wait from a minute to six hours', () => {
    assert.deepEqual(
      [0.01, 2, 300].map((left) => renewalWait(token(left, 768), now) / hourMs),
      [1 / 60, 0.5, 6],
    );
  });
});
