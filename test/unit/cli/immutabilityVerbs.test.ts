import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import type {
  AuditDocument,
  ImmutabilityStatus,
  LocationImmutability,
  LockProofDocument,
  RefreshDocument,
} from '../../../protocol/methods/immutability.ts';
import * as shapes from '../../support/cliShapes.ts';
import { type Answer, FakeDaemon } from './fakeDaemon.ts';
import { FakeHost, memberOf, runOn, runWith } from './fakeHost.ts';
import { action, at, endingAs, hostile, id, otherId } from './samples.ts';

const started: Answer = () => ({ actionId: id });

function working(method: string, kind: ActionWithResult['kind'], end: Partial<ActionWithResult>): FakeDaemon {
  return new FakeDaemon({ [method]: started, 'action.result': endingAs({ kind, subject: 'vault', ...end }) });
}

/** Ctrl-C while it runs: what is asked for is cancelled, and the status is 130. */
async function assertCancels(method: string, args: readonly string[]): Promise<void> {
  const host: { now: FakeHost | undefined } = { now: undefined };
  let isCancelled = false;
  const daemon = new FakeDaemon({
    [method]: started,
    'action.cancel': () => {
      isCancelled = true;
      const { result: _, ...listed } = action();
      return listed;
    },
    'action.result': () => {
      host.now?.interrupt();
      return action(isCancelled ? { state: 'cancelled' } : {});
    },
  });
  host.now = new FakeHost({ daemon });
  assert.equal((await runOn(host.now, args)).status, 130);
  assert.equal(daemon.of('action.cancel').length, 1);
}

async function assertStartsOnly(method: string, args: readonly string[]): Promise<void> {
  const daemon = new FakeDaemon({ [method]: started });
  const { status, json } = await runWith([...args, '--no-wait', '--json'], { daemon });
  assert.deepEqual([status, json()], [0, { actionId: id }]);
  shapes.startedDocument.parse(json());
}

describe('cli location prove-lock', () => {
  const proof: LockProofDocument = {
    verdict: 'enforced',
    at,
    attempts: [
      { attempt: 'deleteVersion', expected: 'refused', got: 'refused' },
      { attempt: 'shorten', expected: 'refused', got: 'refused' },
    ],
    reason: null,
    signature: 'AAAA',
  };
  const refusal = { code: 'refusedByRule', message: 'Failed to prove the lock.', fix: 'Take the permission away.', details: null };
  const proving = (end: Partial<ActionWithResult>): FakeDaemon => working('location.proveLock', 'proveLock', end);
  const args = ['location', 'prove-lock', 'vault'];

  it('prints what was tried and what came of it, exit 0 where the lock holds', async () => {
    const daemon = proving({ state: 'complete', result: { ...proof } });
    const { status, json } = await runWith([...args, '--json'], { daemon });
    assert.deepEqual([status, json()], [0, proof]);
    shapes.lockProofDocument.parse(json());
    assert.deepEqual(daemon.of('location.proveLock')[0]?.params, {
      requestId: '00000000-0000-4000-8000-000000000001',
      location: 'vault',
    });
    const human = await runWith(args, { daemon: proving({ state: 'complete', result: { ...proof } }) });
    assert.match(
      human.out,
      /^Lock proof of vault, 2026-03-01 .*: enforced\. .*\n\nATTEMPT +EXPECTED +GOT\ndeleteVersion +refused +refused\n/,
    );
  });

  it('S7: ends with 4 and the document at every other verdict, whatever the action ended as', async () => {
    for (const verdict of ['bypassable', 'notEnforced', 'inconclusive'] as const) {
      const result = { ...proof, verdict, reason: 'The store took a deletion.' };
      for (const end of [
        { state: 'failed', error: refusal, result },
        { state: 'complete', result },
      ] as const) {
        const { status, json } = await runWith([...args, '--json'], { daemon: proving(end) });
        assert.deepEqual([status, json()], [4, result]);
      }
      const human = await runWith(args, { daemon: proving({ state: 'failed', error: refusal, result }) });
      assert.equal(human.status, 4);
      assert.match(human.out, /The store took a deletion\.\n[^]*\n\nTake the permission away\.\n$/);
      assert.doesNotMatch(human.out, /: enforced/);
    }
  });

  it('prints the error where there is no proof: unreachable, refused by rule, damaged, or contradicting itself', async () => {
    const away = { code: 'storeUnreachable', message: 'Failed to reach vault.', fix: 'Try again.', details: null };
    const cases: readonly (readonly [end: Partial<ActionWithResult>, status: number, code: string])[] = [
      [{ state: 'failed', error: away }, 1, 'storeUnreachable'],
      [{ state: 'failed', error: refusal }, 4, 'refusedByRule'],
      [{ state: 'cancelled', result: { ...proof } }, 130, 'cancelled'],
      [{ state: 'failed', error: away, result: { ...proof } }, 1, 'storeUnreachable'],
      [{ state: 'complete', result: { verdict: 'surely' } }, 1, 'protocolViolation'],
    ];
    for (const [end, expected, code] of cases) {
      const { status, json } = await runWith([...args, '--json'], { daemon: proving(end) });
      assert.deepEqual([status, memberOf(json(), 'error', 'code')], [expected, code]);
    }
    const refused = new FakeDaemon({
      'location.proveLock': () => {
        throw new HoldfastError('refusedByRule', 'Failed to prove the lock of disk: a folder has none.', { fix: 'Use a bucket.' });
      },
    });
    assert.equal((await runWith(args, { daemon: refused })).status, 4);
  });

  it('is cancelled by Ctrl-C, and only started with --no-wait', async () => {
    await assertCancels('location.proveLock', args);
    await assertStartsOnly('location.proveLock', args);
  });
});

