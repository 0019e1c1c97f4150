import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { AlertBook } from '../../../../daemon/alerts/alertBook.ts';
import type { Catalog } from '../../../../daemon/catalog/catalog.ts';
import type { LocationRecord } from '../../../../daemon/catalog/locationStore.ts';
import { LocationWatch } from '../../../../daemon/policies/alerting/locationWatch.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { CatalogFolder, someLocation } from '../../../support/catalog.ts';

const minute = 60_000;

async function away(): Promise<unknown> {
  throw new HoldfastError('storeUnreachable', 'Failed to open disk: it is not there.');
}

describe('looking for a location that is away', () => {
  let folder: CatalogFolder;
  let catalog: Catalog;
  let alerts: AlertBook;
  let watch: LocationWatch;
  let location: LocationRecord;
  let now: number;
  let opened: number[];
  let backs: string[];
  let failures: unknown[];
  let answer: () => Promise<unknown>;

  const raise = (): void =>
    alerts.raise({
      kind: 'locationUnreachable',
      subjectId: location.locationId,
      subject: 'disk',
      severity: 'warning',
      message: 'It is away.',
      fix: 'Connect it.',
      locationId: location.locationId,
    });

  beforeEach(() => {
    folder = new CatalogFolder();
    catalog = folder.open();
    location = someLocation();
    catalog.locations.add(location);
    now = 0;
    opened = [];
    backs = [];
    failures = [];
    answer = away;
    alerts = new AlertBook({ store: catalog.alerts, wallClock: () => new Date(), now: () => now, onChanged: () => undefined });
    watch = new LocationWatch({
      alerts,
      locations: () => catalog.locations.list(),
      open: () => {
        opened.push(now / minute);
        return answer();
      },
      now: () => now,
      onBack: (id) => void backs.push(id),
      onFailed: ({ error }) => void failures.push(error),
    });
  });
  afterEach(() => folder[Symbol.dispose]());

  const pass = async (minutes: number): Promise<void> => {
    for (let count = 0; count < minutes; count += 1) {
      watch.look();
      await setImmediate();
      now += minute;
    }
  };

  it('touches no location of which nothing was raised', async () => {
    await pass(100);
    assert.deepEqual(opened, []);
  });

  it('looks ever more seldom, at least every quarter of an hour, and resolves the alert when it is back', async () => {
    raise();
    await pass(60);
    assert.deepEqual(opened, [1, 3, 7, 15, 30, 45]);
    assert.deepEqual(backs, []);
    answer = async () => 'a store';
    await pass(2);
    assert.deepEqual([backs, alerts.raised('locationUnreachable')], [[location.locationId], []]);
    await pass(60);
    assert.equal(opened.length, 7);
  });

  it('looks at once where something has happened that may have brought it back, and never twice at a time', async () => {
    raise();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    answer = () => promise;
    watch.look({ isHopeful: true });
    watch.look({ isHopeful: true });
    await pass(20);
    assert.deepEqual(opened, [0]);
    resolve('a store');
    await setImmediate();
    assert.deepEqual(backs, [location.locationId]);
  });

  it('tells of what is no absence, and goes on looking', async () => {
    raise();
    answer = async () => {
      throw new TypeError('something else');
    };
    await pass(5);
    assert.deepEqual(opened, [1, 3]);
    assert.equal(failures.length, 2);
    assert.equal(alerts.raised('locationUnreachable').length, 1);
  });
});
