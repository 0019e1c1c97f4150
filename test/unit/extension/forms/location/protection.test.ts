import assert from 'node:assert/strict';
import { emptyBucket } from '../../../../../extension/forms/location/bucketDraft.ts';
import { changeText } from '../../../../../extension/forms/location/changeProtection.ts';
import { checkChoices, verdictOf } from '../../../../../extension/forms/location/checkChoices.ts';
import { additionOf, canBeImmutable, emptyLocation, type LocationDraft } from '../../../../../extension/forms/location/locationDraft.ts';
import { readLockFacts } from '../../../../../extension/forms/location/lockFacts.ts';
import {
  daysOf,
  daysProblem,
  isLong,
  offeredDays,
  periodCost,
  periodHold,
  periodMeaning,
} from '../../../../../extension/forms/location/protection.ts';
import { type AskedProtection, protectionSteps } from '../../../../../extension/forms/location/protectionSteps.ts';
import { summaryLines } from '../../../../../extension/forms/location/summary.ts';
import { type LocationCheck, locationAdd } from '../../../../../protocol/methods/locations.ts';
import type { UnattendedStatus } from '../../../../../protocol/methods/unattended.ts';
import type { PasskeyKind } from '../../../../../protocol/methods/passkeys.ts';
import { FakeCaller } from '../../fakeCaller.ts';
import { somePasskey, someStatus } from '../../samples.ts';

const checks: readonly LocationCheck[] = [
  { check: 'exists', result: 'pass', detail: 'It is there.', fix: null },
  { check: 'conditionalPut', result: 'warn', detail: 'Not honoured.', fix: 'Use another store.' },
  { check: 'objectLock', result: 'fail', detail: 'Off.', fix: 'Make a bucket with Object Lock.' },
];

const unattended = { kind: 'passphraseFile', path: '/etc/pass', problem: null, nextTryAt: null } as const;
const bucket = { ...emptyBucket, bucket: 'vault', region: 'eu-west-1', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'very-secret' };
const draft: LocationDraft = { ...emptyLocation, kind: 's3', name: 'vault', bucket };
const good: LocationDraft = { ...draft, preflight: { of: bucket, result: { checks: [], canBeImmutable: true } } };

function needed(asked: Partial<AskedProtection>, facts = { asksMode: true, waitsForPassphrase: true }): readonly boolean[] {
  const answers: AskedProtection = { days: 30, isOther: false, mode: 'compliance', isSealed: true, ...asked };
  return protectionSteps({ longestAbsenceDays: 4, mayBeOff: true, ...facts }).map(({ isNeeded }) => isNeeded?.(answers) ?? true);
}

describe('how long a form protects', () => {
  it('says what a period means, what it costs, and how long nobody can delete anything', () => {
    assert.equal(periodMeaning(1), 'For 1 day whatever an attacker does with the credentials, nothing is lost.');
    assert.match(periodCost(30, 4), /^about \d[\d,]* calls a month for 1,000 objects$/);
    assert.match(periodHold(30, 4), /^Nothing can be deleted for up to 4\d days/);
  });

  it('warns of more than 90 days, and takes whole days alone', () => {
    assert.deepEqual([...offeredDays, 91, null].map(isLong), [false, false, false, false, false, false, true, false]);
    assert.equal(daysOf(' 14 '), 14);
    for (const text of ['0', '-1', '1.5', 'x', '3651']) {
      assert.equal(daysOf(text), undefined);
      assert.match(daysProblem(text) ?? '', /A whole number of days, 1 to 3,650/);
    }
    assert.equal(daysProblem(''), undefined);
    assert.equal(daysProblem('3650'), undefined);
  });

  it('asks for the mode where it is open, and warns of a long period, and of sealed keys where a passphrase unlocks', () => {
    assert.deepEqual(needed({}), [true, false, false, true, true]);
    assert.deepEqual(needed({ isSealed: false }), [true, false, false, true, false]);
    assert.deepEqual(needed({}, { asksMode: false, waitsForPassphrase: false }), [true, false, false, false, false]);
    assert.deepEqual(needed({ days: 120, isOther: true }), [true, true, true, true, true]);
    assert.deepEqual(needed({ days: null }), [true, false, false, false, false]);
  });

  it('says what becomes of the locks that are there', () => {
    assert.match(changeText(7, null), /can not be switched off again/);
    assert.match(changeText(7, 1), /promised today, 1 day, holds until everything is locked for 7 days/);
    assert.match(changeText(1, 7), /run out as they are/);
  });
});

