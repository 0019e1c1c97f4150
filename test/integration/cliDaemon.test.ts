import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { cliMain, root, runCli } from '../support/cli.ts';
import { refused } from '../support/cliExpect.ts';
import {
  errorDocument,
  initDocument,
  locationDocument,
  logLineDocument,
  passkeyDocument,
  statusDocument,
  versionDocument,
} from '../support/cliShapes.ts';
import { endDaemons, ScratchState } from '../support/daemon.ts';
import { goneWithin, isAlive, processesNaming } from '../support/processes.ts';

/** Every verb that needs the keys, as it could be typed. */
const verbsThatNeedKeys: readonly string[] = [
  'passkey add passphrase other --passphrase-file {}',
  'passkey use passphrase',
  'passkey verify passphrase --passphrase-file {}',
  'passkey rotate passphrase --passphrase-file {}',
  'passkey retire passphrase --yes',
  'location add filesystem other --path /tmp/nowhere',
  'location validate store',
  'location edit store --rename other',
  'location remove store --yes',
  'unattended passphrase-file {}',
  'unattended command true',
  'policy create other --source / --location store',
  'policy list',
  'policy show files',
  'policy edit files --gitignore',
  'policy delete files --yes',
  'backup files',
  'backup --all',
  'restore-point list',
  'restore-point files latest',
  'restore-point cat latest a',
  'restore-point dump latest --format tar',
  'restore-point diff latest',
  'restore-point verify latest',
  'restore-point retire latest --yes',
  'restore-point pin latest',
  'restore-point unpin latest',
  'file-history /a',
  'restore latest --target /tmp/nowhere',
  'action list',
  'action show 1234',
  'action cancel 1234',
];

/** Some at a time: a machine has few cores, and each call is a process. */
async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 4) await Promise.all(items.slice(at, at + 4).map(work));
}

