import assert from 'node:assert/strict';
import { AlertBook } from '../../../../daemon/alerts/alertBook.ts';
import type { Catalog } from '../../../../daemon/catalog/catalog.ts';
import type { LocationRecord } from '../../../../daemon/catalog/locationStore.ts';
import type { PolicyRecord } from '../../../../daemon/catalog/policyStore.ts';
import { RowAlerts } from '../../../../daemon/policies/alerting/rowAlerts.ts';
import { CatalogFolder, someLocation, somePoint, somePolicy, timeAt } from '../../../support/catalog.ts';
import { newId } from '../../../support/ids.ts';

const hour = 3_600_000;

describe('alerts that stand in rows of the catalog', () => {
  let folder: CatalogFolder;
  let catalog: Catalog;
  let alerts: AlertBook;
  let rows: RowAlerts;
  let location: LocationRecord;
  let policy: PolicyRecord;
  let now: number;

  beforeEach(() => {
    folder = new CatalogFolder();
    catalog = folder.open();
    location = someLocation();
    policy = somePolicy(location.locationId, { name: 'work' });
    catalog.locations.add(location);
    catalog.policies.add(policy);
    now = Date.parse(timeAt(0)) + 24 * hour;
    const wallClock = (): Date => new Date(now);
    alerts = new AlertBook({ store: catalog.alerts, wallClock, now: () => 0, onChanged: () => undefined });
    rows = new RowAlerts({ alerts, catalog, wallClock });
  });
  afterEach(() => folder[Symbol.dispose]());

  const kinds = (): readonly string[] => alerts.list({ all: false }).items.map(({ kind }) => kind);

  it('raises one for a restore point that is damaged, until it is healed or retired', () => {
    const point = somePoint(policy.policyId, 1, { state: 'damaged' });
    catalog.restorePoints.add(point);
    rows.restorePointChanged(point.id);
    const [alert] = alerts.list({ all: false }).items;
    assert.equal(alert?.message, `The restore point ${point.id.slice(0, 8)} of work, made at 2026-01-01 00:01 UTC, is damaged.`);
    assert.deepEqual([alert.kind, alert.restorePointId, alert.policyId], ['damagedData', point.id, policy.policyId]);
    for (const state of ['live', 'retired'] as const) {
      catalog.restorePoints.setState(point.id, state);
      rows.restorePointChanged(point.id);
      assert.deepEqual(kinds(), []);
      catalog.restorePoints.setState(point.id, 'damaged');
      rows.restorePointChanged(point.id);
      assert.deepEqual(kinds(), ['damagedData']);
    }
  });

  it('F1: raises one where the clock is behind the newest restore point, until one is made by a clock that is right', () => {
    catalog.restorePoints.add(somePoint(policy.policyId, 1, { finishedAt: new Date(now + hour).toISOString() }));
    rows.clock();
    rows.clock();
    assert.deepEqual(kinds(), ['clockSkew']);
    now += hour;
    rows.clock();
    assert.deepEqual(kinds(), []);
    now -= hour;
    rows.clock();
    assert.deepEqual(kinds(), ['clockSkew']);
    catalog.restorePoints.add(somePoint(policy.policyId, 2, { finishedAt: new Date(now).toISOString() }));
    rows.clock();
    assert.deepEqual(kinds(), []);
  });

  it('resolves what is about a policy or location that is no more', () => {
    const base = { severity: 'error', message: 'It failed.', fix: 'Mend it.' } as const;
    const { policyId } = policy;
    const { locationId } = location;
    alerts.raise({ ...base, kind: 'backupFailed', subjectId: policyId, subject: 'work', policyId, locationId });
    alerts.raise({ ...base, kind: 'locationUnreachable', subjectId: locationId, subject: 'disk', locationId });
    rows.policyChanged(policyId);
    rows.locationChanged(locationId);
    assert.equal(kinds().length, 2);
    catalog.policies.delete(policyId, timeAt(1));
    rows.policyChanged(policyId);
    assert.deepEqual(kinds(), ['locationUnreachable']);
    catalog.forgetLocation(locationId);
    rows.locationChanged(locationId);
    assert.deepEqual(kinds(), []);
  });

  it('X2: brings all in line at the start, wherever the daemon before died between a row and its alert', () => {
    const damaged = somePoint(policy.policyId, 1, { state: 'damaged' });
    const healed = somePoint(policy.policyId, 2, { state: 'damaged' });
    catalog.restorePoints.add(damaged);
    catalog.restorePoints.add(healed);
    rows.restorePointChanged(healed.id);
    catalog.restorePoints.setState(healed.id, 'live');
    const gone = newId<typeof location.locationId>();
    alerts.raise({
      kind: 'locationUnreachable',
      subjectId: gone,
      subject: 'old',
      severity: 'warning',
      message: 'It is away.',
      fix: 'Connect it.',
      locationId: gone,
    });
    alerts.raise({
      kind: 'backupFailed',
      subjectId: policy.policyId,
      subject: 'work',
      severity: 'error',
      message: 'It failed.',
      fix: 'Look.',
    });
    catalog.policies.delete(policy.policyId, timeAt(1));
    for (let start = 0; start < 2; start += 1) {
      rows.all();
      assert.deepEqual(
        alerts.list({ all: false }).items.map(({ kind, subject }) => `${kind} ${subject}`),
        [`damagedData ${damaged.id.slice(0, 8)}`],
      );
    }
  });
});
