import assert from 'node:assert/strict';
import { alertRow } from '../../../../extension/views/alerts/alert.ts';
import { badgeOf } from '../../../../extension/views/alerts/badge.ts';
import { settledAlertsRow } from '../../../../extension/views/alerts/settledAlerts.ts';
import { locationRow } from '../../../../extension/views/locations/location.ts';
import { LocationRows } from '../../../../extension/views/locations/locationRows.ts';
import { passkeyRow } from '../../../../extension/views/passkeys/passkey.ts';
import { PasskeyRows } from '../../../../extension/views/passkeys/passkeyRows.ts';
import { policyRow } from '../../../../extension/views/policies/policy.ts';
import { PolicyRows } from '../../../../extension/views/policies/policyRows.ts';
import { sourceRow } from '../../../../extension/views/policies/source.ts';
import { concernsPresence, nextRunOf, stateKey } from '../../../../extension/views/presence.ts';
import type { RowFacts } from '../../../../extension/views/row.ts';
import { RowTree } from '../../../../extension/views/rowTree.ts';
import { type Alert, alertKinds } from '../../../../protocol/methods/alerts.ts';
import type { LocationImmutability } from '../../../../protocol/methods/immutability.ts';
import type { Location } from '../../../../protocol/methods/locations.ts';
import type { Passkey } from '../../../../protocol/methods/passkeys.ts';
import type { Policy } from '../../../../protocol/methods/policies.ts';
import type { RunningAction } from '../../../../protocol/methods/session.ts';
import { FakeCaller } from '../fakeCaller.ts';
import {
  noon,
  now,
  otherId,
  someAction,
  someAlert,
  someId,
  someLocation,
  someLocks,
  somePasskey,
  somePolicy,
  someStatus,
} from '../samples.ts';

const tomorrow = new Date(2026, 10, 22, 3, 0).toISOString();
const running: RunningAction = someAction();

function ranWith(outcome: string): Pick<Policy, 'lastRun'> {
  return { lastRun: { actionId: otherId, outcome, finishedAt: noon } };
}

/** Description and icon. */
function shown({ description, icon }: RowFacts): readonly (string | undefined)[] {
  return [description, icon?.name];
}

