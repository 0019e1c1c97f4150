import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { FakeHost, memberOf, runOn, runWith } from './fakeHost.ts';
import { at, id, passkey, unlockedStatus } from './samples.ts';

describe('cli init', () => {
  const initialised = new Map([['session.init', () => ({ installationId: id, passkey: 'passphrase', slotId: id })]]);
  const daemon = (): FakeDaemon => new FakeDaemon(Object.fromEntries(initialised));

  it('generates a passphrase, sends it sealed, and shows it once', async () => {
    const fake = daemon();
    const { status, json, out } = await runWith(['init', '--json'], { daemon: fake, isRunning: false });
    assert.equal(status, 0);
    assert.deepEqual(json(), { installationId: id, passkey: 'passphrase', slotId: id, passphrase: 'zoo-zoo-zoo-zoo-zoo-zoo-zoo' });
    assert.deepEqual(fake.of('session.init')[0]?.secrets, ['zoo-zoo-zoo-zoo-zoo-zoo-zoo']);
    assert.equal(out.split('zoo-zoo').length, 4);
    const human = await runWith(['init', '--quiet'], { daemon: daemon() });
    assert.match(human.out, /zoo-zoo-zoo-zoo-zoo-zoo-zoo/);
  });

  it('takes a passphrase from a file or standard input and does not show it', async () => {
    const fake = daemon();
    const { json, out } = await runWith(['init', '--passphrase-file', 'p', '--passkey-name', 'laptop', '--json'], {
      daemon: fake,
      files: { '/home/user/here/p': 'correct horse\n' },
    });
    assert.deepEqual(json(), { installationId: id, passkey: 'passphrase', slotId: id });
    assert.ok(!out.includes('horse'));
    assert.deepEqual(fake.of('session.init')[0]?.secrets, ['correct horse']);
    assert.equal(fake.of('session.init')[0]?.params['passkeyName'], 'laptop');
    const piped = daemon();
    await runWith(['init', '--passphrase-file', '-'], { daemon: piped, input: ['out of a pipe'] });
    assert.deepEqual(piped.of('session.init')[0]?.secrets, ['out of a pipe']);
  });

  it('refuses other kinds, names that can not be and a file that is not there, before it asks the daemon', async () => {
    for (const args of [
      ['--passkey-kind', 'aws-kms'],
      ['--passkey-kind', 'vault-transit', '--key', 'k'],
      ['--key-id', 'alias/backup'],
      ['--passkey-kind', 'vault-transit', '--key', 'k', '--address', 'https://vault.example', '--region', 'eu-west-1'],
      ['--passkey-kind', 'nonsense'],
      ['--passkey-name', 'a\u0007b'],
      ['--passkey-name', ''],
      ['--passphrase-file', 'none'],
    ]) {
      const fake = daemon();
      const { status } = await runWith(['init', ...args], { daemon: fake, isRunning: false });
      assert.equal(status, 2, args.join(' '));
      assert.deepEqual(fake.asked, []);
    }
  });
});

