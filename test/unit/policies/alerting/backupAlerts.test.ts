import assert from 'node:assert/strict';
import { AlertBook } from '../../../../daemon/alerts/alertBook.ts';
import type { Catalog } from '../../../../daemon/catalog/catalog.ts';
import type { PolicyRecord } from '../../../../daemon/catalog/policyStore.ts';
import { BackupAlerts } from '../../../../daemon/policies/alerting/backupAlerts.ts';
import type { Overdue } from '../../../../daemon/policies/schedules/scheduler.ts';
import { type ErrorCode, exitStatusOf, isErrorCode } from '../../../../protocol/errors.ts';
import type { ActionWithResult } from '../../../../protocol/methods/actions.ts';
import type { BackupDocument, CommandReport, ProcessReport } from '../../../../protocol/methods/backups.ts';
import { CatalogFolder, someAction, someLocation, somePolicy } from '../../../support/catalog.ts';
import { newId } from '../../../support/ids.ts';

const secret = '/home/user/secret plans';

const processReport: ProcessReport = {
  exitStatus: 1,
  signal: null,
  seconds: 1,
  standardError: secret,
  problem: `it exited with 1 at ${secret}`,
};

function documentOf(policy: PolicyRecord, changes: Partial<BackupDocument>): Readonly<Record<string, unknown>> {
  const document: BackupDocument = {
    actionId: newId(),
    policy: policy.name,
    policyId: policy.policyId,
    restorePointId: newId(),
    outcome: 'completeWithWarnings',
    files: 1,
    bytes: 1,
    addedBytes: 1,
    skipped: [],
    skippedCount: 0,
    warnings: [],
    warningsCount: 0,
    commands: [],
    hooks: { before: null, after: null },
    seconds: 1,
    ...changes,
  };
  return { ...document };
}

function overdueOf({ policyId, name }: PolicyRecord, lastMadeAt: string | null): Overdue {
  return { policyId, name, lastMadeAt, since: '2026-02-01T00:00:00.000Z' };
}

