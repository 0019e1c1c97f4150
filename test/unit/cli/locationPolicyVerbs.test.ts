import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { usualRunRules } from '../../../protocol/methods/policies.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import { endingAs, location, policy } from './samples.ts';

const passing = { check: 'writable', result: 'pass', detail: 'Files can be written.', fix: null };
const failing = { check: 'reachable', result: 'fail', detail: 'The folder is not there.', fix: 'Mount it.' };

describe('cli location', () => {
  it('adds a folder by its absolute path', async () => {
    const daemon = new FakeDaemon({ 'location.add': () => ({ location, checks: [passing] }) });
    const { status, json } = await runWith(['location', 'add', 'filesystem', 'disk', '--path', 'backup', '--json'], { daemon });
    assert.equal(status, 0);
    assert.deepEqual(json(), { ...location, checks: [passing] });
    assert.deepEqual(daemon.of('location.add')[0]?.params, { name: 'disk', spec: { kind: 'filesystem', path: '/home/user/here/backup' } });
    const human = await runWith(['loc', 'add', 'filesystem', 'disk', '--path', '/b'], {
      daemon: new FakeDaemon({ 'location.add': () => ({ location, checks: [passing] }) }),
    });
    assert.match(human.out, /not immutable/);
  });

  it('prints the checks and ends with 1 where one fails and nothing was saved', async () => {
    const answers = { 'location.add': () => ({ location: null, checks: [passing, failing] }) };
    const { status, json } = await runWith(['location', 'add', 'filesystem', 'disk', '--path', '/b', '--json'], {
      daemon: new FakeDaemon(answers),
    });
    assert.equal(status, 1);
    assert.deepEqual(json(), [passing, failing]);
    const { out } = await runWith(['location', 'add', 'filesystem', 'disk', '--path', '/b'], { daemon: new FakeDaemon(answers) });
    assert.match(out, /pass {2}writable: .*\nfail {2}reachable: .*\n {6}Mount it\.\n\nNothing was saved\./);
  });

  it('validates: exit 1 with the checks where one fails', async () => {
    const good = await runWith(['location', 'validate', 'disk', '--json'], {
      daemon: new FakeDaemon({ 'location.validate': () => ({ checks: [passing] }) }),
    });
    assert.deepEqual([good.status, good.json()], [0, [passing]]);
    const bad = await runWith(['location', 'validate', 'disk', '--json'], {
      daemon: new FakeDaemon({ 'location.validate': () => ({ checks: [failing] }) }),
    });
    assert.deepEqual([bad.status, bad.json()], [1, [failing]]);
  });

  it('lists, edits and removes', async () => {
    const daemon = new FakeDaemon({
      'location.list': () => ({ items: [location], next: null }),
      'location.edit': () => ({ location: { ...location, name: 'drive' }, checks: [] }),
      'location.remove': ({ confirmed }) => {
        if (confirmed !== true) throw new HoldfastError('confirmationNeeded', 'Forget the location disk?');
        return { ...location, lockedKeyrings: null, notes: [] };
      },
    });
    assert.deepEqual((await runWith(['location', 'list', '--json'], { daemon })).json(), [location]);
    assert.match((await runWith(['location', 'list'], { daemon })).out, /disk +filesystem +\/mnt\/backup +118 MiB +not immutable/);
    assert.equal((await runWith(['location', 'edit', 'disk', '--path', '../b', '--rename', 'drive'], { daemon })).status, 0);
    assert.deepEqual(daemon.of('location.edit')[0]?.params, { location: 'disk', path: '/home/user/b', name: 'drive' });
    assert.equal((await runWith(['location', 'edit', 'disk'], { daemon })).status, 2);
    assert.equal((await runWith(['location', 'remove', 'disk'], { daemon })).status, 2);
    assert.equal((await runWith(['location', 'remove', 'disk', '--yes'], { daemon })).status, 0);
    const empty = await runWith(['location', 'list'], { daemon: new FakeDaemon({ 'location.list': () => ({ items: [], next: null }) }) });
    assert.match(empty.out, /holdfast location add/);
  });

  it('D3: says what stays locked at a location that is removed, in the question and with --quiet too', async () => {
    const note = '2 keyrings stay locked there until 2026-02-11 03:04 UTC.';
    const removed = { ...location, lockedKeyrings: { count: 2, until: '2026-02-11T03:04:05.678Z' }, notes: [note] };
    const daemon = new FakeDaemon({
      'location.remove': ({ confirmed }) => {
        if (confirmed !== true) throw new HoldfastError('confirmationNeeded', `Remove location disk? ${note}`);
        return removed;
      },
    });
    const asked = await runWith(['location', 'remove', 'disk'], { daemon });
    assert.deepEqual([asked.status, asked.err.includes(note)], [2, true]);
    for (const quiet of [[], ['--quiet']])
      assert.match(
        (await runWith(['location', 'remove', 'disk', '--yes', ...quiet], { daemon })).out,
        /^Forgot the location disk.*\n2 keyrings stay locked there/,
      );
    assert.deepEqual((await runWith(['location', 'remove', 'disk', '--yes', '--json'], { daemon })).json(), removed);
  });
});

