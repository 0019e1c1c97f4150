import assert from 'node:assert/strict';
import { Pages } from '../../../../extension/views/pages.ts';
import { Row } from '../../../../extension/views/row.ts';
import type { Page } from '../../../../protocol/method.ts';
import { ShownRows } from '../../../../extension/views/shownRows.ts';

function pageFrom<Item>(items: readonly Item[], after: string | undefined, limit: number): Page<Item> {
  const from = Number(after ?? 0);
  const end = Math.min(from + limit, items.length);
  return { items: items.slice(from, end), next: end < items.length ? String(end) : null };
}

function row(id: string, changes: Partial<Row['facts']> = {}): Row {
  return new Row({ id, label: id, accessibleLabel: id, context: ['x'], ...changes });
}

describe('pages of a list', () => {
  it('are fetched once, also where two ask at a time', async () => {
    let fetched = 0;
    const pages = new Pages(async () => {
      fetched += 1;
      return { items: [fetched], next: null };
    });
    assert.deepEqual(await Promise.all([pages.items(), pages.items()]), [[1], [1]]);
    assert.deepEqual(await pages.items(), [1]);
    assert.equal(pages.hasMore, false);
    await pages.more();
    assert.equal(fetched, 1);
  });

  it('that expired are fetched anew, as many as there were', async () => {
    let list = Array.from({ length: 2500 }, (_, index) => String(index));
    const pages = new Pages(async ({ after, limit }) => pageFrom(list, after, Math.min(limit, 300)));
    assert.equal((await pages.items()).length, 1000);
    await pages.more();
    assert.equal((await pages.items()).length, 2000, 'whatever the daemon makes a page of');
    list = ['new', ...list];
    pages.expire();
    assert.deepEqual(await pages.items(), list.slice(0, 2000));
    assert.equal(pages.hasMore, true);
  });

  it('begin with fewer where fewer are seen sooner', async () => {
    const list = Array.from({ length: 2500 }, (_, index) => String(index));
    const pages = new Pages(async ({ after, limit }) => pageFrom(list, after, limit), 200);
    assert.equal((await pages.items()).length, 200);
    await pages.more();
    assert.equal((await pages.items()).length, 1200);
  });

  it('that expire while they are fetched are fetched once more', async () => {
    let list = ['old'];
    const pages = new Pages(async () => {
      const items = list;
      await Promise.resolve();
      return { items, next: null };
    });
    const first = pages.items();
    list = ['new'];
    pages.expire();
    assert.deepEqual(await first, ['new']);
    pages.expire();
    const second = pages.items();
    list = ['newer'];
    pages.expire();
    assert.deepEqual(await pages.items(), ['newer']);
    assert.deepEqual(await second, ['newer']);
  });

  it('that could not be fetched are tried again', async () => {
    let isAway = true;
    const pages = new Pages(async () => {
      if (isAway) throw new Error('away');
      return { items: ['a'], next: null };
    });
    await assert.rejects(pages.items(), /away/);
    isAway = false;
    assert.deepEqual(await pages.items(), ['a']);
  });
});

describe('rows that are shown', () => {
  it('stay the same objects when they are listed again, with new facts', () => {
    const shown = new ShownRows();
    const [first] = shown.put(undefined, [row('a')]);
    const [again] = shown.put(undefined, [row('a', { label: 'new' })]);
    assert.equal(again, first);
    assert.equal(first?.facts.label, 'new');
  });

  it('keep what was fetched below them where it never changes, and only there', async () => {
    const shown = new ShownRows();
    const old = async (): Promise<readonly Row[]> => [row('old')];
    const other = async (): Promise<readonly Row[]> => [row('other')];
    shown.put(undefined, [row('kept', { children: old, keepsChildren: true }), row('not', { children: old })]);
    const [kept, not] = shown.put(undefined, [row('kept', { children: other, keepsChildren: true }), row('not', { children: other })]);
    assert.equal(kept?.facts.children, old);
    assert.equal(not?.facts.children, other);
  });

  it('are forgotten with all below them when they are listed no more', () => {
    const shown = new ShownRows();
    const [parent] = shown.put(undefined, [row('a'), row('b')]);
    shown.put(parent, [row('a1'), row('a2')]);
    assert.equal(shown.size, 4);
    shown.put(undefined, [row('b')]);
    assert.equal(shown.size, 1);
    assert.equal(shown.byId('a1'), undefined);
  });

  it('leave out a second row of one id', () => {
    assert.equal(new ShownRows().put(undefined, [row('a'), row('a')]).length, 1);
  });
});