describe('what a form for a bucket sends', () => {
  it('is locked only where the look at this very bucket said that it can be', () => {
    assert.equal(canBeImmutable(draft), false);
    assert.equal(canBeImmutable(good), true);
    assert.equal(canBeImmutable({ ...good, bucket: { ...bucket, bucket: 'other' } }), false);
    assert.equal(canBeImmutable({ ...good, kind: 'filesystem' }), false);
    assert.equal('protectionPeriodDays' in additionOf(draft), false);
    const sent = additionOf(good);
    assert.deepEqual([sent.protectionPeriodDays, sent.lockMode], [30, 'compliance']);
    assert.equal('lockMode' in additionOf({ ...good, protection: { ...good.protection, days: null } }), false);
    assert.ok(locationAdd.params.safeParse(sent).success);
    assert.doesNotMatch(JSON.stringify(sent), /very-secret/);
  });

  it('M6: is shown before it is sent, without the secret key', () => {
    const lines = summaryLines(good, 4).map(({ label, description = '', detail = '' }) => `${label} ${description} ${detail}`);
    assert.ok(lines.some((line) => line.includes('s3://vault')));
    assert.ok(lines.some((line) => line.includes('30 days, mode compliance')));
    assert.ok(lines.some((line) => line.includes('key AKIDEXAMPLE')));
    assert.ok(lines.every((line) => !line.includes('very-secret')));
    assert.ok(summaryLines(draft, 4).some(({ description }) => description?.startsWith('off: ') === true));
  });
});

describe('what was looked at, as lines to read', () => {
  it('has the worst first, and behind each that did not pass its way out', () => {
    assert.deepEqual(
      checkChoices(checks, undefined).map(({ label, description, icon }) => [label, description, icon]),
      [
        ['Object lock', 'failed', 'error'],
        ['Make a bucket with Object Lock.', undefined, 'lightbulb'],
        ['Conditional put', 'needs a look', 'warning'],
        ['Use another store.', undefined, 'lightbulb'],
        ['Exists', 'passed', 'pass'],
      ],
    );
    assert.equal(verdictOf(checks), '1 of 3 checks failed');
    assert.equal(verdictOf(checks.slice(0, 2)), '1 of 2 checks need a look');
    assert.equal(verdictOf(checks.slice(0, 1)), 'all 1 checks passed');
  });
});

describe('what of the installation decides about locks', () => {
  const byService = { kind: 'keyService', passkey: 'office', path: null, problem: null, nextTryAt: null } as const;
  const table: readonly (readonly [what: string, PasskeyKind, UnattendedStatus | null, boolean])[] = [
    ['is unlocked by a passphrase', 'passphrase', null, true],
    ['unlocks itself with a passphrase', 'passphrase', unattended, false],
    ['unlocks itself with a key service', 'awsKms', byService, false],
    ['unlocks itself with a key service that is not in use', 'passphrase', byService, false],
    ['has sealed credentials for its key service alone', 'awsKms', { ...byService, isSealed: true }, true],
  ];
  for (const [what, kind, unlocking, waits] of table) {
    it(`a daemon that ${what} ${waits ? 'waits for somebody' : 'waits for nobody'}`, async () => {
      const caller = new FakeCaller({
        'immutability.status': () => ({
          safeUntil: null,
          objects: 0,
          shortest: null,
          lastRefresh: null,
          nextRefresh: null,
          callsPerMonth: 0,
          findings: 0,
          longestAbsenceDays: 4,
          locations: [],
        }),
        'session.status': () => someStatus({ unattended: unlocking }),
        'passkey.list': () => ({ items: [somePasskey({ kind: 'vaultTransit' }), somePasskey({ inUse: true, kind })], next: null }),
      });
      assert.deepEqual(await readLockFacts(caller), { longestAbsenceDays: 4, waitsForPassphrase: waits });
    });
  }
});
