import assert from 'node:assert/strict';
import { RestorePointRows } from '../../../../extension/views/restorePoints/restorePointRows.ts';
import type { Row } from '../../../../extension/views/row.ts';
import { RowTree } from '../../../../extension/views/rowTree.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { Entry, RestorePoint } from '../../../../protocol/methods/restorePoints.ts';
import { FakeCaller } from '../fakeCaller.ts';
import { now, otherId, someEntry, someId, somePoint } from '../samples.ts';

const page = 1000;

function idOf(index: number): string {
  return `0a0a0a0a-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

function pageFrom<Item>(
  items: readonly Item[],
  after: string | undefined,
): { readonly items: readonly Item[]; readonly next: string | null } {
  const from = Number(after ?? 0);
  const end = Math.min(from + page, items.length);
  return { items: items.slice(from, end), next: end < items.length ? String(end) : null };
}

interface Store {
  points: readonly RestorePoint[];
  entries: readonly Entry[];
}

function bench(store: Store): { readonly rows: RestorePointRows; readonly tree: RowTree; readonly caller: FakeCaller } {
  const caller = new FakeCaller({
    'restorePoint.policies': () => ({
      items:
        store.points.length === 0
          ? []
          : [
              {
                policyId: otherId,
                policy: 'home',
                deleted: false,
                restorePoints: store.points.length,
                newestAt: store.points[0]?.startedAt,
              },
            ],
      next: null,
    }),
    'restorePoint.list': ({ after }) => pageFrom(store.points, typeof after === 'string' ? after : undefined),
    'restorePoint.show': ({ restorePoint }) => store.points.find(({ id }) => id === restorePoint) ?? unknownName(),
    'restorePoint.files': ({ after }) => pageFrom(store.entries, typeof after === 'string' ? after : undefined),
  });
  const rows = new RestorePointRows(
    caller,
    () => true,
    () => now,
  );
  return { rows, tree: new RowTree(rows), caller };
}

function unknownName(): never {
  throw new HoldfastError('unknownName', 'Failed to find it: there is none.');
}

function points(count: number): readonly RestorePoint[] {
  return Array.from({ length: count }, (_, index) =>
    somePoint({ id: idOf(index), sequence: count - index, startedAt: new Date(now.getTime() - index * 3_600_000).toISOString() }),
  );
}

async function below(tree: RowTree, ...labels: readonly string[]): Promise<Row[]> {
  let rows = await tree.getChildren();
  for (const label of labels) {
    const row =
      rows.find(({ facts }) => facts.label === label) ??
      assert.fail(`${label} is not below ${rows.map(({ facts }) => facts.label).join()}`);
    rows = await tree.getChildren(row);
  }
  return rows;
}

describe('the tree of restore points', () => {
  it('lists restore points without days up to twenty, and by days above', async () => {
    const few = await below(bench({ points: points(20), entries: [] }).tree, 'home');
    assert.equal(few.length, 20);
    const many = await below(bench({ points: points(21), entries: [] }).tree, 'home');
    assert.deepEqual(
      many.map(({ facts }) => facts.context[0]),
      ['day', 'day'],
    );
  });

  it('V5: of 10,000 restore points fetches one page, and another where somebody wants it', async () => {
    const { tree, caller } = bench({ points: points(10_000), entries: [] });
    const rows = await below(tree, 'home');
    assert.equal(caller.called('restorePoint.list'), 1);
    const more = rows.at(-1);
    assert.equal(more?.facts.description, '1,000 are shown');
    await more?.facts.more?.();
    const again = await below(tree, 'home');
    assert.equal(caller.called('restorePoint.list'), 2 + 2, 'the list of before is looked at anew with its new page');
    assert.equal(again.at(-1)?.facts.description, '2,000 are shown');
  });

  it('V5: of a folder of 100,000 entries fetches one page, keeps it, and adds the next', async () => {
    const entries = Array.from({ length: 100_000 }, (_, index) => someEntry({ path: `f${String(index).padStart(6, '0')}` }));
    const { tree, caller } = bench({ points: points(1), entries });
    const label = (await below(tree, 'home'))[0]?.facts.label ?? '';
    const rows = await below(tree, 'home', label);
    assert.equal(rows.length, page + 1);
    assert.equal(caller.called('restorePoint.files'), 1);
    await rows.at(-1)?.facts.more?.();
    const again = await below(tree, 'home', label);
    assert.equal(again.length, 2 * page + 1);
    assert.equal(caller.called('restorePoint.files'), 2, 'what was fetched is not fetched again');
    assert.equal(again[5], rows[5], 'rows stay the rows that they were');
  });

  it('changes one row where one restore point changed, and looks at all where one is new or gone', async () => {
    const store: Store = { points: points(3), entries: [] };
    const { rows, tree } = bench(store);
    await below(tree, 'home');
    const isShown = (id: string): boolean => tree.row(id) !== undefined;
    store.points = store.points.map((point, index) => (index === 1 ? { ...point, pinned: true } : point));
    const change = await rows.changeOf({ name: 'catalog.changed', subject: `restorePoints/${idOf(1)}` }, isShown);
    assert.ok(typeof change === 'object');
    assert.equal(change.id, idOf(1));
    assert.deepEqual(change.context, ['restorePoint', 'live', 'pinned']);
    assert.equal(await rows.changeOf({ name: 'catalog.changed', subject: `restorePoints/${idOf(77)}` }, isShown), 'everything');
    store.points = store.points.slice(1);
    assert.equal(await rows.changeOf({ name: 'catalog.changed', subject: `restorePoints/${idOf(0)}` }, isShown), 'everything');
    assert.equal(await rows.changeOf({ name: 'catalog.changed', subject: 'passkeys/x' }, isShown), 'nothing');
  });

  it('shows a list that can not be had as one row with its way out, and nothing of a daemon that is locked', async () => {
    const { tree, caller } = bench({ points: points(1), entries: [] });
    caller.answers['restorePoint.policies'] = () => {
      throw new HoldfastError('catalogDamaged', 'Failed to read the catalog: it is damaged.', { fix: 'Import it.' });
    };
    const [failure, ...others] = await tree.getChildren();
    assert.deepEqual(others, []);
    assert.equal(failure?.facts.label, 'Failed to read the catalog: it is damaged.');
    assert.equal(failure.facts.description, 'Import it.');
    caller.answers['restorePoint.policies'] = () => {
      throw new HoldfastError('locked', 'Failed: locked.');
    };
    assert.deepEqual(await tree.getChildren(), []);
    assert.equal(tree.row(someId), undefined);
  });
});