describe('alerts about runs', () => {
  let folder: CatalogFolder;
  let catalog: Catalog;
  let alerts: AlertBook;
  let watch: BackupAlerts;
  let policy: PolicyRecord;
  let other: PolicyRecord;

  beforeEach(() => {
    folder = new CatalogFolder();
    catalog = folder.open();
    const location = someLocation({ name: 'disk' });
    catalog.locations.add(location);
    policy = somePolicy(location.locationId, { name: 'work' });
    other = somePolicy(location.locationId, { name: 'home' });
    catalog.policies.add(policy);
    catalog.policies.add(other);
    alerts = new AlertBook({
      store: catalog.alerts,
      wallClock: () => new Date('2026-03-01T12:00:00Z'),
      now: () => 0,
      onChanged: () => undefined,
    });
    watch = new BackupAlerts({ alerts, catalog });
  });
  afterEach(() => folder[Symbol.dispose]());

  const end = (of: PolicyRecord, changes: Partial<ActionWithResult>, isDryRun = false): void =>
    watch.ended({ policy: of, action: someAction({ finishedAt: '2026-03-01T12:00:00.000Z', ...changes }), isDryRun });
  const fail = (of: PolicyRecord, code: ErrorCode, isDryRun = false): void =>
    end(of, { state: 'failed', error: { code, message: `Failed to read ${secret}.`, fix: secret, details: null } }, isDryRun);
  const raised = (): readonly string[] =>
    alerts
      .list({ all: false })
      .items.map(({ kind, subject, severity }) => `${kind} ${subject} ${severity}`)
      .toSorted((a, b) => a.localeCompare(b));

  it('raises one for a policy whose run failed, which its next run that works resolves', () => {
    fail(policy, 'sourceMissing');
    fail(policy, 'sourceMissing');
    fail(other, 'storeReadOnly');
    assert.deepEqual(raised(), ['backupFailed home error', 'backupFailed work error']);
    end(policy, { state: 'complete' });
    assert.deepEqual(raised(), ['backupFailed home error']);
    end(other, { state: 'completeWithWarnings' });
    assert.deepEqual(raised(), []);
  });

  it('raises one for a run that made a restore point without one of its folders, until it is back', () => {
    const details = { warnings: [], missingFolders: [secret] };
    end(policy, { state: 'completeWithWarnings', error: { code: 'completedWithWarnings', message: 'x', fix: null, details } });
    assert.deepEqual(raised(), ['sourceMissing work error']);
    const [alert] = alerts.list({ all: false }).items;
    assert.match(alert?.message ?? '', /did not find 1 source; the newest restore point is without, and retention waits\.$/);
    assert.equal(alert?.message.includes(secret), false, 'paths are sealed');
    assert.equal(alert?.detail, secret);
    end(policy, {
      state: 'completeWithWarnings',
      error: { code: 'completedWithWarnings', message: 'x', fix: null, details: { warnings: ['y'] } },
    });
    assert.deepEqual(raised(), []);
  });

  it('raises one for a location that is away or full, however many policies store there', () => {
    fail(policy, 'storeUnreachable');
    fail(other, 'storeUnreachable');
    fail(policy, 'storeFull');
    assert.deepEqual(raised(), ['locationFull disk error', 'locationUnreachable disk warning']);
    end(other, { state: 'complete' });
    assert.deepEqual(raised(), []);
  });

  it('says nothing of runs that were cancelled, cut short by a lock, only tried, or of a policy that was deleted meanwhile', () => {
    end(policy, { state: 'cancelled', error: { code: 'cancelled', message: 'x', fix: null, details: null } });
    fail(policy, 'locked');
    fail(policy, 'sourceMissing', true);
    catalog.policies.delete(other.policyId, '2026-03-01T12:00:00.000Z');
    fail(other, 'sourceMissing');
    assert.deepEqual(raised(), []);
  });

  it('keeps a dry run that worked from resolving a failure, but not from showing that the location is there', () => {
    fail(policy, 'sourceMissing');
    fail(policy, 'storeUnreachable');
    fail(policy, 'storeFull');
    end(policy, { state: 'complete' }, true);
    assert.deepEqual(raised(), ['backupFailed work error', 'locationFull disk error']);
  });

  it('raises one for commands before and after a run and for those that are sources, by what each means', () => {
    fail(policy, 'hookFailed');
    assert.deepEqual(raised(), ['hookFailed work error']);
    end(policy, { state: 'completeWithWarnings', result: documentOf(policy, { hooks: { before: null, after: processReport } }) });
    assert.deepEqual(raised(), ['hookFailed work warning']);
    const command: CommandReport = { ...processReport, name: 'shop.sql', bytes: 0, kept: false };
    end(policy, {
      state: 'completeWithWarnings',
      result: documentOf(policy, { commands: [command, { ...command, problem: null, kept: true }] }),
    });
    assert.deepEqual(raised(), ['commandFailed work error']);
    const [alert] = alerts.list({ all: false }).items;
    assert.equal(alert?.message, 'A command of work failed, and the newest restore point is without that output.');
    assert.match(alert.detail ?? '', /^shop\.sql: it exited with 1/);
    end(policy, { state: 'complete', result: documentOf(policy, { outcome: 'complete' }) });
    assert.deepEqual(raised(), []);
  });

  it('K6: lets nothing that an error says into what can be read while locked, whatever its code', () => {
    for (const code of Object.keys(exitStatusOf)) {
      assert.ok(isErrorCode(code));
      fail(policy, code);
    }
    end(policy, {
      state: 'completeWithWarnings',
      result: documentOf(policy, {
        hooks: { before: null, after: processReport },
        commands: [{ ...processReport, name: secret, bytes: 0, kept: false }],
      }),
    });
    catalog.useSeal(undefined);
    const { items } = alerts.list({ all: true });
    assert.ok(items.length >= 4);
    for (const alert of items) {
      assert.ok(!JSON.stringify(alert).includes(secret), alert.kind);
      assert.match(alert.message, /^[A-Z][^\n]*\.$/);
      assert.match(alert.fix ?? '', /^[A-Z][^\n]*\.$/);
    }
    catalog.useSeal(folder.seal);
    assert.ok(alerts.list({ all: true }).items.some(({ detail }) => detail?.includes(secret) === true));
  });

  it('keeps exactly those overdue that it is told of', () => {
    watch.overdue([overdueOf(policy, null), overdueOf(other, '2026-02-20T01:02:03.000Z')]);
    assert.deepEqual(raised(), ['policyOverdue home error', 'policyOverdue work error']);
    watch.overdue([overdueOf(other, '2026-02-20T01:02:03.000Z')]);
    assert.deepEqual(raised(), ['policyOverdue home error']);
    assert.equal(alerts.list({ all: false }).items[0]?.message, 'The policy home has made no restore point since 2026-02-20 01:02 UTC.');
    watch.overdue([]);
    assert.deepEqual(raised(), []);
  });
});