const vault: LocationImmutability = {
  location: 'vault',
  locationId: id,
  protectionPeriodDays: 30,
  promisedDays: 30,
  safeUntil: '2026-03-20T12:00:00.000Z',
  objects: 12_345,
  shortest: { objectKey: `${otherId}/policies/x/packs/y`, retainUntil: '2026-04-01T12:00:00.000Z' },
  slackSeconds: 5 * 86_400,
  lastRefresh: '2026-03-01T11:00:00.000Z',
  nextRefresh: '2026-03-02T12:00:00.000Z',
  isRefreshing: false,
  callsPerMonth: 6789,
  lockProof: { verdict: 'enforced', at },
  lastAudit: at,
  findings: 0,
  clockSkewSeconds: 1,
};

function statusOf(...locations: readonly LocationImmutability[]): ImmutabilityStatus {
  const { objects, shortest, lastRefresh, nextRefresh, callsPerMonth, findings } = vault;
  const safeUntil = locations.some((location) => location.safeUntil === null) ? null : vault.safeUntil;
  return { safeUntil, objects, shortest, lastRefresh, nextRefresh, callsPerMonth, findings, longestAbsenceDays: 4, locations };
}

async function shown(...locations: readonly LocationImmutability[]): Promise<string> {
  const daemon = new FakeDaemon({ 'immutability.status': () => statusOf(...locations) });
  return (await runWith(['immutability', 'status'], { daemon })).out;
}