describe('the row of a policy', () => {
  const table: readonly (readonly [string, Partial<Policy>, RunningAction | undefined, string, string])[] = [
    ['that never ran', {}, undefined, 'by hand · never run', 'circle-outline'],
    [
      'that runs by itself',
      { schedule: '@daily', nextRunAt: tomorrow, ...ranWith('complete') },
      undefined,
      'next Nov 22 03:00 · complete 12:00',
      'pass',
    ],
    ['that is paused', { schedule: '@daily', paused: true, ...ranWith('complete') }, undefined, 'paused · complete 12:00', 'debug-pause'],
    ['that had warnings', ranWith('completeWithWarnings'), undefined, 'by hand · with warnings 12:00', 'warning'],
    ['that failed', ranWith('failed'), undefined, 'by hand · failed 12:00', 'error'],
    ['that was cancelled', ranWith('cancelled'), undefined, 'by hand · cancelled 12:00', 'circle-outline'],
    ['with an outcome of a newer daemon', ranWith('odd\u202e'), undefined, String.raw`by hand · odd\u202e 12:00`, 'error'],
    [
      'whose definition can not be read',
      { problem: 'Failed to read policy home.', ...ranWith('complete') },
      undefined,
      'can not be read · complete 12:00',
      'error',
    ],
    ['that runs', {}, running, 'backing up, 42 % · by hand · never run', 'sync~spin'],
    ['whose backup waits', {}, someAction({ state: 'queued', fraction: null }), 'waiting · by hand · never run', 'clock'],
    ['that has just begun', {}, { ...running, fraction: null }, 'backing up · by hand · never run', 'sync~spin'],
  ];
  for (const [what, changes, action, description, icon] of table) {
    it(`says of one ${what}: ${description}`, () => {
      const { facts } = policyRow(somePolicy(changes), action, now);
      assert.deepEqual(shown(facts), [description, icon]);
      assert.equal(facts.accessibleLabel, `Policy home, ${description}`);
    });
  }

  it('tells why its definition can not be read, and nothing of a schedule that nobody knows', () => {
    const { tooltip = [] } = policyRow(somePolicy({ problem: 'Failed to read\u202e it.' }), undefined, now).facts;
    assert.ok(tooltip.some(([name, value]) => name === 'Problem' && value === String.raw`Failed to read\u202e it.`));
    assert.ok(tooltip.every(([name]) => name !== 'Schedule'));
  });

  it('tells its schedule in words', () => {
    for (const [schedule, words] of [
      [null, 'by hand only'],
      ['30 18 * * 1-5', 'Monday to Friday at 18:30'],
      ['\u202e', String.raw`\u202e`],
    ] as const) {
      const { tooltip } = policyRow(somePolicy({ schedule }), undefined, now).facts;
      assert.deepEqual(
        tooltip?.find(([name]) => name === 'Schedule'),
        ['Schedule', words],
      );
    }
  });

  it('has a source below it for each folder and each command', async () => {
    const sources: Policy['sources'] = [
      { kind: 'folder', path: '/home/\u202eme', sourceId: someId },
      { kind: 'command', name: 'db', command: 'dump\nall', sourceId: otherId },
    ];
    const rows = (await policyRow(somePolicy({ sources }), undefined, now).facts.children?.()) ?? [];
    assert.deepEqual(
      rows.map(({ facts }) => [facts.label, facts.description, facts.icon?.name]),
      [
        [String.raw`/home/\u202eme`, undefined, 'folder'],
        ['db', String.raw`dump\nall`, 'terminal'],
      ],
    );
    assert.match(sourceRow({ kind: 'folder', path: '/x', sourceId: someId }).facts.accessibleLabel, /folder \/x/);
  });
});

describe('the rows of policies', () => {
  it('change one by one while backups run, and name those whose backup has ended', async () => {
    let status = someStatus();
    const caller = new FakeCaller({
      'policy.list': () => ({ items: [somePolicy(), somePolicy({ policyId: otherId, name: 'work' })], next: null }),
    });
    const rows = new PolicyRows(
      caller,
      () => status,
      () => now,
    );
    await rows.roots();
    assert.deepEqual(rows.progress(), { changed: [], ended: [] });
    status = someStatus({ runningActions: [running, { ...running, kind: 'verify', subject: 'work', subjectId: otherId }] });
    const { changed } = rows.progress();
    assert.deepEqual(
      changed.map(({ id }) => id),
      [someId],
    );
    assert.deepEqual(rows.progress(), { changed: [], ended: [] }, 'what is shown already changes nothing');
    status = someStatus({ runningActions: [{ ...running, fraction: 0.4261 }] });
    assert.deepEqual(rows.progress().changed, [], 'less than a percent is not seen');
    status = someStatus();
    assert.deepEqual(rows.progress(), { changed: [], ended: [someId] });
  });

  it('tell what waits, and know the backup of a policy that was renamed meanwhile', async () => {
    let status = someStatus({ runningActions: [someAction({ subject: 'the old name', state: 'queued', fraction: null })] });
    const rows = new PolicyRows(
      new FakeCaller({ 'policy.list': () => ({ items: [somePolicy()], next: null }) }),
      () => status,
      () => now,
    );
    const [row] = await rows.roots();
    assert.deepEqual(row === undefined ? [] : shown(row.facts), ['waiting · by hand · never run', 'clock']);
    status = someStatus({ runningActions: [someAction({ subject: 'the old name', fraction: null })] });
    assert.deepEqual(rows.progress().changed.map(shown), [['backing up · by hand · never run', 'sync~spin']]);
    status = someStatus({ runningActions: [someAction({ actionId: someId, state: 'queued', fraction: null })] });
    assert.deepEqual(rows.progress(), { changed: [], ended: [someId] }, 'one has ended, and the next one waits');
  });

  it('are none while the daemon is locked', async () => {
    const rows = new PolicyRows(
      new FakeCaller({}),
      () => someStatus({ state: 'locked' }),
      () => now,
    );
    assert.deepEqual(await rows.roots(), []);
  });
});

