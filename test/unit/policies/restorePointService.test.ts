import assert from 'node:assert/strict';
import type { RestorePointRecord } from '../../../daemon/catalog/restorePointStore.ts';
import { RestorePointService } from '../../../daemon/policies/restorePointService.ts';
import type { RestorePointId } from '../../../protocol/ids.ts';
import { CatalogFolder, someLocation, somePoint, somePolicy, timeAt } from '../../support/catalog.ts';
import { branded } from '../../support/ids.ts';

interface Bench extends Disposable {
  readonly points: RestorePointService;
  readonly changed: string[];
  readonly add: (policy: string, sequence: number, changes?: Partial<RestorePointRecord>) => RestorePointRecord;
  readonly deletePolicy: (name: string) => void;
}

function bench(): Bench {
  const folder = new CatalogFolder();
  const catalog = folder.open();
  const location = someLocation();
  catalog.locations.add(location);
  const policies = new Map(['home', 'work'].map((name) => [name, somePolicy(location.locationId, { name })]));
  for (const policy of policies.values()) catalog.policies.add(policy);
  const changed: string[] = [];
  const idOf = (name: string): RestorePointRecord['policyId'] => policies.get(name)?.policyId ?? assert.fail(name);
  return {
    points: new RestorePointService({ catalog, onChanged: (id) => void changed.push(id) }),
    changed,
    add: (policy, sequence, changes = {}) => {
      const point = somePoint(idOf(policy), sequence, changes);
      catalog.restorePoints.add(point);
      return point;
    },
    deletePolicy: (name) => catalog.policies.delete(idOf(name), timeAt(0)),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const id = (hex: string): RestorePointId => branded<RestorePointId>(`${hex}-0000-4000-8000-000000000000`);

describe('restore point service', () => {
  it('finds "latest", a policy’s newest, an id, and what an id begins with', () => {
    using given = bench();
    const home = given.add('home', 1, { id: id('aaaa0001') });
    const work = given.add('work', 5, { id: id('aaaa0002') });
    const { points } = given;
    assert.equal(points.resolve('latest').id, work.id);
    assert.equal(points.resolve('home').id, home.id);
    assert.equal(points.resolve(home.id).id, home.id);
    assert.equal(points.resolve('AAAA0001').id, home.id);
    assert.throws(() => points.resolve('aaaa'), { code: 'ambiguousName' });
    assert.throws(() => points.resolve('aaa'), { code: 'unknownName' }, 'three digits are too few to mean an id');
    assert.throws(() => points.resolve("' OR 1=1 --"), { code: 'unknownName' });
    assert.throws(() => points.resolve('%'), { code: 'unknownName' });
  });

  it('says "none" of an empty installation, and never takes a retired one for the latest', () => {
    using given = bench();
    assert.throws(() => given.points.resolve('latest'), { code: 'unknownName' });
    const only = given.add('home', 1);
    given.points.retire(only.id, true);
    assert.throws(() => given.points.resolve('latest'), { code: 'unknownName' });
    assert.throws(() => given.points.resolve('home'), { code: 'unknownName' });
    assert.equal(given.points.resolve(only.id).state, 'retired', 'by its id it is found for good');
  });

  it('F1: POLICY@TIME is the newest that was finished then or before, whole or in parts of a second, in any offset', () => {
    using given = bench();
    const [first, second] = [1, 2].map((sequence) => given.add('home', sequence));
    const at = (time: string): string => given.points.resolve(`home@${time}`).id;
    assert.equal(at('2026-01-01T00:01:30Z'), first?.id);
    assert.equal(at('2026-01-01T00:02:29.999Z'), first?.id);
    assert.equal(at('2026-01-01T00:02:30Z'), second?.id);
    assert.equal(at('2026-01-01T01:02:30+01:00'), second?.id);
    assert.equal(at('2026-01-01T00:02:30'), second?.id, 'no offset means UTC');
    assert.equal(at('2026-01-02'), second?.id);
    assert.throws(() => at('2026-01-01T00:01:29.999Z'), { code: 'unknownName' });
    assert.throws(() => given.points.resolve('nobody@2026-01-02'), { code: 'unknownName' });
  });

  it('F1: a time that does not exist is a wrong value, leap days do exist', () => {
    using given = bench();
    const point = given.add('home', 1, { finishedAt: '2024-02-29T12:00:00.000Z' });
    for (const time of ['2026-02-30', '2026-02-29T00:00:00Z', '2026-13-01', '2026-01-01T25:00:00Z', '2026-01-01T00:61Z']) {
      assert.throws(() => given.points.resolve(`home@${time}`), { code: 'badValue' }, time);
    }
    assert.equal(given.points.resolve('home@2024-02-29T12:00:00Z').id, point.id);
  });

  it('F1: runs of one time, and clocks that were set back or forward, leave the order of the runs', () => {
    using given = bench();
    const noon = '2026-03-01T12:00:00.000Z';
    const times = [noon, noon, '2036-01-01T00:00:00.000Z', '2026-03-01T11:00:00.000Z', '2026-03-01T13:00:00.000Z'];
    const made = times.map((time, index) => given.add('home', index + 1, { startedAt: time, finishedAt: time }));
    assert.equal(given.points.resolve('home').id, made[4]?.id, 'the newest is the last that was run');
    assert.deepEqual(
      given.points.list({ policy: 'home', includeRetired: false }).items.map(({ sequence }) => sequence),
      [5, 4, 3, 2, 1],
    );
    assert.equal(given.points.resolve(`home@${noon}`).sequence, 4, 'set back: finished before noon, and later than the two at noon');
    assert.equal(given.points.resolve('home@2026-03-01T14:00:00Z').sequence, 5);
    assert.equal(given.points.resolve('home@2026-03-01T11:30:00Z').sequence, 4);
  });

  it('retires only when asked twice, also the newest and the only one, and says what it is about', () => {
    using given = bench();
    const [first, second] = [1, 2].map((sequence) => given.add('home', sequence));
    assert.throws(() => given.points.retire('home', false), {
      code: 'confirmationNeeded',
      message: /^Retire restore point [0-9a-f]{8} of home, made at \d{4}-\d\d-\d\d \d\d:\d\d UTC\? /u,
    });
    assert.deepEqual(given.changed, []);
    assert.equal(given.points.retire('home', true).id, second?.id);
    assert.equal(given.points.resolve('home').id, first?.id);
    assert.equal(given.points.retire('home', true).id, first?.id);
    assert.deepEqual(given.changed, [second?.id, first?.id]);
    assert.deepEqual(given.points.list({ includeRetired: false }).items, []);
    assert.equal(given.points.list({ includeRetired: true }).items.length, 2);
    assert.throws(() => given.points.retire(second?.id ?? '', true), { code: 'refusedByRule' }, 'it is retired already');
  });

  it('F3: a pin is refused to a restore point that is retired: it would keep nothing of it', () => {
    using given = bench();
    const point = given.add('home', 1);
    given.points.retire(point.id, true);
    assert.throws(() => given.points.setPinned(point.id, true), { code: 'refusedByRule' });
    assert.equal(given.points.resolve(point.id).pinned, false);
    assert.equal(given.points.setPinned(point.id, false).state, 'retired');
  });

  it('a pin refuses to be retired before anybody is asked, until it is taken away', () => {
    using given = bench();
    const point = given.add('home', 1);
    assert.equal(given.points.setPinned('home', true).pinned, true);
    for (const confirmed of [false, true]) assert.throws(() => given.points.retire(point.id, confirmed), { code: 'refusedByRule' });
    assert.equal(given.points.setPinned(point.id, false).pinned, false);
    assert.equal(given.points.retire(point.id, true).state, 'retired');
  });

  it('a damaged one is listed, found as the newest, and can be retired', () => {
    using given = bench();
    const point = given.add('home', 1, { state: 'damaged' });
    assert.equal(given.points.resolve('home').id, point.id);
    assert.equal(given.points.retire('home', true).state, 'retired');
  });

  it('M7: restore points of a deleted policy are found by its name until another takes it', () => {
    using given = bench();
    const point = given.add('home', 1);
    given.deletePolicy('home');
    assert.equal(given.points.resolve('home').id, point.id);
    assert.equal(given.points.resolve('home@2026-01-02').id, point.id);
    assert.equal(given.points.list({ policy: 'home', includeRetired: false }).items[0]?.policy, 'home');
  });

  it('names who has restore points: kept policies by name, deleted ones last, and nobody whose restore points are all retired', () => {
    using given = bench();
    const { points, add, deletePolicy } = given;
    assert.deepEqual(points.policies({}).items, []);
    add('home', 1);
    const newest = add('home', 2);
    const work = add('work', 1);
    deletePolicy('home');
    assert.deepEqual(
      points.policies({}).items.map(({ policy, deleted, restorePoints, newestAt }) => [policy, deleted, restorePoints, newestAt]),
      [
        ['work', false, 1, work.startedAt],
        ['home', true, 2, newest.startedAt],
      ],
    );
    points.retire(work.id, true);
    assert.deepEqual(
      points.policies({}).items.map(({ policy }) => policy),
      ['home'],
    );
  });
});
