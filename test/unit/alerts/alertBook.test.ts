import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { AlertBook, type Cause } from '../../../daemon/alerts/alertBook.ts';
import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import type { Alert } from '../../../protocol/methods/alerts.ts';
import { CatalogFolder } from '../../support/catalog.ts';

const minute = 60_000;
const hour = 60 * minute;

const cause = (changes: Partial<Cause> = {}): Cause => ({
  kind: 'backupFailed',
  subjectId: 'work-id',
  subject: 'work',
  severity: 'error',
  message: 'The last run of work failed: its location is full.',
  fix: 'Make room there.',
  ...changes,
});

describe('alert book', () => {
  let folder: CatalogFolder;
  let catalog: Catalog;
  let wall: number;
  let mono: number;
  let changed: string[];
  let book: AlertBook;

  const bookOf = (store: Catalog): AlertBook =>
    new AlertBook({
      store: store.alerts,
      wallClock: () => new Date(wall),
      now: () => mono,
      onChanged: (id) => changed.push(id),
    });
  const pass = (milliseconds: number): void => {
    wall += milliseconds;
    mono += milliseconds;
  };
  const listed = (all = false): readonly Alert[] => book.list({ all }).items;
  const only = (all = false): Alert => {
    const [first, second] = listed(all);
    assert.equal(second, undefined);
    return first ?? assert.fail('no alert');
  };

  beforeEach(() => {
    folder = new CatalogFolder();
    catalog = folder.open();
    wall = Date.UTC(2026, 2, 1, 12);
    mono = 1000;
    changed = [];
    book = bookOf(catalog);
  });
  afterEach(() => folder[Symbol.dispose]());

  it('makes one alert of a cause, however often it is raised, and tells of it once', () => {
    book.raise(cause());
    const first = only();
    pass(hour);
    for (let again = 0; again < 5; again += 1) book.raise(cause());
    assert.deepEqual(only(), first);
    assert.deepEqual(changed, [first.id]);
    assert.equal(first.since, '2026-03-01T12:00:00.000Z');
    assert.deepEqual(book.counts(), { error: 1, warning: 0 });
  });

  it('keeps kinds and subjects apart', () => {
    book.raise(cause());
    book.raise(cause({ subjectId: 'other' }));
    book.raise(cause({ kind: 'policyOverdue', severity: 'warning' }));
    assert.equal(listed().length, 3);
    book.resolve('backupFailed', 'work-id');
    assert.equal(listed().length, 2);
    assert.deepEqual(book.counts(), { error: 1, warning: 1 });
  });

  it('resolves when the cause is gone, and a cause that comes back is a new alert', () => {
    book.raise(cause());
    const first = only();
    book.acknowledge(first.id);
    pass(hour);
    book.resolve('backupFailed', 'work-id');
    book.resolve('backupFailed', 'work-id');
    assert.deepEqual(listed(), []);
    assert.equal(only(true).resolvedAt, '2026-03-01T13:00:00.000Z');
    pass(hour);
    book.raise(cause());
    const second = only();
    assert.notEqual(second.id, first.id);
    assert.equal(second.state, 'open');
    assert.equal(second.since, '2026-03-01T14:00:00.000Z');
    assert.equal(listed(true).length, 2);
  });

  it('keeps an acknowledged one listed and does not count it, until it becomes worse', () => {
    book.raise(cause({ severity: 'warning' }));
    assert.equal(book.acknowledge(only().id.slice(0, 8)).state, 'acknowledged');
    assert.equal(only().state, 'acknowledged');
    assert.deepEqual(book.counts(), { error: 0, warning: 0 });
    book.raise(cause({ severity: 'warning', message: 'The last run of work failed: it is read-only.' }));
    assert.equal(only().state, 'acknowledged');
    assert.match(only().message, /read-only/);
    book.raise(cause({ severity: 'error' }));
    assert.equal(only().state, 'open');
    assert.deepEqual(book.counts(), { error: 1, warning: 0 });
  });

  it('opens a snoozed one again when its time has come, and tells of it', () => {
    book.raise(cause());
    const { id } = only();
    assert.equal(book.snooze(id, { for: 3600 }).snoozedUntil, '2026-03-01T13:00:00.000Z');
    assert.deepEqual(book.counts(), { error: 0, warning: 0 });
    pass(hour - 1);
    book.refresh();
    assert.equal(only().state, 'snoozed');
    pass(1);
    changed = [];
    book.refresh();
    assert.deepEqual(changed, [id]);
    assert.deepEqual([only().state, only().snoozedUntil], ['open', null]);
    book.snooze(id, { until: '2026-03-02T00:00:00Z' });
    assert.equal(book.acknowledge(id).state, 'acknowledged');
    pass(24 * hour);
    assert.equal(only().state, 'acknowledged');
  });

  it('F1: loses no snooze to a clock that is set: back, forward, or back while no daemon ran', () => {
    for (const jump of [-60 * 24 * hour, -hour, 60 * 24 * hour]) {
      wall = Date.UTC(2026, 2, 1, 12);
      book.raise(cause());
      book.snooze(only().id, { for: 8 * 3600 });
      wall += jump;
      pass(8 * hour);
      book.refresh();
      assert.equal(only().state, 'open', `a jump of ${jump / hour} h`);
    }
    wall = Date.UTC(2026, 2, 1, 12);
    book.snooze(only().id, { for: 8 * 3600 });
    catalog.close();
    catalog = folder.open();
    mono = 0;
    book = bookOf(catalog);
    assert.equal(only().state, 'snoozed');
    wall -= 60 * 24 * hour;
    assert.equal(only().state, 'open');
  });

  it('refuses snoozes without an end, that are over or longer than a year, and ids that name none or several', () => {
    book.raise(cause());
    const { id } = only();
    for (const span of [{}, { for: 60, until: '2026-03-02T00:00:00Z' }, { until: '2026-03-01T11:59:59Z' }, { for: 367 * 86_400 }]) {
      assert.throws(() => book.snooze(id, span), { code: 'badValue' }, JSON.stringify(span));
    }
    for (let more = 0; more < 40; more += 1) book.raise(cause({ subjectId: String(more) }));
    const twice = Array.from('0123456789abcdef').find((digit) => listed().filter((each) => each.id.startsWith(digit)).length > 1);
    assert.throws(() => book.acknowledge(twice ?? assert.fail()), { code: 'ambiguousName' });
    assert.throws(() => book.acknowledge('nothing'), { code: 'unknownName' });
    book.resolve('backupFailed', 'work-id');
    assert.equal(book.acknowledge(id).state, 'resolved');
    assert.equal(book.snooze(id, { for: 60 }).state, 'resolved');
  });

  it('resolves everything about a subject that is no more', () => {
    book.raise(cause({ policyId: 'p' }));
    book.raise(cause({ kind: 'policyOverdue', subjectId: 'p' }));
    book.raise(cause({ subjectId: 'q', policyId: 'q' }));
    book.resolveAllOf('p');
    assert.deepEqual(
      listed().map(({ policyId }) => policyId),
      ['q'],
    );
  });

  it('forgets the oldest resolved ones, and pages through the rest, newest first', () => {
    for (let round = 0; round < 1010; round += 1) {
      book.raise(cause());
      book.resolve('backupFailed', 'work-id');
      pass(minute);
    }
    book.raise(cause());
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page = book.list({ all: true, limit: 300, ...(after === null ? {} : { after }) });
      seen.push(...page.items.map(({ since }) => since));
      after = page.next;
    } while (after !== null);
    assert.equal(seen.length, 1001);
    assert.deepEqual(seen, seen.toSorted().toReversed());
    assert.equal(only().state, 'open');
  });

  it('shows while locked that there is an alert, and what an error said only under the seal', () => {
    book.raise(cause({ detail: 'Failed to read /home/user/secret.' }));
    assert.equal(only().detail, 'Failed to read /home/user/secret.');
    catalog.useSeal(undefined);
    assert.equal(only().detail, null);
    book.raise(cause({ subjectId: 'other', detail: 'Failed to read /home/user/other.' }));
    book.raise(cause({ message: 'The last run of work failed.', detail: 'Failed to read /home/user/third.' }));
    book.acknowledge(listed().find(({ message }) => message.endsWith('full.'))?.id ?? assert.fail());
    catalog.useSeal(folder.seal);
    assert.deepEqual(new Set(listed().map(({ detail }) => detail)), new Set([null, 'Failed to read /home/user/secret.']));
  });

  it('tells of nothing while locked where only the sealed detail can not be compared', () => {
    book.raise(cause({ detail: 'Failed to read /home/user/secret.' }));
    catalog.useSeal(undefined);
    for (let again = 0; again < 3; again += 1) book.raise(cause({ detail: 'Failed to read /home/user/secret.' }));
    assert.equal(changed.length, 1);
    catalog.useSeal(folder.seal);
    book.raise(cause({ detail: 'Failed to read /home/user/other.' }));
    assert.deepEqual([changed.length, only().detail], [2, 'Failed to read /home/user/other.']);
  });

  it('X2: whatever is asked of it in whatever order, and with the daemon started anew in between, has one open end for each cause', () => {
    const subject = fc.constantFrom('a', 'b');
    const step = fc.oneof(
      fc.record({ does: fc.constant('raise'), subject }),
      fc.record({ does: fc.constant('resolve'), subject }),
      fc.record({ does: fc.constant('acknowledge'), subject }),
      fc.record({ does: fc.constant('snooze'), subject }),
      fc.record({ does: fc.constantFrom('wait', 'reopen'), subject }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        for (const each of ['a', 'b']) book.resolve('backupFailed', each);
        const model = new Map<string, { state: string; ends: number }>();
        for (const { does, subject: subjectId } of steps) {
          const known = model.get(subjectId);
          const id = book.raised('backupFailed').find((alert) => alert.subjectId === subjectId)?.id ?? '';
          assert.equal(id === '', known === undefined);
          if (does === 'raise') {
            book.raise(cause({ subjectId, subject: subjectId }));
            if (known === undefined) model.set(subjectId, { state: 'open', ends: 0 });
          } else if (does === 'resolve') {
            book.resolve('backupFailed', subjectId);
            model.delete(subjectId);
          } else if (does === 'wait') {
            pass(hour);
          } else if (does === 'reopen') {
            catalog.close();
            catalog = folder.open();
            mono = 0;
            book = bookOf(catalog);
          } else if (known !== undefined && does === 'acknowledge') {
            book.acknowledge(id);
            known.state = 'acknowledged';
          } else if (known !== undefined) {
            book.snooze(id, { for: 5400 });
            Object.assign(known, { state: 'snoozed', ends: wall + 1.5 * hour });
          }
          for (const each of model.values()) if (each.state === 'snoozed' && wall >= each.ends) each.state = 'open';
          const states = Object.fromEntries(listed().map((alert) => [alert.subject, alert.state]));
          assert.deepEqual(states, Object.fromEntries([...model].map(([key, { state }]) => [key, state])));
          assert.equal(book.counts().error, [...model.values()].filter(({ state }) => state === 'open').length);
        }
      }),
      { numRuns: 60 },
    );
  });
});
