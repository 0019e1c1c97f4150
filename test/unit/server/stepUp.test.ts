import assert from 'node:assert/strict';
import { StepUp } from '../../../daemon/server/stepUp.ts';

const minute = 60_000;

describe('step-up', () => {
  it('holds for five minutes, and not longer by turning a clock or by sleep', () => {
    const cases: readonly [string, number, number, boolean][] = [
      ['at once', 0, 0, true],
      ['just before', 5 * minute - 1, 5 * minute - 1, true],
      ['five minutes', 5 * minute, 5 * minute, false],
      ['the wall clock was turned back', 5 * minute, -60 * minute, false],
      ['the wall clock was turned back a little', minute, -minute, true],
      ['the machine slept', minute, 60 * minute, false],
    ];
    for (const [what, monotonic, wall, expected] of cases) {
      let now = { monotonic: 1000, wall: 1_000_000_000 };
      const stepUp = new StepUp({ monotonic: () => now.monotonic, wall: () => now.wall });
      assert.equal(stepUp.isGranted(), false);
      assert.equal(stepUp.grant().getTime(), now.wall + 5 * minute);
      now = { monotonic: now.monotonic + monotonic, wall: now.wall + wall };
      assert.equal(stepUp.isGranted(), expected, what);
    }
  });

  it('F1: does not come back once it is over, and ends when it is revoked', () => {
    let now = 0;
    const stepUp = new StepUp({ monotonic: () => now, wall: () => now });
    stepUp.grant();
    now = 6 * minute;
    assert.equal(stepUp.isGranted(), false);
    now = 0;
    assert.equal(stepUp.isGranted(), false);
    stepUp.grant();
    stepUp.revoke();
    assert.equal(stepUp.isGranted(), false);
  });
});
