import assert from 'node:assert/strict';
import { AlertBook } from '../../../../daemon/alerts/alertBook.ts';
import type { Catalog } from '../../../../daemon/catalog/catalog.ts';
import { GarbageAlerts } from '../../../../daemon/policies/alerting/garbageAlerts.ts';
import { RowAlerts } from '../../../../daemon/policies/alerting/rowAlerts.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { CatalogFolder, someLocation, somePolicy, timeAt } from '../../../support/catalog.ts';

describe('alerts about garbage', () => {
  let folder: CatalogFolder;
  let catalog: Catalog;
  let alerts: AlertBook;
  let garbage: GarbageAlerts;

  beforeEach(() => {
    folder = new CatalogFolder();
    catalog = folder.open();
    alerts = new AlertBook({
      store: catalog.alerts,
      wallClock: () => new Date(timeAt(0)),
      now: () => 0,
      onChanged: () => undefined,
    });
    garbage = new GarbageAlerts(alerts);
  });
  afterEach(() => folder[Symbol.dispose]());

  const error = new HoldfastError('damaged', 'Failed to collect the garbage of policy work: a folder is damaged.', { fix: 'Verify it.' });
  const locations = (): readonly (string | null)[] => alerts.list({ all: false }).items.map(({ locationId }) => locationId);

  it('are one for each location of a policy: where it is well, the other one stays', () => {
    const [one, other] = [someLocation(), someLocation()];
    const { policyId } = somePolicy(one.locationId);
    for (let again = 0; again < 2; again += 1) {
      garbage.failed({ locationId: one.locationId, policyId, policy: 'work', error });
      garbage.collected({ locationId: other.locationId, policyId });
    }
    assert.deepEqual(locations(), [one.locationId]);
    assert.equal(alerts.list({ all: true }).items.length, 1, 'it was never resolved in between');
    garbage.failed({ locationId: other.locationId, policyId, policy: 'work', error });
    assert.deepEqual(new Set(locations()), new Set([one.locationId, other.locationId]));
    garbage.collected({ locationId: one.locationId, policyId });
    assert.deepEqual(locations(), [other.locationId]);
  });

  it('go with their policy, at every location', () => {
    const [one, other] = [someLocation(), someLocation({ name: 'other' })];
    const [gone, kept] = [somePolicy(one.locationId, { name: 'gone' }), somePolicy(one.locationId, { name: 'kept' })];
    for (const location of [one, other]) catalog.locations.add(location);
    for (const policy of [gone, kept]) catalog.policies.add(policy);
    for (const { policyId, name: policy } of [gone, kept])
      for (const { locationId } of [one, other]) garbage.failed({ locationId, policyId, policy, error });
    catalog.policies.delete(gone.policyId, timeAt(1));
    new RowAlerts({ alerts, catalog, wallClock: () => new Date(timeAt(1)) }).policyChanged(gone.policyId);
    assert.deepEqual(
      alerts.list({ all: false }).items.map(({ subject }) => subject),
      ['kept', 'kept'],
    );
  });
});
