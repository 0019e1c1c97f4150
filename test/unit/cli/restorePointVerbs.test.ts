import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Entry } from '../../../protocol/methods/restorePoints.ts';
import type { ErrorDocument } from '../../../protocol/methods/values.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { memberOf, runWith } from './fakeHost.ts';
import { action, at, id, otherId, restorePoint } from './samples.ts';

const entry: Entry = { path: 'src/main.ts', kind: 'file', mode: 0o644, size: 1234, mtime: at, linkTarget: null, pathBytes: null };

describe('cli restore-point', () => {
  it('lists by policy, time and number', async () => {
    const daemon = new FakeDaemon({ 'restorePoint.list': () => ({ items: [restorePoint], next: null }) });
    const args = ['restore-point', 'list', '--policy', 'work', '--since', '7d', '--limit', '5', '--include-retired'];
    assert.deepEqual((await runWith([...args, '--json'], { daemon })).json(), [restorePoint]);
    assert.deepEqual(daemon.of('restorePoint.list')[0]?.params, {
      policy: 'work',
      since: '2026-02-22T12:00:00.000Z',
      includeRetired: true,
      limit: 5,
    });
    assert.match((await runWith(['rp', 'list'], { daemon })).out, /4f1c2a00 +work +2026-03-01 .* 1,234 +4\.77 MiB +68\.4 KiB +live/);
    for (const bad of [
      ['--limit', '0'],
      ['--limit', 'x'],
      ['--since', 'yesterday'],
    ]) {
      assert.equal((await runWith(['rp', 'list', ...bad], { daemon: new FakeDaemon({}) })).status, 2);
    }
  });

  it('says until when each is locked, where any is', async () => {
    const items = [
      { ...restorePoint, protectedUntil: '2026-12-20T12:00:00.000Z' },
      { ...restorePoint, protectedUntil: '2027-01-02T12:00:00.000Z' },
      { ...restorePoint, protectedUntil: '2026-02-27T12:00:00.000Z' },
      restorePoint,
    ];
    const daemon = new FakeDaemon({
      'restorePoint.list': () => ({ items, next: null }),
      'restorePoint.retire': () => ({ ...restorePoint, state: 'retired', protectedUntil: '2026-03-20T12:00:00.000Z' }),
    });
    const { out } = await runWith(['rp', 'list'], { daemon });
    const [titles = '', ...rows] = out.trimEnd().split('\n');
    assert.match(titles, / STATE +PROTECTED$/);
    assert.deepEqual(
      rows.map((row) => / live +(.*)$/.exec(row)?.[1]),
      ['locked until 20 Dec', 'locked until 2 Jan 2027', 'lock ended 27 Feb', 'not locked'],
    );
    const retired = await runWith(['rp', 'retire', '4f1c', '--yes'], { daemon });
    assert.match(retired.out, /^Retired the restore point 4f1c2a00 of work; its space is held until 2026-03-20 .*\(in 19 d\)\.\n$/);
    const plain = new FakeDaemon({ 'restorePoint.list': () => ({ items: [restorePoint], next: null }) });
    assert.doesNotMatch((await runWith(['rp', 'list'], { daemon: plain })).out, /PROTECTED|locked/);
  });

  it('lists files page by page', async () => {
    const pages = new Map<unknown, unknown>([
      [undefined, { items: [entry, { ...entry, path: 'src', kind: 'dir', mode: 0o755, size: null }], next: 'two' }],
      ['two', { items: [{ ...entry, path: 'l', kind: 'link', mode: 0o777, size: null, linkTarget: 'a\u001b' }], next: null }],
    ]);
    const daemon = new FakeDaemon({ 'restorePoint.files': ({ after }) => pages.get(after) });
    const { json } = await runWith(['rp', 'files', 'latest', 'src', '--recursive', '--json'], { daemon });
    assert.deepEqual(
      Object.values(Object(json())).map((each) => memberOf(each, 'path')),
      ['src/main.ts', 'src', 'l'],
    );
    assert.deepEqual(daemon.of('restorePoint.files')[1]?.params, { restorePoint: 'latest', path: 'src', recursive: true, after: 'two' });
    const { out } = await runWith(['rp', 'files', 'latest'], { daemon });
    const lines = out.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^-rw-r--r-- {3}1\.21 KiB {2}2026-03-01 \d\d:55 {2}src\/main\.ts$/);
    assert.match(lines[1] ?? '', /^drwxr-xr-x .* src\/$/);
    assert.match(lines[2] ?? '', / l -> a\\x1b$/);
  });

  it('prints the bytes of a file and of an archive as they are', async () => {
    const daemon = new FakeDaemon({ 'restorePoint.cat': () => ({ streamId: 1 }), 'restorePoint.dump': () => ({ streamId: 2 }) }, [
      'a\u001b\0',
      'b',
    ]);
    assert.deepEqual((await runWith(['rp', 'cat', 'latest', 'src/x'], { daemon })).out, 'a\u001b\0b');
    assert.deepEqual(daemon.of('restorePoint.cat')[0]?.params, { restorePoint: 'latest', path: 'src/x' });
    assert.deepEqual((await runWith(['rp', 'dump', 'latest', 'src', '--format', 'tar'], { daemon })).out, 'a\u001b\0b');
    assert.deepEqual(daemon.of('restorePoint.dump')[0]?.params, { restorePoint: 'latest', path: 'src', format: 'tar' });
    assert.equal((await runWith(['rp', 'dump', 'latest', '--format', 'zip'], { daemon })).status, 2);
    assert.equal((await runWith(['rp', 'dump', 'latest', '--format', 'tar'], { daemon, isOutTerminal: true })).status, 2);
  });

  it('ends quietly when nobody reads any more, and asks for no more bytes', async () => {
    const daemon = new FakeDaemon(
      { 'restorePoint.cat': () => ({ streamId: 1 }) },
      Array.from({ length: 100 }, () => 'x'),
    );
    const { status, out, err } = await runWith(['rp', 'cat', 'latest', 'x'], { daemon, writesUntilClosed: 2 });
    assert.deepEqual([status, out, err], [0, 'xx', '']);
    assert.equal(daemon.streamed, 3);
    assert.ok(daemon.isDisposed);
  });

  it('diffs with the one before, another one, and the sources', async () => {
    const changes = [
      { path: 'a', change: 'added' },
      { path: 'b', change: 'removed' },
      { path: 'c\n', change: 'modified' },
    ];
    const top = [
      { path: 'work', kind: 'dir', mode: 0o755, size: null, mtime: null, linkTarget: null, pathBytes: null },
      { path: 'db.sql', kind: 'stream', mode: 0o600, size: 3, mtime: null, linkTarget: null, pathBytes: null },
    ];
    const daemon = new FakeDaemon({
      'restorePoint.diff': () => ({ items: changes, next: null }),
      'restorePoint.files': () => ({ items: top, next: null }),
    });
    assert.deepEqual((await runWith(['rp', 'diff', 'latest', '--json'], { daemon })).json(), changes);
    assert.equal((await runWith(['rp', 'diff', 'latest', 'other'], { daemon })).out, '+  a\n-  b\nM  c\\n\n');
    const withSource = await runWith(['rp', 'diff', 'latest', '--with-source'], { daemon });
    assert.equal(withSource.err, 'db.sql is not compared: a command printed it, and no command runs for this.\n');
    assert.deepEqual(
      daemon.of('restorePoint.diff').map(({ params }) => params),
      [
        { restorePoint: 'latest', against: 'previous' },
        { restorePoint: 'latest', against: 'other', other: 'other' },
        { restorePoint: 'latest', against: 'source' },
      ],
    );
    assert.equal((await runWith(['rp', 'diff', 'latest', 'other', '--with-source'], { daemon })).status, 2);
  });

  it('says on a terminal that nothing differs, and prints nothing into a pipe', async () => {
    const daemon = new FakeDaemon({
      'restorePoint.diff': () => ({ items: [], next: null }),
      'restorePoint.files': () => ({ items: [], next: null }),
    });
    for (const [against, said] of [
      [[], 'No differences from the restore point before it.\n'],
      [['oth\ter'], 'No differences from oth\\ter.\n'],
      [['--with-source'], 'No differences from the sources as they are now.\n'],
    ] as const) {
      const args = ['rp', 'diff', 'latest', ...against];
      assert.equal((await runWith(args, { daemon, isOutTerminal: true })).out, said);
      assert.equal((await runWith(args, { daemon })).out, '');
      assert.deepEqual((await runWith([...args, '--json'], { daemon, isOutTerminal: true })).json(), []);
    }
  });

  it('verifies: 0 when all is well, 5 with the document when something is damaged', async () => {
    const document = {
      actionId: id,
      restorePointId: otherId,
      ok: true,
      checkedObjects: 3,
      checkedBytes: 99,
      damaged: [],
      damagedCount: 0,
      ownerTagChecked: true,
      notes: [],
      seconds: 1,
    };
    const verifying = (change: object, error: ErrorDocument | null = null): FakeDaemon =>
      new FakeDaemon({
        'restorePoint.verify': () => ({ actionId: id }),
        'action.result': () => action({ kind: 'verify', state: 'complete', result: { ...document, ...change }, error }),
      });
    const daemon = verifying({});
    const good = await runWith(['rp', 'verify', 'latest', '--read-data', '--json'], { daemon });
    assert.deepEqual([good.status, good.json()], [0, document]);
    assert.equal(daemon.of('restorePoint.verify')[0]?.params['readData'], true);
    const [quick, deep] = [
      await runWith(['rp', 'verify', 'latest'], { daemon }),
      await runWith(['rp', 'verify', 'latest', '--read-data'], { daemon }),
    ];
    assert.match(quick.out, /all is well \(.*\); contents were not read, --read-data reads them\.\n$/);
    assert.match(deep.out, /all is well \([^)]*\)\.\n$/);
    const damage = { ok: false, damaged: [{ path: 'x', reason: 'Gone.' }], damagedCount: 1 };
    const bad = await runWith(['rp', 'verify', 'latest', '--json'], { daemon: verifying(damage) });
    assert.deepEqual([bad.status, bad.json()], [5, { ...document, ...damage }]);
    const error = { code: 'damaged', message: 'Restore point is damaged.', fix: 'Back up again.', details: null };
    assert.match(
      (await runWith(['rp', 'verify', 'latest'], { daemon: verifying(damage, error) })).out,
      /damaged \(3 objects.*\n {2}damaged {2}x: Gone\.\nBack up again\.\n$/,
    );
  });

  it('verifies: 6 with notes and what is damaged where another copy of it serves', async () => {
    const document = {
      actionId: id,
      restorePointId: otherId,
      ok: false,
      checkedObjects: 3,
      checkedBytes: 99,
      damaged: [{ path: 'x', reason: 'Gone.' }],
      damagedCount: 1,
      notes: ['Another version has its place.'],
      seconds: 1,
    };
    const daemon = new FakeDaemon({
      'restorePoint.verify': () => ({ actionId: id }),
      'action.result': () => action({ kind: 'verify', state: 'completeWithWarnings', result: document }),
    });
    const { status, out } = await runWith(['rp', 'verify', 'latest'], { daemon });
    assert.equal(status, 6);
    assert.match(out, /every file can be restored \(3 objects.*\n {2}damaged {2}x: Gone\.\n {2}note {2}Another version has its place\.\n$/);
  });

  it('retires after the question, pins and unpins', async () => {
    const daemon = new FakeDaemon({
      'restorePoint.retire': ({ confirmed }) => {
        if (confirmed !== true) throw new HoldfastError('confirmationNeeded', 'Retire it?');
        return { ...restorePoint, state: 'retired' };
      },
      'restorePoint.pin': () => ({ ...restorePoint, pinned: true }),
      'restorePoint.unpin': () => restorePoint,
    });
    assert.equal((await runWith(['rp', 'retire', 'latest'], { daemon })).status, 2);
    assert.deepEqual((await runWith(['rp', 'retire', 'latest', '--yes', '--json'], { daemon })).json(), {
      ...restorePoint,
      state: 'retired',
    });
    assert.deepEqual((await runWith(['rp', 'pin', 'latest', '--json'], { daemon })).json(), { ...restorePoint, pinned: true });
    assert.equal((await runWith(['rp', 'unpin', 'latest'], { daemon })).status, 0);
  });
});

describe('cli file-history', () => {
  it('asks for the absolute path and lists the versions', async () => {
    const versions = [
      { restorePointId: id, time: at, size: 10, change: 'modified' },
      { restorePointId: otherId, time: at, size: null, change: 'removed' },
    ];
    const daemon = new FakeDaemon({ 'restorePoint.fileHistory': () => ({ items: versions, next: null }) });
    assert.deepEqual((await runWith(['file-history', '../x', '--json'], { daemon })).json(), versions);
    assert.deepEqual(daemon.of('restorePoint.fileHistory')[0]?.params, { path: '/home/user/x' });
    assert.match((await runWith(['file-history', 'x'], { daemon })).out, /4f1c2a00 .* 10 B +modified\naaaaaaaa .* - +removed/);
    const none = new FakeDaemon({ 'restorePoint.fileHistory': () => ({ items: [], next: null }) });
    assert.match((await runWith(['file-history', 'x'], { daemon: none })).out, /No restore point has \/home\/user\/here\/x/);
  });
});