describe('the row of a passkey', () => {
  const table: readonly (readonly [string, Partial<Passkey>, string, string])[] = [
    ['in use', { inUse: true }, 'passphrase · in use · verified 2026-11-21', 'key'],
    ['that is spare', {}, 'passphrase · verified 2026-11-21', 'circle-outline'],
    ['that nobody tried', { state: 'unverified', verifiedAt: null }, 'passphrase · not verified yet', 'warning'],
    ['that fails', { state: 'failing', kind: 'awsKms' }, 'AWS KMS · failing · verified 2026-11-21', 'error'],
    ['that warns', { warnings: ['a newer version'.repeat(5)] }, 'passphrase · verified 2026-11-21 · needs a look', 'warning'],
    ['that warns twice', { warnings: ['One.', 'Two.'] }, 'passphrase · verified 2026-11-21 · needs a look', 'warning'],
    [
      'that is behind',
      { kind: 'vaultTransit', reference: { version: 2 }, warnings: ['Vault key version 3, passkey at 2.'] },
      'Vault Transit · version 2 · verified 2026-11-21 · Vault key version 3, passkey at 2',
      'warning',
    ],
    ['that can go', { retirableFrom: noon }, 'passphrase · verified 2026-11-21 · can be retired', 'circle-outline'],
    [
      'that can go later',
      { retirableFrom: tomorrow },
      'passphrase · verified 2026-11-21 · can be retired from 2026-11-22',
      'circle-outline',
    ],
  ];
  for (const [what, changes, description, icon] of table) {
    it(`says of one ${what}: ${description}`, () => {
      const { facts } = passkeyRow(somePasskey(changes), now);
      assert.deepEqual(shown(facts), [description, icon]);
      assert.equal(facts.accessibleLabel, `Passkey main, ${description}`);
    });
  }

  it('says of one that can go that it can go now, and of another from when', () => {
    const told = [noon, tomorrow, null].map((retirableFrom) => {
      const facts = new Map(passkeyRow(somePasskey({ retirableFrom }), now).facts.tooltip);
      return [facts.get('Can be retired'), facts.get('Can be retired from')];
    });
    assert.deepEqual(told, [
      ['now', undefined],
      [undefined, '2026-11-22 03:00'],
      [undefined, undefined],
    ]);
  });

  it('says how often it rotates by itself, and from when on next', () => {
    const told = [90, 1].map((everyDays) => {
      const rotates = { everyDays, next: tomorrow };
      return new Map(passkeyRow(somePasskey({ rotates }), now).facts.tooltip).get('Rotates by itself');
    });
    assert.deepEqual(told, ['every 90 days, next from 2026-11-22 03:00 on', 'every day, next from 2026-11-22 03:00 on']);
    assert.equal(new Map(passkeyRow(somePasskey(), now).facts.tooltip).get('Rotates by itself'), undefined);
  });

  it('has what names its key in its tooltip, and what still needs it', () => {
    const reference = { address: 'https://[x](y)\u202e:8200', namespace: null, mount: 'transit', key: 'holdfast', version: 2 };
    const gate = {
      allowed: false,
      from: tomorrow,
      reasons: [{ what: 'keyring 7 in vault is locked and holds it', until: tomorrow }],
      begins: false,
      isBegun: false,
      others: ['paper'],
      waysIn: 1,
      commands: [],
      opensKeyringsUntil: tomorrow,
      notes: [],
    };
    const { tooltip, context } = passkeyRow(somePasskey({ kind: 'vaultTransit', reference }), now, gate).facts;
    const facts = new Map(tooltip);
    assert.deepEqual(
      ['Address', 'Namespace', 'Mount', 'Key', 'Key version', 'Still needed'].map((name) => facts.get(name)),
      [
        String.raw`[x](y)\u202e:8200`,
        undefined,
        'transit',
        'holdfast',
        '2',
        'Keyring 7 in vault is locked and holds it, until 2026-11-22 03:00.',
      ],
    );
    assert.match(facts.get('Keyrings') ?? '', /^Locked keyrings hold it until 2026-11-22 03:00/);
    assert.deepEqual(context, ['passkey', 'vaultTransit', 'spare', 'ready']);
    const kms = passkeyRow(somePasskey({ kind: 'awsKms', reference: { keyArn: 'arn:a', region: 'eu-west-1', alias: 'alias/b' } }), now);
    assert.deepEqual(
      ['ARN', 'Region', 'Alias'].map((name) => new Map(kms.facts.tooltip).get(name)),
      ['arn:a', 'eu-west-1', 'alias/b'],
    );
  });
});