describe('cli immutability status', () => {
  it('says until when it is safe, what is shortest, what comes next and what it costs', async () => {
    const daemon = new FakeDaemon({ 'immutability.status': () => statusOf(vault) });
    const { status, json } = await runWith(['immutability', 'status', '--location', 'vault', '--json'], { daemon });
    assert.deepEqual([status, json()], [0, statusOf(vault)]);
    shapes.immutabilityDocument.parse(json());
    assert.deepEqual(daemon.of('immutability.status')[0]?.params, { location: 'vault' });
    const lines = (await shown(vault)).trimEnd().split('\n');
    const patterns = [
      /^vault$/,
      /^ {2}Protection: +30 days, proved$/,
      /^ {2}Safe until: +2026-03-20 \S+ \(in 19 d\)$/,
      /^ {2}Shortest lock: +2026-04-01 \S+ \(in 31 d\), …\/policies\/x\/packs\/y$/,
      /^ {2}Objects: +12,345 kept locked$/,
      /^ {2}Slack: +5 d above the promise$/,
      /^ {2}Last refresh: +2026-03-01 \S+ \(1 h ago\)$/,
      /^ {2}Next refresh: +2026-03-02 \S+ \(in 24 h\)$/,
      /^ {2}Calls a month: +6,789$/,
      /^ {2}Last audit: +2026-03-01 /,
      /^ {2}Findings: +none$/,
      /^ {2}Lock proof: +enforced, 2026-03-01 /,
      /^$/,
      /^Absence: +4 days without the daemon are reckoned with$/,
    ];
    assert.equal(lines.length, patterns.length, lines.join('\n'));
    for (const [index, pattern] of patterns.entries()) assert.match(lines[index] ?? '', pattern);
  });

  it('says what is not well yet, or not any more', async () => {
    const young = {
      ...vault,
      promisedDays: null,
      safeUntil: null,
      shortest: null,
      slackSeconds: null,
      lastRefresh: null,
      isRefreshing: true,
      lockProof: null,
      lastAudit: null,
      clockSkewSeconds: null,
    };
    const first = await shown(young);
    for (const pattern of [
      /Promised: +nothing before the first whole refresh/,
      /Safe until: +nothing is promised yet/,
      /Shortest lock: +-\n/,
      /Last refresh: +none yet/,
      /Next refresh: +under way/,
      /Findings: +-\n/,
      /Lock proof: +none yet/,
      /30 days, lock not proved/,
    ]) {
      assert.match(first, pattern);
    }
    assert.doesNotMatch(first, /Slack|Clock/);
    const broken = {
      ...vault,
      safeUntil: null,
      shortest: { objectKey: 'a/policies/x/packs/y', retainUntil: null },
      slackSeconds: -2_592_000,
    };
    const bare = await shown(broken);
    assert.match(bare, /Safe until: +not safe: .*is not locked/);
    assert.doesNotMatch(bare, /nothing is promised/);
    assert.match(await shown(vault, { ...broken, location: 'nas', locationId: otherId }), /\nSafe until: +not safe/);
    const ill = { ...vault, slackSeconds: -7200, findings: 3, clockSkewSeconds: -90, promisedDays: 14 };
    const second = await shown(ill, { ...vault, location: 'nas', locationId: otherId });
    for (const pattern of [
      /Promised: +14 days until everything is locked for the period/,
      /Slack: +2 h below the promise/,
      /Findings: +3: holdfast immutability audit --location vault/,
      /Clock: +1 min 30 s behind the store's/,
      /\nnas\n/,
      /\n\nSafe until: +2026-03-20 .*\nAbsence:/,
    ]) {
      assert.match(second, pattern);
    }
  });

  it('says so where nothing is immutable', async () => {
    assert.match(await shown(), /^No location is immutable\. .*--protection-period 30\.\n$/);
  });

  it('M2: shows hostile names and keys as text', async () => {
    const name = hostile.slice(0, 256);
    const out = await shown({ ...vault, location: name, findings: 1, shortest: { objectKey: hostile, retainUntil: null } });
    assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/u);
    assert.match(out, /Shortest lock: +not locked/);
  });
});

