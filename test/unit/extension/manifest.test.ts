import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { commandIds } from '../../../extension/commandIds.ts';
import { alertRow } from '../../../extension/views/alerts/alert.ts';
import { settledAlertsRow } from '../../../extension/views/alerts/settledAlerts.ts';
import { moreRow } from '../../../extension/views/moreRow.ts';
import { Pages } from '../../../extension/views/pages.ts';
import { failureRow } from '../../../extension/views/failureRow.ts';
import { locationRow } from '../../../extension/views/locations/location.ts';
import { passkeyRow } from '../../../extension/views/passkeys/passkey.ts';
import { policyRow } from '../../../extension/views/policies/policy.ts';
import { sourceRow } from '../../../extension/views/policies/source.ts';
import { dayRow } from '../../../extension/views/restorePoints/day.ts';
import { entryRow } from '../../../extension/views/restorePoints/entry.ts';
import { policyGroupRow } from '../../../extension/views/restorePoints/policyGroup.ts';
import { restorePointRow } from '../../../extension/views/restorePoints/restorePoint.ts';
import { contextValueOf, type Row } from '../../../extension/views/row.ts';
import { type ViewId, viewIds } from '../../../extension/viewIds.ts';
import { alertKinds, alertSeverities } from '../../../protocol/methods/alerts.ts';
import { root } from '../../support/cli.ts';
import {
  noon,
  now,
  otherId,
  someAction,
  someAlert,
  someEntry,
  someId,
  someLocation,
  somePasskey,
  somePoint,
  somePolicy,
} from './samples.ts';

const when = z.string().optional();
const menuItem = z.looseObject({ command: z.string().optional(), submenu: z.string().optional(), when, group: z.string().optional() });
/** Strict: a property that the editor does not know does nothing, and nobody is told. */
const declaredView = z.strictObject({
  id: z.string(),
  name: z.string(),
  icon: z.string(),
  initialSize: z.int().positive(),
  visibility: z.enum(['visible', 'hidden', 'collapsed']).optional(),
});
const manifest = z
  .looseObject({
    contributes: z.looseObject({
      views: z.looseObject({ holdfast: z.array(declaredView) }),
      viewsWelcome: z.array(z.looseObject({ view: z.string(), contents: z.string(), when: z.string() })),
      commands: z.array(z.looseObject({ command: z.string(), title: z.string(), category: z.string(), enablement: when })),
      menus: z.record(z.string(), z.array(menuItem)),
    }),
  })
  .parse(JSON.parse(read('package.json')));
const words = z.record(z.string(), z.string()).parse(JSON.parse(read('package.nls.json')));
const { contributes } = manifest;

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

const children = async (): Promise<readonly Row[]> => [];

const pages = new Pages(async () => ({ items: Array.from({ length: 1000 }), next: '1' }));
await pages.items();

/** Every kind of row that each tree can show. */
const rowsOf: Readonly<Record<ViewId, readonly Row[]>> = {
  'holdfast.restorePoints': [
    ...[true, false].map((deleted) =>
      policyGroupRow({ policyId: someId, policy: 'home', deleted, restorePoints: 1, newestAt: noon }, { now, isOnly: true, children }),
    ),
    dayRow(someId, { day: '2026-11-21', points: [somePoint()] }, children),
    ...(['live', 'damaged'] as const).flatMap((state) =>
      [true, false].map((pinned) => restorePointRow(somePoint({ state, pinned }), { isBelowDay: false, children })),
    ),
    ...(['file', 'dir', 'link', 'fifo', 'stream'] as const).map((kind) => entryRow(someId, someEntry({ kind }), children)),
    ...moreRow(someId, pages, 1),
  ],
  'holdfast.policies': [
    ...[true, false].flatMap((paused) => [
      policyRow(somePolicy({ paused }), undefined, now),
      policyRow(somePolicy({ paused }), someAction({ fraction: 0.5 }), now),
      policyRow(somePolicy({ paused }), someAction({ state: 'queued', fraction: null }), now),
    ]),
    sourceRow({ kind: 'folder', path: '/home', sourceId: someId }),
    sourceRow({ kind: 'command', name: 'db', command: 'dump', sourceId: otherId }),
  ],
  'holdfast.passkeys': [true, false].flatMap((inUse) =>
    (['ready', 'unverified', 'failing'] as const).flatMap((state) =>
      (['passphrase', 'awsKms', 'vaultTransit'] as const).map((kind) => passkeyRow(somePasskey({ inUse, state, kind }), now)),
    ),
  ),
  'holdfast.locations': [
    locationRow(someLocation()),
    locationRow(someLocation({ kind: 's3' })),
    ...[true, false].map((immutable) => locationRow(someLocation({ kind: 's3', immutable, protectionPeriodDays: 30 }))),
  ],
  'holdfast.alerts': [
    ...(['open', 'acknowledged', 'snoozed'] as const).flatMap((state) =>
      alertSeverities.map((severity) => alertRow(someAlert({ state, severity }), now)),
    ),
    ...alertKinds.map((kind) => alertRow(someAlert({ kind }), now)),
    ...settledAlertsRow([alertRow(someAlert({ state: 'snoozed' }), now)]),
  ],
};

/** Whether an item of a row's menu is shown on a row. Knows the conditions that such items use, and no others. */
function isShown(condition: string, view: ViewId, contextValue: string): boolean {
  return condition.split(' && ').every((term) => {
    const [subject = '', operator = '', ...rest] = term.split(' ');
    const operand = rest.join(' ');
    const value = subject === 'view' ? view : subject === 'viewItem' ? contextValue : assert.fail(`unknown condition ${term}`);
    if (operator === '==') return value === operand;
    assert.equal(operator, '=~', term);
    return new RegExp(operand.slice(1, -1)).test(value);
  });
}