describe('the rows of passkeys', () => {
  it('ask what keeps a spare key outside from going, and of no other passkey; never while locked', async () => {
    let items: readonly Passkey[] = [];
    let state: 'locked' | 'unlocked' = 'unlocked';
    const asked: unknown[] = [];
    const caller = new FakeCaller({
      'passkey.list': () => ({ items, next: null }),
      'passkey.gate': ({ passkey }) => {
        asked.push(passkey);
        return {
          allowed: false,
          from: tomorrow,
          reasons: [{ what: 'it waits', until: tomorrow }],
          begins: false,
          isBegun: false,
          others: ['paper'],
          waysIn: 1,
          commands: [],
          opensKeyringsUntil: null,
          notes: [],
        };
      },
    });
    const rows = new PasskeyRows(
      caller,
      () => someStatus({ state }),
      () => now,
    );
    const key: Partial<Passkey> = { kind: 'vaultTransit', retirableFrom: tomorrow };
    items = [
      somePasskey({ retirableFrom: tomorrow }),
      somePasskey({ ...key, inUse: true }),
      somePasskey({ ...key, retirableFrom: noon }),
      somePasskey({ ...key, state: 'retired' }),
      somePasskey({ ...key, slotId: otherId }),
    ];
    const shownRows = await rows.roots();
    assert.equal(shownRows.length, 4);
    assert.deepEqual(asked, [otherId]);
    assert.equal(new Map(shownRows.at(-1)?.facts.tooltip).get('Still needed'), 'It waits, until 2026-11-22 03:00.');
    state = 'locked';
    await rows.roots();
    assert.deepEqual(asked, [otherId]);
  });
});

const s3: NonNullable<Location['s3']> = { bucket: 'vault', region: 'eu-west-1', prefix: 'laptop', credentials: { source: 'sealed' } };

