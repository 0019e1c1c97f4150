import assert from 'node:assert/strict';
import { coverageProblems, type CoveredPolicy, type RecoveryTerms } from '../../../../daemon/recovery/bundles/recoveryCoverage.ts';

const hour = 3_600_000;
const terms: RecoveryTerms = {
  location: 'vault',
  protectionPeriodDays: 30,
  gapMs: hour,
  afterBackups: false,
  newestAt: 100 * hour,
  now: 101 * hour,
};
const hourly: CoveredPolicy = { name: 'files', gapMs: hour, protectionPeriodDays: 30 };

function kinds(changes: Partial<RecoveryTerms>, ...policies: readonly CoveredPolicy[]): readonly string[] {
  return coverageProblems({ ...terms, ...changes }, policies).map(({ kind }) => kind);
}

describe('coverage of disaster recovery', () => {
  it('is whole where bundles come as often and are protected as long as the policies', () => {
    assert.deepEqual(kinds({}, hourly, { name: 'mail', gapMs: 24 * hour, protectionPeriodDays: 7 }), []);
    assert.deepEqual(kinds({ protectionPeriodDays: null }), []);
  });

  it('lacks where a policy runs more often, unless bundles follow its backups', () => {
    const often: CoveredPolicy = { ...hourly, gapMs: hour / 2 };
    assert.deepEqual(kinds({}, hourly, often), ['tooSeldom']);
    assert.deepEqual(kinds({ afterBackups: true }, often), []);
    assert.deepEqual(kinds({ afterBackups: true }, { ...often, gapMs: hour / 12 }), ['tooSeldom']);
    assert.deepEqual(kinds({}, { ...hourly, gapMs: null }), []);
  });

  it('lacks where a policy is protected longer, or bundles are not locked at all', () => {
    assert.deepEqual(kinds({}, { ...hourly, protectionPeriodDays: 31 }), ['tooShort']);
    assert.deepEqual(kinds({ protectionPeriodDays: null }, hourly), ['softLocation']);
  });

  it('lacks where no bundle came for twice the time between two, and half an hour', () => {
    assert.deepEqual(kinds({ now: 102.5 * hour }), []);
    assert.deepEqual(kinds({ now: 102.5 * hour + 1 }), ['overdue']);
  });

  it('says one way out of each', () => {
    for (const { message, fix } of coverageProblems({ ...terms, protectionPeriodDays: null, gapMs: 2 * hour, now: 200 * hour }, [hourly])) {
      assert.match(message, /\.$/);
      assert.ok(fix.length > 10);
    }
  });
});