const started = (): { actionId: string } => ({ actionId: location.locationId });

describe('cli location collect-garbage', () => {
  const document = {
    location: 'disk',
    locationId: location.locationId,
    freedBytes: 1024,
    freedObjects: 2,
    waiting: [{ until: '2026-03-02T12:00:00.000Z', bytes: 2048 }],
    partlyUsedBytes: 4096,
    stopped: [],
    dryRun: false,
  };

  it('prints what was freed and what waits', async () => {
    const end = { kind: 'collectGarbage', state: 'complete', finishedAt: policy.createdAt, result: document } as const;
    const daemon = new FakeDaemon({ 'location.collectGarbage': started, 'action.result': endingAs(end) });
    const { status, json } = await runWith(['location', 'collect-garbage', 'disk', '--json'], { daemon });
    assert.deepEqual([status, json()], [0, document]);
    assert.equal(daemon.of('location.collectGarbage')[0]?.params['dryRun'], false);
    const human = await runWith(['loc', 'collect-garbage', 'disk', '--dry-run'], {
      daemon: new FakeDaemon({
        'location.collectGarbage': started,
        'action.result': endingAs({ ...end, result: { ...document, dryRun: true } }),
      }),
    });
    assert.match(human.out, /^Would free 1\.00 KiB at disk\.\n2\.00 KiB held until 2026-03-02 .* \(in 24 h\)\.\n4\.00 KiB stay in packs/);
  });

  it('prints its document and ends with 5 where a policy could not be collected', async () => {
    const reason = 'Failed to collect the garbage of policy work: a manifest is damaged.';
    const stopped = { ...document, freedBytes: 0, stopped: [{ policy: 'work', policyId: policy.policyId, reason }] };
    const error = { code: 'damaged', message: reason, fix: 'Verify its restore points.', details: null };
    const end = { kind: 'collectGarbage', state: 'failed', finishedAt: policy.createdAt, result: stopped, error } as const;
    const daemon = new FakeDaemon({ 'location.collectGarbage': started, 'action.result': endingAs(end) });
    const { status, json } = await runWith(['location', 'collect-garbage', 'disk', '--json'], { daemon });
    assert.deepEqual([status, json()], [5, stopped]);
  });
});