describe('the row of a location', () => {
  const table: readonly (readonly [string, Partial<Location>, string, string])[] = [
    ['that is a folder', { heldBytes: 2048 }, 'folder · not immutable · 2.00 KiB held', 'folder-library'],
    ['that is a bucket without locks', { kind: 's3', s3 }, 'S3 · not immutable · s3://vault/laptop', 'cloud'],
    [
      'that nobody proved yet',
      { kind: 's3', s3, immutable: true, protectionPeriodDays: 30 },
      'S3 · immutable for 30 days, not proved yet · s3://vault/laptop',
      'lock',
    ],
    [
      'that is immutable',
      { kind: 's3', s3, immutable: true, protectionPeriodDays: 1, lockProof: { verdict: 'enforced', at: noon }, safeUntil: tomorrow },
      'S3 · immutable for 1 day, proved · safe until Nov 22 · s3://vault/laptop',
      'lock',
    ],
    [
      'of which the lock can be bypassed',
      { kind: 's3', s3, protectionPeriodDays: 30, lockProof: { verdict: 'bypassable', at: noon } },
      'S3 · locked for 30 days, bypassable · s3://vault/laptop',
      'warning',
    ],
    [
      'of which the lock does not hold',
      { kind: 's3', s3, protectionPeriodDays: 30, lockProof: { verdict: 'notEnforced', at: noon } },
      'S3 · locked for 30 days, not enforced · s3://vault/laptop',
      'warning',
    ],
    [
      'of which the proof came to nothing',
      { kind: 's3', s3, protectionPeriodDays: 30, lockProof: { verdict: 'inconclusive', at: noon } },
      'S3 · locked for 30 days, not proved · s3://vault/laptop',
      'warning',
    ],
  ];
  for (const [what, changes, description, icon] of table) {
    it(`says of one ${what}: ${description}`, () => {
      assert.deepEqual(shown(locationRow(someLocation(changes)).facts), [description, icon]);
    });
  }

  const vault = someLocation({ kind: 's3', path: null, s3, immutable: true, protectionPeriodDays: 30, lockMode: 'compliance' });

  it('S7: says "immutable" only of a location that is', () => {
    for (const verdict of ['bypassable', 'notEnforced', 'inconclusive'] as const) {
      const { facts } = locationRow({ ...vault, immutable: false, lockProof: { verdict, at: noon } }, someLocks());
      const told = [facts.description, facts.accessibleLabel, ...(facts.tooltip ?? []).map(([, value]) => value)].join('\n');
      assert.doesNotMatch(told, /immutable/i);
      assert.doesNotMatch(told, /(?<!not )proved/);
    }
  });

  it('says how its locks stand: slack, findings, and what falls below the promise', () => {
    const description = (changes: Partial<LocationImmutability>): readonly (string | undefined)[] =>
      shown(locationRow(vault, someLocks(changes)).facts).map((text) => text?.replace(/^.*not proved yet · (.*) · s3:.*$/, '$1'));
    assert.deepEqual(description({}), ['slack 3 d', 'lock']);
    assert.deepEqual(description({ findings: 2 }), ['2 findings · slack 3 d', 'error']);
    assert.deepEqual(description({ slackSeconds: -3600 }), ['1 h below the promise', 'error']);
    assert.equal(locationRow(vault, someLocks({ slackSeconds: null })).facts.description?.includes('slack'), false);
  });

  it('counts one as one', () => {
    const facts = new Map(locationRow(vault, someLocks({ objects: 1, promisedDays: 1 })).facts.tooltip);
    assert.deepEqual([facts.get('Kept locked'), facts.get('Promised now')], ['1 object', '1 day']);
  });

  it('has the facts about its locks in its tooltip, as text', () => {
    const locks = someLocks({
      promisedDays: null,
      clockSkewSeconds: -3600,
      shortest: { objectKey: 'a', retainUntil: null },
      isRefreshing: true,
    });
    const facts = new Map(locationRow({ ...vault, s3: { ...s3, endpoint: 'http://[x](y)\u202e' } }, locks).facts.tooltip);
    assert.deepEqual(
      [
        'Place',
        'Region',
        'Endpoint',
        'Credentials',
        'Mode',
        'Promised now',
        'Kept locked',
        'Shortest lock',
        'Next refresh',
        'Findings',
        'Clock',
      ].map((name) => facts.get(name)),
      [
        's3://vault/laptop',
        'eu-west-1',
        String.raw`[x](y)\u202e, plain http`,
        'keys, sealed in the catalog',
        'compliance: nobody can shorten a lock',
        'nothing before the first whole refresh',
        '1,200 objects',
        'not locked',
        'under way',
        'none',
        "1 h behind the store's",
      ],
    );
  });
});

