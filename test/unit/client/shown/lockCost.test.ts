import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { lockCallsPerMonth, longestLockDays } from '../../../../client/shown/lockCost.ts';
import { callsPerMonth, lockPlan, lockTerms } from '../../../../daemon/locks/lockPlan.ts';

const dayMs = 86_400_000;

describe('what locks cost, as a form tells it before they are switched on', () => {
  const setting = fc.record({
    protectionPeriodDays: fc.integer({ min: 1, max: 3650 }),
    longestAbsenceDays: fc.integer({ min: 0, max: 60 }),
  });

  it('are the calls that the lock plan counts', () => {
    fc.assert(
      fc.property(setting, fc.integer({ min: 0, max: 1_000_000 }), (terms, objects) => {
        assert.equal(lockCallsPerMonth(terms, objects), callsPerMonth(lockPlan(lockTerms(terms)), objects));
      }),
    );
  });

  it('is a lock that nobody can take back before the lock plan lets it end', () => {
    fc.assert(
      fc.property(setting, (terms) => {
        const { protectionPeriod, buffer, margin } = lockPlan(lockTerms(terms));
        assert.equal(longestLockDays(terms), Math.ceil((protectionPeriod + buffer + margin) / dayMs));
      }),
    );
  });
});