describe('package.json', () => {
  it('declares exactly the commands that the extension registers', () => {
    assert.deepEqual(contributes.commands.map(({ command }) => command).toSorted(), [...commandIds].toSorted());
  });

  it('declares exactly the trees that the extension fills', () => {
    assert.deepEqual(
      contributes.views.holdfast.map(({ id }) => id),
      [...viewIds],
    );
  });

  it('names words that package.nls.json has, and package.nls.json has no others', () => {
    const used = new Set(Array.from(read('package.json').matchAll(/"%([\w.]+)%"/g), ([, key = '']) => key));
    assert.deepEqual(Object.keys(words).toSorted(), [...used].toSorted());
  });

  it('has one category and a title in title case without it for each command', () => {
    for (const { command, title, category } of contributes.commands) {
      assert.equal(category, 'Holdfast', command);
      assert.match(words[title.slice(1, -1)] ?? '', /^[A-Z][^:]*$/, command);
    }
  });

  it('has menus of known commands and submenus alone', () => {
    for (const [menu, items] of Object.entries(contributes.menus)) {
      for (const { command, submenu } of items) {
        const isKnown = command === undefined ? submenu !== undefined : commandIds.some((id) => id === command);
        assert.ok(isKnown, `${menu}: ${command ?? submenu}`);
      }
    }
  });

  it('has conditions of keys that the extension sets', () => {
    const known = new Set(Array.from(read('extension/contextKeys.ts').matchAll(/'(holdfast\.\w+)'/g), ([, key]) => key));
    const conditions = [
      ...Object.values(contributes.menus)
        .flat()
        .map((item) => item.when),
      ...contributes.viewsWelcome.map((welcome) => welcome.when),
      ...contributes.commands.map(({ enablement }) => enablement),
    ];
    for (const condition of conditions) {
      // What an operator compares with is a value and no key.
      const keys = (condition ?? '').replaceAll(/(?:==|!=|=~) \S+/g, '').match(/holdfast\.\w+/g) ?? [];
      for (const key of keys) assert.ok(known.has(key), `${key} in ${condition}`);
    }
  });

  it('gives every item of a row’s menu to at least one row', () => {
    for (const item of contributes.menus['view/item/context'] ?? []) {
      const condition = item.when ?? assert.fail(item.command);
      const shown = viewIds.some((view) =>
        [...rowsOf[view], ...failureRow('', new Error('x'))].some((row) => isShown(condition, view, contextValueOf(row.facts))),
      );
      assert.ok(shown, `${item.command}: ${condition}`);
    }
  });

  it('gives no row more than two actions beside its label, and no command twice in one group', () => {
    for (const view of viewIds) {
      for (const row of rowsOf[view]) {
        const contextValue = contextValueOf(row.facts);
        const shown = (contributes.menus['view/item/context'] ?? []).filter((item) => isShown(item.when ?? '', view, contextValue));
        const inline = shown.filter(({ group }) => group?.startsWith('inline') === true);
        assert.ok(inline.length <= 2, `${contextValue}: ${inline.map(({ command }) => command).join(', ')}`);
        const keys = shown.map(({ command, group }) => `${command} ${group?.split('@')[0]}`);
        assert.equal(new Set(keys).size, keys.length, `${contextValue}: ${keys.join(', ')}`);
      }
    }
  });

  it('offers beside a label nothing that the row’s menu lacks, so that the keyboard reaches it', () => {
    const items = contributes.menus['view/item/context'] ?? [];
    for (const view of viewIds) {
      for (const row of rowsOf[view]) {
        const shown = items.filter((item) => isShown(item.when ?? '', view, contextValueOf(row.facts)));
        const inMenu = new Set(shown.filter(({ group }) => group?.startsWith('inline') !== true).map(({ command }) => command));
        for (const { command, group } of shown) {
          if (group?.startsWith('inline') === true) assert.ok(inMenu.has(command), `${contextValueOf(row.facts)}: ${command}`);
        }
      }
    }
  });

  it('shows a row that can be worked on by one command at least, and hides internal ones from the palette', () => {
    for (const view of viewIds) {
      for (const row of rowsOf[view].filter(({ facts }) => facts.subject !== undefined)) {
        const contextValue = contextValueOf(row.facts);
        const shown = (contributes.menus['view/item/context'] ?? []).some((item) => isShown(item.when ?? '', view, contextValue));
        assert.ok(shown, contextValue);
      }
    }
    const hidden = (contributes.menus['commandPalette'] ?? []).filter((item) => item.when === 'false').map(({ command }) => command);
    assert.ok(hidden.includes('holdfast.showMore'));
  });

  it('has welcome texts of one link each, to a command that there is, and one at most for each state of a tree', () => {
    for (const { contents, view } of contributes.viewsWelcome) {
      const text = words[contents.slice(1, -1)] ?? assert.fail(contents);
      const links = Array.from(text.matchAll(/\]\(command:([\w.]+)\)/g), ([, command]) => command);
      assert.equal(links.length, 1, `${view}: ${text}`);
      assert.ok(
        commandIds.some((id) => id === links[0]),
        text,
      );
    }
    assert.ok(contributes.viewsWelcome.every((welcome) => welcome.when.startsWith('holdfast.loaded && ')));
  });
});