async function stateOf(args: readonly string[], state: string | undefined, cwd?: string): Promise<string> {
  const result = await runCli(['status', '--json', ...args], {
    ...(state === undefined ? {} : { state }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  assert.equal(result.status, 0, result.stderr);
  return statusDocument.parse(result.json).state;
}

describe('holdfast: set-up, daemon and locking', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let initialised: z.infer<typeof initDocument>;
  const words = (line: string): string[] => line.split(' ').map((word) => word.replace('{}', scratch.passphraseFile));

  before(async () => {
    scratch = new ScratchState();
    initialised = await scratch.json(initDocument, ['init', '--passphrase-file', scratch.passphraseFile]);
    const added = await scratch.cli(['location', 'add', 'filesystem', 'store', '--path', scratch.makeFolder('store')]);
    assert.equal(added.status, 0, added.stderr);
  });
  after(() => scratch[Symbol.asyncDispose]());

  it('says which version it is without a daemon or a state directory', async () => {
    await using fresh = new ScratchState();
    const { version } = await fresh.json(versionDocument, ['version']);
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.equal(existsSync(fresh.state), false);
  });

  it('looks, with status, and never starts the daemon or makes a state directory', async () => {
    await using fresh = new ScratchState();
    const status = await fresh.json(statusDocument, ['status']);
    assert.deepEqual([status.state, status.pid, status.installationId, status.runningActions], ['notRunning', null, null, []]);
    assert.match((await fresh.cli(['status'])).stdout, /^State: +not running\nState directory: +\/\S+\/state\n/);
    assert.equal(existsSync(fresh.state), false);
  });

  it('sets up with a generated passphrase that is shown once, is strong enough and opens the daemon', async () => {
    await using fresh = new ScratchState();
    const made = await fresh.json(initDocument, ['init', '--passkey-name', 'first']);
    assert.equal(made.passkey, 'first');
    const { passphrase = '' } = made;
    // 77 bits from a list of 2,048 words.
    assert.equal(passphrase.split('-').length, 7);
    const status = await fresh.json(statusDocument, ['status']);
    assert.deepEqual([status.state, status.installationId, status.passkeyInUse], ['unlocked', made.installationId, 'first']);
    assert.equal(statSync(fresh.state).mode & 0o777, 0o700);
    await refused(fresh, ['init'], 2, 'alreadySetUp');
    await fresh.json(z.unknown(), ['lock']);
    const unlocked = await fresh.cli(['unlock', '--passphrase-file', '-'], { input: `${passphrase}\n` });
    assert.equal(unlocked.status, 0, unlocked.stderr);
  });

  it('gives no passphrase back that it was handed', () => {
    assert.equal(initialised.passkey, 'passphrase');
    assert.equal('passphrase' in initialised, false);
  });

  it('says for people how the daemon is', async () => {
    const { stdout } = await scratch.cli(['status']);
    for (const line of [
      /^State: +unlocked$/m,
      new RegExp(`^Installation: +${initialised.installationId}$`, 'm'),
      /^Daemon: +\d+\.\d+\.\d+\S*, process \d+, since \d{4}-/m,
      /^Passkey in use: +passphrase$/m,
      /^Last backup: +none yet$/m,
    ]) {
      assert.match(stdout, line);
    }
    const document = await scratch.json(statusDocument, ['status']);
    assert.deepEqual([document.pid, document.lastBackup, document.readOnly], [scratch.daemonPid(), null, false]);
    assert.match((await scratch.cli(['version'])).stdout, /^holdfast \d+\.\d+\.\d+\S* \(protocol \d+\.\d+, runtime [\d.]+, \S+\)\n$/);
  });

  it('refuses a passphrase file that is missing or empty, in one sentence', async () => {
    await using fresh = new ScratchState();
    await refused(fresh, ['init', '--passphrase-file', path.join(fresh.folder, 'nothing')], 2, 'badValue');
    await refused(fresh, ['init', '--passphrase-file', '-'], 2, 'badValue', { input: '' });
  });

  it('asks for a set-up, exit 3, of every verb that needs one', async () => {
    await using fresh = new ScratchState();
    await refused(fresh, ['passkey', 'list'], 3, 'notSetUp');
    const status = await fresh.json(statusDocument, ['status']);
    assert.deepEqual([status.state, status.installationId, status.passkeyInUse], ['notSetUp', null, null]);
    assert.match((await fresh.cli(['status'])).stdout, /^State: +not set up\n[^]*Set it up with holdfast init\.\n$/);
    await forEach(['unlock', 'location list', ...verbsThatNeedKeys], async (line) => {
      await refused(fresh, words(line), 3, 'notSetUp');
    });
    assert.deepEqual(await fresh.json(z.looseObject({ state: z.string() }), ['lock']), { state: 'notSetUp' });
  });

  it('uses the .holdfast of a checkout where npm runs it there, and takes paths from where the user typed', async () => {
    const env = { HOLDFAST_CHECKOUT: scratch.folder, INIT_CWD: scratch.makeFolder('typed here') };
    const where = async (args: readonly string[], more: Readonly<Record<string, string | undefined>> = {}): Promise<string> => {
      const result = await runCli(['status', ...args], { env: { ...env, ...more }, cwd: scratch.folder });
      return /^State directory: +(.*)$/m.exec(result.stdout)?.[1] ?? result.stderr;
    };
    const home = scratch.makeFolder('home');
    const fallback = await where([], { HOME: home, XDG_DATA_HOME: undefined });
    assert.ok(fallback.startsWith(home), fallback);
    const own = scratch.makeFolder('.holdfast');
    assert.equal(await where([]), own);
    assert.equal(await where(['--state', 'mine']), path.join(env.INIT_CWD, 'mine'));
    assert.equal(await where([], { HOLDFAST_STATE: '../state' }), scratch.state);
    await refused(scratch, ['status', '--state', ''], 2, 'badValue');
  });

  it('takes the state directory from --state before HOLDFAST_STATE, and both relative to where it was typed', async () => {
    const elsewhere = path.join(scratch.folder, 'elsewhere');
    assert.equal(await stateOf([], scratch.state), 'unlocked');
    assert.equal(await stateOf(['--state', scratch.state], elsewhere), 'unlocked');
    assert.equal(await stateOf(['--state', elsewhere], scratch.state), 'notRunning');
    assert.equal(await stateOf(['--state', 'state'], undefined, scratch.folder), 'unlocked');
    assert.equal(await stateOf([], 'state', scratch.folder), 'unlocked');
  });

  it('prints the log of the daemon, and follows it until Ctrl-C, exit 130', async () => {
    const lines = await scratch.json(z.array(logLineDocument), ['log', '--limit', '1000']);
    assert.ok(lines.length > 0);
    const follower = scratch.startCli(['log', '--follow', '--json']);
    await follower.outputMatching(/\n/);
    follower.kill('SIGINT');
    const followed = await follower.done;
    assert.equal(followed.status, 130);
    for (const line of followed.stdout.trim().split('\n')) logLineDocument.parse(JSON.parse(line));
  });

  it('runs the daemon in the foreground with serve, once a state directory, and ends it at Ctrl-C', async () => {
    await using fresh = new ScratchState();
    mkdirSync(fresh.state, { mode: 0o700 });
    const serving = fresh.startCli(['serve']);
    await serving.outputMatching(/listens/, 'stderr').catch(() => serving.outputMatching(/listens/, 'stdout'));
    const status = await fresh.json(statusDocument, ['status']);
    assert.equal(status.state, 'notSetUp');
    const second = await fresh.cli(['serve']);
    assert.equal(second.status, 1);
    assert.match(
      second.stderr,
      new RegExp(`^Failed to start a daemon for [^\\n]*process ${String(status.pid)} is running[^\\n]*\\.\\n[^\\n]+\\n$`),
    );
    const { details } = await refused(fresh, ['serve'], 1, 'daemonAlreadyRunning');
    assert.equal(details?.['pid'], status.pid);
    assert.ok(isAlive(status.pid ?? -1));
    serving.kill('SIGINT');
    assert.equal((await serving.done).status, 0);
    assert.equal(isAlive(status.pid ?? -1), false);
  });

  it('lets nothing but the verbs that need no keys work while locked, exit 3 for all others', async () => {
    const locked = await scratch.json(z.looseObject({ state: z.string() }), ['lock']);
    assert.equal(locked.state, 'locked');
    for (const line of ['status', 'lock', 'version', 'log', 'passkey list', 'location list']) {
      const result = await scratch.cli([...line.split(' '), '--json']);
      assert.equal(result.status, 0, `${line}: ${result.stdout}`);
    }
    assert.equal((await scratch.json(statusDocument, ['status'])).state, 'locked');
    // What they show is the same as ever, since whoever unlocks has to choose a passkey.
    const [passkey] = await scratch.json(z.array(passkeyDocument), ['passkey', 'list']);
    assert.deepEqual([passkey?.name, passkey?.state, passkey?.inUse], ['passphrase', 'ready', true]);
    const [location] = await scratch.json(z.array(locationDocument), ['location', 'list']);
    assert.equal(location?.name, 'store');
    const spec = path.join(scratch.folder, 'spec.json');
    writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: path.join(scratch.folder, 'store') }));
    await refused(scratch, ['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile], 2, 'alreadySetUp');
    const one = async (line: string): Promise<void> => void (await refused(scratch, words(line), 3, 'locked'));
    await forEach(verbsThatNeedKeys, one);
    await refused(scratch, ['unlock'], 3, 'locked');
    const unlocked = await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile]);
    assert.equal(unlocked.status, 0, unlocked.stderr);
  });

  it('takes an unlock of what is unlocked as done, whatever the secret', async () => {
    assert.equal((await scratch.cli(['unlock'])).status, 0);
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', '-'], { input: 'wrong\n' })).status, 0);
  });

  it('answers every wrong passphrase with the same sentence, and makes the next attempt wait: what is asked after it is answered before it', async () => {
    await using fresh = new ScratchState();
    await fresh.json(initDocument, ['init', '--passphrase-file', fresh.passphraseFile]);
    await fresh.json(z.unknown(), ['lock']);
    await refused(fresh, ['unlock', '--passkey', 'nobody', '--passphrase-file', '-'], 2, 'unknownName', { input: 'x\n' });
    // Two typing errors are free; after the third the daemon waits a second, and twice as long after each further one.
    const sentences = new Set<string>();
    for (const flags of [[], ['--passkey', 'passphrase'], []]) {
      const wrong = ['unlock', ...flags, '--passphrase-file', '-'];
      sentences.add((await refused(fresh, wrong, 3, 'wrongSecret', { input: `wrong ${flags.length}\n` })).message);
    }
    assert.equal(sentences.size, 1);
    const answered: string[] = [];
    const right = async (): Promise<void> => {
      assert.equal((await fresh.cli(['unlock', '--passphrase-file', fresh.passphraseFile])).status, 0);
      answered.push('right');
    };
    const look = async (): Promise<void> => {
      assert.equal((await fresh.json(statusDocument, ['status'])).state, 'locked');
      answered.push('status');
    };
    await Promise.all([right(), look()]);
    assert.deepEqual(answered, ['status', 'right']);
  });

  it('stops the daemon, waits for its end, and starts it again, locked, with the next verb', async () => {
    const pid = scratch.daemonPid();
    assert.ok(pid !== undefined);
    const stopped = await scratch.json(z.looseObject({ stopped: z.boolean() }), ['stop']);
    assert.equal(stopped.stopped, true);
    assert.equal(isAlive(pid), false);
    assert.equal((await scratch.json(statusDocument, ['status'])).state, 'notRunning');
    const again = await scratch.json(z.looseObject({ stopped: z.boolean() }), ['stop']);
    assert.equal(again.stopped, false);
    await scratch.json(z.array(z.unknown()), ['location', 'list']);
    assert.equal((await scratch.json(statusDocument, ['status'])).state, 'locked');
    assert.notEqual(scratch.daemonPid(), pid);
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
  });

  it('is started once by calls at the same time', async () => {
    await scratch.json(z.unknown(), ['stop']);
    const calls = Array.from({ length: 4 }, () => scratch.cli(['location', 'list', '--json']));
    for (const { status, stdout, stderr } of await Promise.all(calls)) assert.deepEqual([status, stderr], [0, ''], stdout);
    const pid = scratch.daemonPid() ?? -1;
    // The daemons that came second find the lock taken and end.
    for (const other of processesNaming(scratch.state)) if (other !== pid) assert.ok(await goneWithin(other, 20_000));
    assert.equal((await scratch.json(statusDocument, ['status'])).pid, pid);
  });

  it('runs where it is linked to, as an installed command is', () => {
    const link = path.join(scratch.folder, 'holdfast');
    symlinkSync(cliMain, link);
    const result = spawnSync(process.execPath, [link, 'version'], { encoding: 'utf8', cwd: root });
    assert.equal(result.status, 0, result.stderr);
  });

  it('is exit 5 where the catalog is damaged, with the way back, and writes nothing into it', async () => {
    await using fresh = new ScratchState();
    await fresh.json(initDocument, ['init', '--passphrase-file', fresh.passphraseFile]);
    await fresh.json(z.unknown(), ['stop']);
    const catalog = path.join(fresh.state, 'catalog.db');
    const junk = Buffer.alloc(16_384, 'junk');
    writeFileSync(catalog, junk);
    for (const line of ['location list', `unlock --passphrase-file ${fresh.passphraseFile}`, 'init', 'serve']) {
      const error = await refused(fresh, line.split(' '), 5, 'catalogDamaged');
      assert.match(error.fix ?? '', /import-stored/);
    }
    // To look is not to start: status is 0 as ever.
    assert.equal((await fresh.json(statusDocument, ['status'])).state, 'notRunning');
    assert.ok(readFileSync(catalog).equals(junk));
  });

  it('is exit 1 where a newer version has made the catalog', async () => {
    await using fresh = new ScratchState();
    await fresh.json(initDocument, ['init', '--passphrase-file', fresh.passphraseFile]);
    await fresh.json(z.unknown(), ['stop']);
    using database = new DatabaseSync(path.join(fresh.state, 'catalog.db'));
    database.exec('PRAGMA user_version = 1000000');
    const error = await refused(fresh, ['location', 'list'], 1, 'catalogNewer');
    assert.match(error.fix ?? '', /newer/);
  });

  it('puts errors of a wrong state directory into one sentence', async () => {
    const file = path.join(scratch.folder, 'a file');
    writeFileSync(file, '');
    const result = await runCli(['location', 'list', '--json', '--state', file]);
    assert.equal(result.status, 1, result.stdout);
    assert.match(errorDocument.parse(result.json).error.message, /^Failed to [^\n]+\.$/);
    await endDaemons(file);
  });
});
