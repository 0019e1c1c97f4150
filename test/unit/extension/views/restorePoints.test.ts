import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { daysOf, dayRow } from '../../../../extension/views/restorePoints/day.ts';
import { entryRow } from '../../../../extension/views/restorePoints/entry.ts';
import { policyGroupRow } from '../../../../extension/views/restorePoints/policyGroup.ts';
import { restorePointRow } from '../../../../extension/views/restorePoints/restorePoint.ts';
import type { Row } from '../../../../extension/views/row.ts';
import type { RestorePoint } from '../../../../protocol/methods/restorePoints.ts';
import { noon, now, someEntry, someId, somePoint } from '../samples.ts';

const children = async (): Promise<readonly Row[]> => [];
const placing = { isBelowDay: false, children };

describe('the row of a restore point', () => {
  const table: readonly (readonly [string, Partial<RestorePoint>, string, string])[] = [
    ['that is plain', {}, '2.00 KiB added', 'history'],
    ['that is pinned', { pinned: true }, '2.00 KiB added · pinned', 'pinned'],
    ['that is damaged, whatever else it is', { state: 'damaged', pinned: true }, '2.00 KiB added · damaged · pinned', 'error'],
    ['that is unusual', { anomaly: 'half of it changed' }, '2.00 KiB added · unusual', 'warning'],
    ['that is locked', { protectedUntil: new Date(2026, 11, 20, 12).toISOString() }, '2.00 KiB added · locked until Dec 20', 'history'],
    ['with a description', { description: 'before the\nupgrade' }, String.raw`2.00 KiB added · before the\nupgrade`, 'history'],
  ];
  for (const [what, changes, description, icon] of table) {
    it(`says of one ${what}: ${description}`, () => {
      const { facts } = restorePointRow(somePoint(changes), placing);
      assert.equal(facts.label, '2026-11-21 12:00');
      assert.equal(facts.description, description);
      assert.equal(facts.icon?.name, icon);
      assert.equal(facts.accessibleLabel, `Restore point of home, 2026-11-21 12:00, ${description}`);
    });
  }

  it('shows the hour alone below its day', () => {
    assert.equal(restorePointRow(somePoint(), { ...placing, isBelowDay: true }).facts.label, '12:00');
  });
});

describe('the days of restore points', () => {
  it('keep the order of the list, and every restore point once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10 })), (hoursBack) => {
        const points = hoursBack.map((hours, index) =>
          somePoint({ sequence: index, startedAt: new Date(now.getTime() - hours * 3 * 3_600_000).toISOString() }),
        );
        const days = daysOf(points);
        const names = days.map(({ day }) => day);
        assert.equal(new Set(names).size, names.length);
        const within = days.map((day) => day.points.map(({ sequence }) => sequence));
        for (const sequences of within)
          assert.deepEqual(
            sequences,
            sequences.toSorted((left, right) => left - right),
          );
        assert.deepEqual(
          within.flat().toSorted((left, right) => left - right),
          points.map(({ sequence }) => sequence),
        );
      }),
    );
  });

  it('say how many there are, what they added, and what is damaged among them', () => {
    const [day] = daysOf([somePoint(), somePoint({ state: 'damaged' })]);
    assert.ok(day !== undefined);
    const { facts } = dayRow('p', day, children);
    assert.equal(facts.label, '2026-11-21');
    assert.equal(facts.description, '2 restore points · 4.00 KiB added · 1 damaged');
  });
});

describe('the row of an entry', () => {
  it('is called by the end of its path, and opens where it has content', () => {
    const { facts } = entryRow(someId, someEntry(), children);
    assert.equal(facts.label, 'trip.md');
    assert.equal(facts.description, '7 B');
    assert.deepEqual(facts.resource, { restorePointId: someId, path: 'plans/trip.md', isFolder: false, opens: true });
    assert.equal(facts.children, undefined);
    assert.equal(entryRow(someId, someEntry({ kind: 'fifo', size: null }), children).facts.resource?.opens, false);
    assert.equal(entryRow(someId, someEntry({ kind: 'dir', size: null }), children).facts.resource?.isFolder, true);
  });

  it('M7: shows marks that turn the writing, controls and line ends spelled out', () => {
    const name = 'in\u202evoice\u0007\n.txt';
    const { facts } = entryRow(someId, someEntry({ path: `a/${name}` }), children);
    assert.equal(facts.label, String.raw`in\u202evoice\x07\n.txt`);
    const shown = [facts.label, facts.description, facts.accessibleLabel, ...(facts.tooltip ?? []).flat()].join(' ');
    assert.equal(shown.includes('\u202e') || shown.includes('\u0007') || shown.includes('\n'), false);
    assert.equal(facts.resource?.path, `a/${name}`, 'what is opened is the real name');
  });

  it('tells two names apart that look alike because they are not UTF-8', () => {
    const one = entryRow(someId, someEntry({ path: 'a/\ufffd', pathBytes: 'YS//' }), children);
    const two = entryRow(someId, someEntry({ path: 'a/\ufffd', pathBytes: 'YS/+' }), children);
    assert.notEqual(one.facts.id, two.facts.id);
  });

  it('M7: bounds the label of a huge name', () => {
    const { facts } = entryRow(someId, someEntry({ path: 'n'.repeat(4000) }), children);
    assert.ok(facts.label.length < 400);
  });
});

describe('the row of a policy that has restore points', () => {
  it('says how many and when the newest was, and that the policy was deleted', () => {
    const group = { policyId: someId, policy: 'home', deleted: false, restorePoints: 1, newestAt: noon };
    const placed = { now, isOnly: true, children };
    assert.equal(policyGroupRow(group, placed).facts.description, '1 restore point · newest 12:00');
    const deleted = policyGroupRow({ ...group, deleted: true, restorePoints: 12_345 }, placed).facts;
    assert.equal(deleted.description, '12,345 restore points · newest 12:00 · policy was deleted');
    assert.deepEqual(deleted.context, ['policyGroup', 'deleted']);
  });
});