describe('the rows of locations', () => {
  it('ask how locks stand once for all, and only where there are any; while locked too', async () => {
    let items: readonly Location[] = [someLocation()];
    const locks = { ...someLocks({ locationId: otherId }), location: 'vault' };
    const caller = new FakeCaller({
      'location.list': () => ({ items, next: null }),
      'immutability.status': () => ({
        safeUntil: null,
        objects: 0,
        shortest: null,
        lastRefresh: null,
        nextRefresh: null,
        callsPerMonth: 0,
        findings: 0,
        longestAbsenceDays: 4,
        locations: [locks],
      }),
    });
    const rows = new LocationRows(caller, () => someStatus({ state: 'locked' }));
    assert.equal((await rows.roots()).length, 1);
    assert.equal(caller.called('immutability.status'), 0);
    items = [someLocation(), someLocation({ locationId: otherId, kind: 's3', path: null, s3, immutable: true, protectionPeriodDays: 30 })];
    const [folder, vault] = await rows.roots();
    assert.equal(caller.called('immutability.status'), 1);
    assert.doesNotMatch(folder?.facts.description ?? '', /slack/);
    assert.match(vault?.facts.description ?? '', /slack 3 d/);
  });
});

describe('the row of an alert', () => {
  const table: readonly (readonly [string, Partial<Alert>, string, string])[] = [
    ['that is grave', {}, 'since 12:00', 'error'],
    ['that warns', { severity: 'warning' }, 'since 12:00', 'warning'],
    ['that tells', { severity: 'info' }, 'since 12:00', 'info'],
    ['that was acknowledged', { state: 'acknowledged' }, 'since 12:00 · acknowledged', 'check'],
    ['that is snoozed', { state: 'snoozed', snoozedUntil: tomorrow }, 'since 12:00 · snoozed until Nov 22 03:00', 'bell-slash'],
  ];
  for (const [what, changes, description, icon] of table) {
    it(`says of one ${what}: ${description}`, () => {
      assert.deepEqual(shown(alertRow(someAlert(changes), now).facts), [description, icon]);
    });
  }

  it('says to a screen reader how grave it is, and its way out', () => {
    const { accessibleLabel } = alertRow(someAlert({ fix: 'Look at the log.' }), now).facts;
    assert.equal(accessibleLabel, 'Error: The last backup of home failed., since 12:00, Look at the log.');
  });

  it('has the command that cures it beside it, which works on the location or the passkey that it is about', () => {
    const cures = Object.groupBy(alertKinds, (kind) => {
      const { context, subject } = alertRow(someAlert({ kind, subject: 'vault', locationId: otherId, slotId: otherId }), now).facts;
      const cure = context.at(-1) ?? '';
      const { location, passkey } = subject?.kind === 'alert' ? subject : {};
      assert.deepEqual(passkey, cure === 'byVerify' ? { id: otherId, name: 'vault' } : undefined);
      assert.deepEqual(location, cure === 'byHand' ? undefined : { id: otherId, name: 'vault' });
      return cure;
    });
    assert.deepEqual(cures['byValidate'], ['locationCriteria', 'locationUnreachable', 'clockSkew']);
    assert.deepEqual(cures['byRefresh'], ['refreshFailed', 'slackHalf', 'slackQuarter', 'extenderStopped']);
    assert.deepEqual(cures['byAudit'], ['tampering']);
    assert.deepEqual(cures['byUnlock'], ['lockedTooLong']);
    assert.deepEqual(cures['byVerify'], ['keyEndangered', 'passkeyFailing']);
  });

  it('tells until when nothing is lost', () => {
    const facts = new Map(alertRow(someAlert({ kind: 'slackHalf', safeUntil: tomorrow }), now).facts.tooltip);
    assert.equal(facts.get('Nothing is lost until'), '2026-11-22 03:00');
    assert.equal(new Map(alertRow(someAlert(), now).facts.tooltip).has('Nothing is lost until'), false);
  });

  it('stands closed below the last row where it asks for nothing any more', async () => {
    const settled = alertRow(someAlert({ state: 'acknowledged' }), now);
    const [row] = settledAlertsRow([settled]);
    assert.notEqual(row?.facts.isExpanded, true);
    assert.deepEqual(await row?.facts.children?.(), [settled]);
    assert.deepEqual(settledAlertsRow([]), []);
  });

  it('counts in the badge while it is open, and only then', () => {
    const alerts = [someAlert(), someAlert({ severity: 'info' }), someAlert({ state: 'acknowledged' }), someAlert({ state: 'snoozed' })];
    assert.deepEqual(badgeOf(alerts), { value: 2, tooltip: '2 alerts' });
    assert.equal(badgeOf(alerts.slice(2)), undefined);
  });
});