describe('cli policy', () => {
  it('creates one from what was typed', async () => {
    const daemon = new FakeDaemon({ 'policy.create': () => policy });
    const files = { '/home/user/here/patterns': '# a comment\r\n\r\n*.tmp\n  \nbuild/\n' };
    const { status, json } = await runWith(
      [
        'policy create work --source src ../notes --source /etc/hosts --location disk --exclude *.iso !keep.iso',
        '--exclude-file patterns --gitignore --one-file-system --max-file-size 2GiB --json',
      ].flatMap((words) => words.split(' ')),
      { daemon, files },
    );
    assert.equal(status, 0);
    assert.deepEqual(json(), policy);
    assert.deepEqual(daemon.of('policy.create')[0]?.params, {
      name: 'work',
      sources: ['/home/user/here/src', '/home/user/notes', '/etc/hosts'].map((path) => ({ kind: 'folder', path })),
      location: 'disk',
      ...usualRunRules,
      keep: { latest: 10, hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 3 },
      exclude: ['*.iso', '!keep.iso', '*.tmp', 'build/'],
      gitignore: true,
      oneFileSystem: true,
      includeCaches: false,
      maxFileSize: 2_147_483_648,
    });
  });

  it('says what new rules of retention are going to retire, and that they are set where that can not be told', async () => {
    const items = [true, false, false].map((keep, index) => ({
      id: policy.policyId,
      sequence: index + 1,
      startedAt: '2026-03-01T00:00:00.000Z',
      keep,
      reasons: [],
    }));
    const kept = { ...policy, keep: { latest: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 } };
    const edit = ['policy', 'edit', 'work', '--keep-latest', '1'];
    const telling = new FakeDaemon({ 'policy.edit': () => kept, 'policy.retention': () => ({ items, next: null }) });
    assert.match(
      (await runWith(edit, { daemon: telling })).out,
      /It keeps 1 latest; the next run retires 2 of 3 restore points: holdfast policy retention work --dry-run shows which\.\n$/,
    );
    const silent = new FakeDaemon({
      'policy.edit': () => kept,
      'policy.retention': () => {
        throw new HoldfastError('failed', 'Failed to list.');
      },
    });
    const { status, out } = await runWith(edit, { daemon: silent });
    assert.deepEqual([status, out.endsWith('It keeps 1 latest.\n')], [0, true]);
  });

  it('keeps what --keep-… says, of the other units nothing, and by --keep-all everything', async () => {
    const daemon = new FakeDaemon({ 'policy.create': () => policy, 'policy.edit': () => policy });
    await runWith(['policy', 'create', 'work', '--source', 'a', '--location', 'disk', '--keep-latest', '2', '--keep-yearly', '5'], {
      daemon,
    });
    await runWith(['policy', 'create', 'work', '--source', 'a', '--location', 'disk', '--keep-all'], { daemon });
    await runWith(['policy', 'edit', 'work', '--keep-hourly', '0'], { daemon });
    const none = { latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
    assert.deepEqual(
      daemon.of('policy.create').map(({ params }) => params['keep']),
      [{ ...none, latest: 2, yearly: 5 }, null],
    );
    assert.deepEqual(daemon.of('policy.edit')[0]?.params, { policy: 'work', keep: none });
  });

  it('says which retention a new policy gets where nothing was said', async () => {
    const keep = { latest: 10, hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 3 };
    const daemon = new FakeDaemon({ 'policy.create': () => ({ ...policy, keep }), 'policy.show': () => ({ ...policy, keep }) });
    const usual = await runWith(['policy', 'create', 'work', '--source', 'a', '--location', 'disk'], { daemon });
    assert.match(usual.out, /keeps 10 latest, 24 hourly, 14 daily, 8 weekly, 12 monthly, 3 yearly, as nothing else was said/);
    assert.match((await runWith(['policy', 'show', 'work'], { daemon })).out, /Keeps: +10 latest, 24 hourly/);
  });

  it('shows what retention would do, and only with --dry-run', async () => {
    const items = [
      { id: policy.policyId, sequence: 2, startedAt: policy.createdAt, keep: true, reasons: ['newest', 'daily 2026-03-01'] },
      { id: policy.locationId, sequence: 1, startedAt: policy.createdAt, keep: false, reasons: [] },
    ];
    const daemon = new FakeDaemon({ 'policy.retention': () => ({ items, next: null }) });
    const { status, json } = await runWith(['policy', 'retention', 'work', '--dry-run', '--json'], { daemon });
    assert.deepEqual([status, json()], [0, items]);
    const human = await runWith(['policy', 'retention', 'work', '--dry-run'], { daemon });
    assert.match(human.out, /keep +newest, daily 2026-03-01\n.*retire *\n\n1 restore point of 2 would be retired/);
    const bare = await runWith(['policy', 'retention', 'my work'], { daemon });
    assert.equal(bare.status, 2);
    assert.match(
      bare.err,
      /Run "holdfast policy retention 'my work' --dry-run"; the next run of the policy does it \("holdfast backup 'my work'"\)\.\n$/,
    );
    assert.equal(daemon.of('policy.retention').length, 2);
  });

  it('makes sources of commands, beside folders or alone, and of what runs before and after', async () => {
    const daemon = new FakeDaemon({ 'policy.create': () => policy });
    const commands = ['--command', 'shop.sql=PGOPTIONS=-c pg_dump shop', '--command', 'k8s=kubectl get'];
    const hooks = ['--before', 'systemctl stop shop', '--after', 'systemctl start shop', '--hook-timeout', '10m'];
    await runWith(['policy', 'create', 'db', '--location', 'disk', ...commands, ...hooks], { daemon });
    await runWith(['policy', 'create', 'both', '--source', 'a', '--command', 'x=true', '--location', 'disk', '--after', 'x'], { daemon });
    const [alone, both] = daemon.of('policy.create').map(({ params }) => params);
    assert.deepEqual(alone?.['sources'], [
      { kind: 'command', name: 'shop.sql', command: 'PGOPTIONS=-c pg_dump shop' },
      { kind: 'command', name: 'k8s', command: 'kubectl get' },
    ]);
    assert.deepEqual(alone?.['before'], { command: 'systemctl stop shop', timeLimit: 600 });
    assert.deepEqual(alone?.['after'], { command: 'systemctl start shop', timeLimit: 600 });
    assert.deepEqual(both?.['sources'], [
      { kind: 'folder', path: '/home/user/here/a' },
      { kind: 'command', name: 'x', command: 'true' },
    ]);
    assert.deepEqual([both?.['before'], both?.['after']], [null, { command: 'x', timeLimit: 3600 }]);
  });

  it('changes one hook and leaves the other, changes their time, and takes one away', async () => {
    const before = { command: 'stop', timeLimit: 60 };
    const after = { command: 'start', timeLimit: 90 };
    const daemon = new FakeDaemon({ 'policy.edit': () => policy, 'policy.show': () => ({ ...policy, before, after }) });
    await runWith(['policy', 'edit', 'work', '--before', 'other'], { daemon });
    await runWith(['policy', 'edit', 'work', '--hook-timeout', '5m'], { daemon });
    await runWith(['policy', 'edit', 'work', '--before', '', '--after='], { daemon });
    assert.deepEqual(
      daemon.of('policy.edit').map(({ params }) => params),
      [
        { policy: 'work', before: { command: 'other', timeLimit: 60 }, after },
        { policy: 'work', before: { ...before, timeLimit: 300 }, after: { ...after, timeLimit: 300 } },
        { policy: 'work', before: null, after: null },
      ],
    );
  });

  it('shows commands and hooks with nothing in them that a terminal would obey', async () => {
    const sources = [...policy.sources, { kind: 'command', name: 'db', command: 'dump \u001b[2J', sourceId: policy.policyId }];
    const before = { command: 'stop\u202e', timeLimit: 60 };
    const shown = { ...policy, sources, before };
    const daemon = new FakeDaemon({ 'policy.show': () => shown, 'policy.list': () => ({ items: [shown], next: null }) });
    const { out } = await runWith(['policy', 'show', 'work'], { daemon });
    assert.match(out, /db = dump \\x1b\[2J/);
    assert.match(out, /Before: +stop\\u202e \(.* at most\)/);
    assert.match((await runWith(['policy', 'list'], { daemon })).out, /\/home\/user\/work, db/);
  });

  it('takes paths from where npm was typed in a checkout', async () => {
    const daemon = new FakeDaemon({ 'policy.create': () => policy });
    await runWith(['policy', 'create', 'work', '--source', 'src', '--location', 'disk'], {
      daemon,
      environment: { HOLDFAST_CHECKOUT: '/checkout', INIT_CWD: '/typed' },
    });
    assert.deepEqual(daemon.of('policy.create')[0]?.params['sources'], [{ kind: 'folder', path: '/typed/src' }]);
  });

  it('refuses what is missing or can not be, with 2 and without asking the daemon', async () => {
    const files = { '/home/user/here/large': '*.tmp\n'.repeat(200_000) };
    for (const args of [
      ['work', '--location', 'disk'],
      ['work', '--source', 'a'],
      ['a@b', '--source', 'a', '--location', 'disk'],
      ['latest', '--source', 'a', '--location', 'disk'],
      ['work', '--source', '', '--location', 'disk'],
      ['work', '--source', 'a', '--location', 'disk', '--max-file-size', 'many'],
      ['work', '--source', 'a', '--location', 'disk', '--exclude-file', 'none'],
      ['work', '--source', 'a', '--location', 'disk', '--exclude-file', 'large'],
      ['work', '--source', 'a', '--location', 'disk', '--exclude', ''],
      ['work', '--source', 'a', '--location', 'disk', '--keep-daily', '-3'],
      ['work', '--source', 'a', '--location', 'disk', '--keep-daily', '100001'],
      ['work', '--source', 'a', '--location', 'disk', '--keep-daily', '3', '--keep-all'],
      ['work', '--source', 'a', '--location', 'disk', '--command', 'pg_dump x'],
      ['work', '--location', 'disk', '--command', '.db=pg_dump x'],
      ['work', '--location', 'disk', '--command', 'db='],
      ['work', '--source', 'a', '--location', 'disk', '--hook-timeout', '5m'],
      ['work', '--source', 'a', '--location', 'disk', '--before', 'x', '--hook-timeout', '2d'],
      ['work', '--source', 'a', '--location', 'disk', '--before', 'x', '--hook-timeout', '5'],
    ]) {
      const daemon = new FakeDaemon({});
      assert.equal((await runWith(['policy', 'create', ...args], { daemon, files })).status, 2, args.join(' '));
      assert.deepEqual(daemon.asked, []);
    }
  });

  it('edits only what was typed', async () => {
    const daemon = new FakeDaemon({ 'policy.edit': () => policy });
    await runWith(['policy', 'edit', 'work', '--no-gitignore', '--rename', 'all'], { daemon });
    await runWith(['policy', 'edit', 'work', '--source', 'a', '--include-caches'], { daemon });
    assert.deepEqual(
      daemon.of('policy.edit').map(({ params }) => params),
      [
        { policy: 'work', gitignore: false, name: 'all' },
        { policy: 'work', includeCaches: true, sources: [{ kind: 'folder', path: '/home/user/here/a' }] },
      ],
    );
    assert.equal((await runWith(['policy', 'edit', 'work'], { daemon })).status, 2);
  });

  it('lists and shows', async () => {
    const daemon = new FakeDaemon({ 'policy.list': () => ({ items: [policy], next: null }), 'policy.show': () => policy });
    assert.deepEqual((await runWith(['policy', 'list', '--json'], { daemon })).json(), [policy]);
    assert.match((await runWith(['policy', 'list'], { daemon })).out, /work +\/home\/user\/work +disk +3 +by hand +complete/);
    assert.deepEqual((await runWith(['policy', 'show', 'work', '--json'], { daemon })).json(), policy);
    assert.match((await runWith(['policy', 'show', 'work'], { daemon })).out, /Left out: +\*\.iso\nRules: +\.gitignore files are honoured/);
  });

  it('lists one that can not be read beside the others, and says why below', async () => {
    const problem = 'Failed to read policy odd\u202e: its definition is not one of this program’s.';
    const odd = { ...policy, name: 'odd', sources: [], exclude: [], problem };
    const daemon = new FakeDaemon({ 'policy.list': () => ({ items: [odd, policy], next: null }) });
    const { out, status } = await runWith(['policy', 'list'], { daemon });
    assert.equal(status, 0);
    assert.match(
      out,
      /odd +can not be read +disk +3 +unknown +complete.*\nwork +\/home\/user\/work .*\n\nFailed to read policy odd\\u202e: /,
    );
  });

  it('deletes after the question', async () => {
    const daemon = new FakeDaemon({
      'policy.delete': ({ confirmed }) => {
        if (confirmed !== true) throw new HoldfastError('confirmationNeeded', 'Delete policy work? Its 3 restore points stay.');
        return policy;
      },
    });
    assert.equal((await runWith(['policy', 'delete', 'work'], { daemon })).status, 2);
    const asked = await runWith(['policy', 'delete', 'work'], { daemon, answers: ['yes'] });
    assert.equal(asked.status, 0);
    assert.match(asked.err, /Delete policy work\? Its 3 restore points stay\./);
    assert.match(asked.out, /its 3 restore points stay until retired/);
  });
});