describe('cli immutability refresh', () => {
  const document: RefreshDocument = {
    extended: 12,
    locations: [{ location: 'vault', locationId: id, extended: 12, missing: [], refused: [], error: null }],
    seconds: 3.25,
  };
  const refreshing = (end: Partial<ActionWithResult>): FakeDaemon => working('immutability.refresh', 'refreshLocks', end);

  it('prints how many locks it extended, of one location or of all', async () => {
    const daemon = refreshing({ state: 'complete', result: { ...document } });
    const { status, json } = await runWith(['immutability', 'refresh', '--location', 'vault', '--json'], { daemon });
    assert.deepEqual([status, json()], [0, document]);
    shapes.refreshDocument.parse(json());
    assert.equal(daemon.of('immutability.refresh')[0]?.params['location'], 'vault');
    const all = refreshing({ state: 'complete', result: { ...document } });
    assert.equal((await runWith(['immutability', 'refresh'], { daemon: all })).out, 'vault: 12 locks extended.\nIn 3.3 s.\n');
    assert.deepEqual(Object.keys(all.of('immutability.refresh')[0]?.params ?? {}), ['requestId']);
    const none = refreshing({ state: 'complete', result: { extended: 0, locations: [], seconds: 0 } });
    assert.match((await runWith(['immutability', 'refresh'], { daemon: none })).out, /^No location is immutable/);
  });

  it('names what is missing and what the store refused, with warnings and beside an error', async () => {
    const missing = Array.from({ length: 25 }, (_, index) => `packs/${index}`);
    const location = { location: 'vault', locationId: id, extended: 0, missing, refused: ['a\u001b[2J'], error: 'Failed to extend.' };
    const result = { extended: 0, locations: [location], seconds: 1 };
    const warned = await runWith(['immutability', 'refresh'], { daemon: refreshing({ state: 'completeWithWarnings', result }) });
    assert.equal(warned.status, 6);
    assert.match(
      warned.out,
      /^vault: no lock was too short\.\n {2}missing {2}packs\/0\n[^]* {2}missing {2}and 5 more;[^]*refused {2}a\\x1b\[2J\n {2}Failed to extend\.\n/,
    );
    const error = { code: 'storeRefused', message: 'Failed to refresh the locks of vault: refused.', fix: 'Permit it.', details: null };
    const failed = await runWith(['immutability', 'refresh'], { daemon: refreshing({ state: 'failed', error, result }) });
    assert.deepEqual([failed.status, failed.out], [1, '']);
    assert.match(failed.err, /refused {2}a\\x1b\[2J\n[^]*Failed to refresh the locks of vault: refused\.\nPermit it\.\n$/);
    const programs = await runWith(['immutability', 'refresh', '--json'], { daemon: refreshing({ state: 'failed', error, result }) });
    assert.deepEqual(programs.json(), { error });
  });

  it('is cancelled by Ctrl-C, and only started with --no-wait', async () => {
    await assertCancels('immutability.refresh', ['immutability', 'refresh']);
    await assertStartsOnly('immutability.refresh', ['immutability', 'refresh', '--location', 'vault']);
  });
});

describe('cli immutability audit', () => {
  const clean: AuditDocument = { findings: [], findingsCount: 0, tamperedSince: null, versions: 1234, seconds: 2 };
  const finding = {
    kind: 'deleteMarker',
    key: `${otherId}/policies/x/packs/y`,
    versionId: 'v2',
    firstSeen: at,
    storeTime: '2026-02-28T12:00:00.000Z',
    detail: 'Hidden by a delete marker.',
    location: 'vault',
  };
  const tampered: AuditDocument = {
    ...clean,
    findings: [finding, { ...finding, kind: 'missing', storeTime: null, versionId: null, location: 'nas' }],
    findingsCount: 2,
    tamperedSince: '2026-02-28T12:00:00.000Z',
  };
  const error = { code: 'tampered', message: 'Failed to audit: something was found.', fix: 'Change the credentials.', details: null };
  const auditing = (end: Partial<ActionWithResult>): FakeDaemon => working('immutability.audit', 'auditLocks', end);
  const args = ['immutability', 'audit'];

  it('is content where the store holds what the ledger says', async () => {
    const daemon = auditing({ state: 'complete', result: { ...clean } });
    const { status, json } = await runWith([...args, '--location', 'vault', '--json'], { daemon });
    assert.deepEqual([status, json()], [0, clean]);
    shapes.auditDocument.parse(json());
    const human = await runWith(args, { daemon: auditing({ state: 'complete', result: { ...clean } }) });
    assert.equal(human.out, 'Nothing was tampered with: the store holds what the ledger says (1,234 versions, 2.0 s).\n');
  });

  it('ends with 5 and the findings, the first time of tampering and a way out', async () => {
    for (const end of [
      { state: 'failed', error, result: { ...tampered } },
      { state: 'completeWithWarnings', result: { ...tampered } },
    ] as const) {
      const { status, json } = await runWith([...args, '--json'], { daemon: auditing(end) });
      assert.deepEqual([status, json()], [5, tampered]);
      shapes.auditDocument.parse(json());
    }
    const { out } = await runWith(args, { daemon: auditing({ state: 'failed', error, result: { ...tampered } }) });
    assert.match(
      out,
      /^2 findings \(1,234 versions, 2\.0 s\)\.\nFirst tampered with: 2026-02-28 .*\(24 h ago\)\.\n\nSINCE +KIND +LOCATION +KEY +WHAT\n2026-02-28 \S+ +deleteMarker +vault +…\/policies\/x\/packs\/y +Hidden by a delete marker\.\n2026-03-01 \S+ +missing +nas [^]*\n\nChange the credentials\.\n$/,
    );
    const own = await runWith(args, { daemon: auditing({ state: 'completeWithWarnings', result: { ...tampered } }) });
    assert.match(own.out, /Restores read by version id/);
  });

  it('shows the first findings of many, and M2: nothing in them that a terminal obeys', async () => {
    const findings = Array.from({ length: 60 }, () => ({ ...finding, kind: hostile, key: hostile, detail: hostile }));
    const result = { ...tampered, findings, findingsCount: 5000 };
    const { out } = await runWith(args, { daemon: auditing({ state: 'failed', error, result }) });
    assert.match(out, /\nand 4,950 more; --json/);
    assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/u);
    assert.ok(out.length < 20_000);
  });

  it('prints the error where it could not look', async () => {
    const away = { code: 'storeUnreachable', message: 'Failed to reach vault.', fix: 'Try again.', details: null };
    const { status, json } = await runWith([...args, '--json'], { daemon: auditing({ state: 'failed', error: away }) });
    assert.deepEqual([status, json()], [1, { error: away }]);
  });

  it('is cancelled by Ctrl-C, and only started with --no-wait', async () => {
    await assertCancels('immutability.audit', args);
    await assertStartsOnly('immutability.audit', [...args, '--location', 'vault']);
  });
});

describe('cli immutability absence', () => {
  it('sets it after a step-up', async () => {
    let tries = 0;
    const daemon = new FakeDaemon({
      'immutability.setAbsence': ({ days }) => {
        tries += 1;
        if (tries === 1) throw new HoldfastError('stepUpNeeded', 'Failed to set it: a passphrase is needed.');
        return { longestAbsenceDays: Number(days) };
      },
      'session.stepUp': () => ({ until: '2026-03-01T12:05:00.000Z' }),
    });
    const { status, out, questions } = await runWith(['immutability', 'absence', '2w'], { daemon, answers: ['p'] });
    assert.deepEqual([status, questions.length], [0, 1]);
    assert.match(out, /^14 days without the daemon are reckoned with from now on\./);
    assert.deepEqual(daemon.of('immutability.setAbsence')[1]?.params, { days: 14 });
    const { json } = await runWith(['immutability', 'absence', '12h', '--json'], { daemon });
    shapes.absenceDocument.parse(json());
    assert.deepEqual(json(), { longestAbsenceDays: 0.5 });
  });

  it('refuses what is no number of days, with 2 and without asking the daemon', async () => {
    for (const days of ['61', '-1', 'x', '', '9'.repeat(10_000)]) {
      const daemon = new FakeDaemon({});
      assert.equal((await runWith(['immutability', 'absence', '--', days], { daemon })).status, 2, days.slice(0, 20));
      assert.deepEqual(daemon.asked, []);
    }
  });
});

describe('cli immutability: names that can not be', () => {
  it('M2: takes locations of 10 kB and empty ones as unknown without asking the daemon', async () => {
    for (const name of ['n'.repeat(10_000), '']) {
      for (const args of [
        ['location', 'prove-lock', name],
        ['immutability', 'status', '--location', name],
        ['immutability', 'refresh', '--location', name],
        ['immutability', 'audit', '--location', name],
      ]) {
        const daemon = new FakeDaemon({});
        const { status, err } = await runWith(args, { daemon });
        assert.equal(status, 2, args.slice(0, 2).join(' '));
        assert.ok(err.length < 500);
        assert.deepEqual(daemon.asked, []);
      }
    }
  });
});