describe('what there is', () => {
  it('is told apart by the state of the daemon, and by nothing while nobody can tell', () => {
    const error = undefined;
    assert.equal(stateKey({ phase: 'connecting', status: undefined, error }), 'unknown');
    assert.equal(stateKey({ phase: 'away', status: undefined, error }), 'notRunning');
    assert.equal(stateKey({ phase: 'refused', status: undefined, error }), 'notRunning');
    assert.equal(stateKey({ phase: 'connected', status: someStatus({ state: 'locked' }), error }), 'locked');
  });

  it('is looked at anew for events that can be about it', () => {
    for (const subject of ['locations/1', 'passkeys/1', 'policies/1', 'restorePoints/1'])
      assert.equal(concernsPresence({ name: 'catalog.changed', subject }), true);
    assert.equal(concernsPresence({ name: 'catalog.changed', subject: 'schedules/1' }), false);
    assert.equal(concernsPresence({ name: 'action.changed', subject: someId }), false);
    assert.equal(concernsPresence({ name: 'lookAgain', subject: '' }), true);
  });

  it('has the soonest run of the policies that are not paused as its next', () => {
    const soon = new Date(2026, 10, 21, 14).toISOString();
    assert.equal(nextRunOf([somePolicy(), somePolicy({ nextRunAt: tomorrow }), somePolicy({ nextRunAt: soon, paused: true })]), tomorrow);
    assert.equal(nextRunOf([]), null);
  });
});

describe('a tree of rows', () => {
  it('gives the editor labels as text and tooltips without markup', async () => {
    const name = '[x](command:evil) $(zap) **b**';
    const tree = new RowTree({ roots: async () => [locationRow(someLocation({ name }))], changeOf: async () => 'nothing' });
    const [row] = await tree.getChildren();
    assert.ok(row !== undefined);
    const item = tree.getTreeItem(row);
    assert.equal(item.label, name);
    assert.equal(item.contextValue, 'location+filesystem+plain');
    const { tooltip } = item;
    assert.ok(typeof tooltip === 'object');
    assert.doesNotMatch(tooltip.value, /\[x\]\(/);
    assert.notEqual(tooltip.isTrusted, true);
  });

  it('gives entries the icon that the theme has for their name, and opens files', async () => {
    const { entryRow } = await import('../../../../extension/views/restorePoints/entry.ts');
    const { someEntry } = await import('../samples.ts');
    const rows = [
      entryRow(someId, someEntry(), async () => []),
      entryRow(someId, someEntry({ path: 'plans', kind: 'dir' }), async () => []),
    ];
    const tree = new RowTree({ roots: async () => rows, changeOf: async () => 'nothing' });
    const [file, folder] = (await tree.getChildren()).map((row) => tree.getTreeItem(row));
    assert.equal(file?.resourceUri?.authority, someId);
    assert.equal(file?.resourceUri?.path, '/plans/trip.md');
    assert.equal(file?.command?.command, 'vscode.open');
    assert.equal(folder?.command, undefined);
  });

  it('tells the editor of the one row that was given new facts', async () => {
    const tree = new RowTree({ roots: async () => [locationRow(someLocation())], changeOf: async () => 'nothing' });
    const [row] = await tree.getChildren();
    const changed: unknown[] = [];
    tree.onDidChangeTreeData((one) => changed.push(one));
    tree.renew(locationRow(someLocation({ name: 'other' })).facts);
    tree.renew(locationRow(someLocation({ locationId: otherId })).facts);
    assert.deepEqual(changed, [row]);
    assert.equal(row?.facts.label, 'other');
  });
});
