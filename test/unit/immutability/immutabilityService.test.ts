import assert from 'node:assert/strict';
import { safeUntilOf } from '../../../daemon/immutability/immutabilityService.ts';

const early = '2026-03-01T00:00:00.000Z';
const late = '2026-04-01T00:00:00.000Z';

const kept = (safeUntil: string | null): Parameters<typeof safeUntilOf>[0][number] => ({
  promisedDays: 30,
  shortest: { objectKey: 'i/a', retainUntil: safeUntil },
  safeUntil,
});

describe('until when an installation is safe', () => {
  it('is the soonest of its locations; one where nothing was promised, or nothing is kept, says nothing', () => {
    const unpromised = { promisedDays: null, shortest: { objectKey: 'i/a', retainUntil: null }, safeUntil: null };
    const empty = { promisedDays: 30, shortest: null, safeUntil: null };
    assert.equal(safeUntilOf([kept(late), unpromised, kept(early), empty]), early);
    assert.equal(safeUntilOf([]), null);
  });

  it('S9: is no date where something that was promised at one of them is not locked', () => {
    assert.equal(safeUntilOf([kept(late), kept(null)]), null);
  });
});
