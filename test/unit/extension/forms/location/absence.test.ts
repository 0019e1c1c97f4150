import assert from 'node:assert/strict';
import { lockCallsPerMonth, longestLockDays } from '../../../../../client/shown/lockCost.ts';
import { absenceChoices } from '../../../../../extension/forms/location/absence.ts';
import { immutabilityAbsence } from '../../../../../protocol/methods/immutability.ts';

function calls(longestAbsenceDays: number, protectionPeriodDays: number, objects: number): number {
  return lockCallsPerMonth({ longestAbsenceDays, protectionPeriodDays }, objects);
}

describe('how long the daemon may be away', () => {
  it('can be what it is now or a usual time, all of which the daemon takes', () => {
    const days = absenceChoices(5, []).map(({ value }) => value);
    assert.deepEqual(days, [0, 1, 2, 4, 5, 7, 14, 30, 60]);
    for (const one of days) assert.ok(immutabilityAbsence.params.safeParse({ days: one }).success);
    assert.equal(absenceChoices(4, []).length, 8);
  });

  it('is told with what it costs at all locations together, or of an example where there is none', () => {
    const [first] = absenceChoices(0, [
      { protectionPeriodDays: 30, objects: 100 },
      { protectionPeriodDays: 7, objects: 10 },
    ]);
    assert.equal(
      first?.description,
      `now, locks of up to ${longestLockDays({ longestAbsenceDays: 0, protectionPeriodDays: 30 })} days, about ${calls(0, 30, 100) + calls(0, 7, 10)} calls a month`,
    );
    assert.match(absenceChoices(4, [])[0]?.description ?? '', /^locks of \d+ days for a protection of 30$/);
  });
});