describe('cli status', () => {
  it('only looks: without a daemon it is "notRunning" and exit 0', async () => {
    const { status, json, started } = await runWith(['status', '--json']);
    assert.equal(status, 0);
    assert.deepEqual(json(), {
      state: 'notRunning',
      installationId: null,
      version: null,
      pid: null,
      startedAt: null,
      passkeyInUse: null,
      safeUntil: null,
      lastBackup: null,
      runningActions: [],
      alerts: null,
      readOnly: null,
      unattended: null,
      autoLock: null,
    });
    assert.equal(started, false);
  });

  it('prints what the daemon says', async () => {
    const daemon = new FakeDaemon({ 'session.status': () => unlockedStatus });
    assert.deepEqual((await runWith(['status', '--json'], { daemon })).json(), unlockedStatus);
    assert.ok(daemon.isDisposed);
    const human = await runWith(['status'], { daemon: new FakeDaemon({ 'session.status': () => unlockedStatus }) });
    assert.match(human.out, /State: {12}unlocked\n/);
    assert.match(human.out, /Running: {10}backup work, 42 % \(4f1c2a00\)/);
    assert.doesNotMatch(human.out, /Safe until/);
    for (const [safeUntil, expected] of [
      ['2026-03-20T12:00:00.000Z', /Safe until: {7}2026-03-20 \S+ \(in 19 d\), if the daemon never ran again\n/],
      ['2026-02-27T12:00:00.000Z', /Safe until: {7}2026-02-27 \S+ \(2 d ago\): holdfast immutability status\n/],
    ] as const) {
      const withLocks = new FakeDaemon({ 'session.status': () => ({ ...unlockedStatus, safeUntil }) });
      assert.match((await runWith(['status'], { daemon: withLocks })).out, expected);
    }
    const [first] = unlockedStatus.runningActions;
    const queued = { ...unlockedStatus, runningActions: [{ ...first, state: 'queued', fraction: null }] };
    const waiting = await runWith(['status'], { daemon: new FakeDaemon({ 'session.status': () => queued }) });
    assert.match(waiting.out, /Waiting: {10}backup work \(4f1c2a00\)/);
    const unattended = {
      kind: 'keyService',
      passkey: 'vault',
      path: null,
      problem: 'Failed to open the passkey: Vault is sealed.',
      nextTryAt: '2026-03-01T12:00:05.000Z',
    };
    const trying = await runWith(['status'], {
      daemon: new FakeDaemon({ 'session.status': () => ({ ...unlockedStatus, state: 'locked', unattended }) }),
    });
    assert.match(
      trying.out,
      /Unattended: +with passkey vault\. Failed to open the passkey: Vault is sealed\. It is tried again within seconds\./,
    );
    const later = { ...unattended, isSealed: true, nextTryAt: '2026-03-01T12:10:00.000Z' };
    const { out } = await runWith(['status'], {
      daemon: new FakeDaemon({ 'session.status': () => ({ ...unlockedStatus, state: 'locked', unattended: later }) }),
    });
    assert.match(out, /Unattended: +with passkey vault\. Failed .* is sealed\. It is tried again 2026-03-01 .*\(in 10 min\)\./);
    for (const state of ['notSetUp', 'locked'] as const) {
      const other = new FakeDaemon({
        'session.status': () => ({ ...unlockedStatus, state, installationId: null, passkeyInUse: null, runningActions: [] }),
      });
      assert.match((await runWith(['status'], { daemon: other })).out, state === 'locked' ? /holdfast unlock/ : /holdfast init/);
    }
  });
});

describe('cli unlock', () => {
  const unlocked = { state: 'unlocked', passkeyInUse: 'laptop', alreadyUnlocked: false, stepUpUntil: at };

  it('unlocks with a passphrase from a file, with the passkey that is named', async () => {
    const daemon = new FakeDaemon({ 'session.unlock': () => unlocked });
    const { status, json } = await runWith(['unlock', '--passkey', 'laptop', '--passphrase-file', '-', '--json'], { daemon, input: ['p'] });
    assert.equal(status, 0);
    assert.deepEqual(json(), unlocked);
    assert.deepEqual(daemon.of('session.unlock')[0]?.secrets, ['p']);
    assert.equal(daemon.of('session.unlock')[0]?.params['passkey'], 'laptop');
  });

  it('is done at once where it is unlocked already, and refuses where nothing is set up', async () => {
    const state = { now: 'unlocked' };
    const daemon = new FakeDaemon({ 'session.status': () => ({ ...unlockedStatus, state: state.now }) });
    assert.equal((await runWith(['unlock'], { daemon })).status, 0);
    state.now = 'notSetUp';
    const { status, err } = await runWith(['unlock'], {
      daemon: new FakeDaemon({ 'session.status': () => ({ ...unlockedStatus, state: state.now }) }),
    });
    assert.equal(status, 3);
    assert.match(err, /holdfast init/);
  });

  it('asks on a terminal, three times at most', async () => {
    const locked = { 'session.status': () => ({ ...unlockedStatus, state: 'locked' }) };
    const fake = new FakeDaemon({
      ...locked,
      'passkey.list': () => ({ items: [passkey], next: null }),
      'session.unlock': (_, asked) => {
        if (asked.secrets[0] !== 'right') throw new HoldfastError('wrongSecret', 'Failed to unlock: the secret is wrong.');
        return unlocked;
      },
    });
    assert.equal((await runWith(['unlock'], { daemon: fake, answers: ['wrong', 'right'] })).status, 0);
    const refused = await runWith(['unlock'], { daemon: fake, answers: ['a', 'b', 'c', 'd'] });
    assert.equal(refused.status, 3);
    assert.equal(refused.questions.length, 3);
    assert.equal((await runWith(['unlock'], { daemon: fake })).status, 3);
  });

  it('tries a passphrase from a file once', async () => {
    const daemon = new FakeDaemon({
      'session.unlock': () => {
        throw new HoldfastError('wrongSecret', 'Failed to unlock: the secret is wrong.', { fix: 'Try another.' });
      },
    });
    const { status, json } = await runWith(['unlock', '--passphrase-file', '-', '--json'], { daemon, input: ['p', 'q'] });
    assert.equal(status, 3);
    assert.deepEqual(json(), {
      error: { code: 'wrongSecret', message: 'Failed to unlock: the secret is wrong.', fix: 'Try another.', details: null },
    });
    assert.equal(daemon.of('session.unlock').length, 1);
  });
});

describe('cli lock, stop, serve, version', () => {
  it('locks, and starts no daemon only to lock it', async () => {
    const daemon = new FakeDaemon({ 'session.lock': () => ({ state: 'locked' }) });
    assert.deepEqual((await runWith(['lock', '--json'], { daemon })).json(), { state: 'locked' });
    const { status, started, json } = await runWith(['lock', '--json'], { daemon, isRunning: false });
    assert.deepEqual([status, started, json()], [0, false, { state: 'notRunning' }]);
  });

  it('stops the daemon and waits for its end, and starts none only to stop it', async () => {
    const daemon = new FakeDaemon({ 'session.stop': () => ({ pid: 4711, cancelledActions: 1 }) });
    assert.deepEqual((await runWith(['stop', '--json'], { daemon })).json(), { stopped: true, pid: 4711, cancelledActions: 1 });
    const { status, started } = await runWith(['stop'], { daemon, isRunning: false });
    assert.deepEqual([status, started], [0, false]);
    const host = new FakeHost({ daemon: new FakeDaemon({ 'session.stop': () => ({ pid: 4711, cancelledActions: 0 }) }) });
    host.untilEnded = async () => false;
    assert.equal((await runOn(host, ['stop'])).status, 1);
  });

  it('serves in the foreground with the exit status of the daemon', async () => {
    const host = new FakeHost({});
    assert.equal((await runOn(host, ['serve', '--state', '/there'])).status, 7);
    assert.deepEqual(host.served, ['/there']);
    assert.equal(host.written.out, '');
  });

  it('says its version without a daemon', async () => {
    const { json, connected } = await runWith(['version', '--json']);
    assert.deepEqual(json(), { version: '0.1.0', protocol: '1.0', runtime: '24.0.0', platform: 'linux', architecture: 'x64' });
    assert.deepEqual(connected, []);
    assert.match((await runWith(['version'])).out, /^holdfast 0\.1\.0 \(/);
    assert.equal((await runWith(['--version'])).out, 'holdfast 0.1.0\n');
  });
});

describe('cli log', () => {
  const line = { time: at, level: 'warn', message: 'a\u001b[2Jb', facts: { path: '\u009b' } };

  it('prints the newest lines', async () => {
    const daemon = new FakeDaemon({ 'log.read': () => ({ items: [line], cursor: 'c' }) });
    assert.deepEqual((await runWith(['log', '--json', '--limit', '5'], { daemon })).json(), [line]);
    assert.deepEqual(daemon.of('log.read')[0]?.params, { limit: 5 });
    const human = await runWith(['log'], { daemon: new FakeDaemon({ 'log.read': () => ({ items: [line], cursor: 'c' }) }) });
    assert.equal(human.out, `${at} warn  a\\x1b[2Jb  {"path":"\\u009b"}\n`);
  });

  it('follows until Ctrl-C, as JSON Lines', async () => {
    const host: { now: FakeHost | undefined } = { now: undefined };
    let reads = 0;
    const daemon = new FakeDaemon({
      'log.read': () => {
        reads += 1;
        if (reads === 3) host.now?.interrupt();
        return { items: [{ ...line, message: `line ${reads}` }], cursor: String(reads) };
      },
    });
    host.now = new FakeHost({ daemon });
    const { status, out } = await runOn(host.now, ['log', '--follow', '--json']);
    assert.equal(status, 130);
    const messages = out
      .trimEnd()
      .split('\n')
      .map((text) => memberOf(JSON.parse(text), 'message'));
    assert.deepEqual(messages, ['line 1', 'line 2', 'line 3']);
    assert.deepEqual(
      daemon.of('log.read').map(({ params }) => params['after']),
      [undefined, '1', '2'],
    );
  });

  it('ends with 1 when the daemon ends meanwhile', async () => {
    const daemon = new FakeDaemon({
      'log.read': () => {
        daemon.end();
        return { items: [], cursor: 'c' };
      },
    });
    assert.equal((await runWith(['log', '--follow'], { daemon })).status, 1);
  });
});
