import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { cliMain, root, runCli } from '../support/cli.ts';
import { refused } from '../support/cliExpect.ts';
import { errorDocument, initDocument, logLineDocument, statusDocument, versionDocument } from '../support/cliShapes.ts';
import { endDaemons, ScratchState } from '../support/daemon.ts';
import { isAlive } from '../support/processes.ts';

/** Verbs of docs that a later version has. */
const laterVerbs: readonly string[] = [
  'service install',
  'service uninstall',
  'service status',
  'unattended off',
  'diagnostics --output F',
  'passkey add aws-kms K --key-id alias/k --region eu-west-1',
  'passkey add vault-transit K --address https://vault --key k',
  'passkey gate passphrase',
  'passkey vault-policy --key k',
  'passkey aws-policy --key-id K --principal P',
  'location add s3 bucket --bucket B --region R',
  'location add azure-blob blob',
  'location prove-lock store',
  'location collect-garbage store --dry-run',
  'policy pause files',
  'policy resume files',
  'policy retention files --dry-run',
  'policy export files',
  'policy import --import-data-file F --location store',
  'immutability status',
  'immutability refresh',
  'immutability audit --location store',
  'dr enable --location store',
  'dr disable --yes',
  'dr status',
  'dr backup',
  'dr scan --location-spec F',
  'dr points --location-spec F --installation I',
  'dr restore --location-spec F --installation I --at latest',
  'dr take-ownership --yes',
  'dr rehearse',
  'dr verify-report F',
  'dr recovery-sheet',
  'audit verify',
  'alert list',
  'alert acknowledge I',
  'alert snooze I --for 1h',
];

/** Flags of this version's verbs whose feature a later version has. */
const laterFlags: readonly string[] = [
  'init --passkey-kind aws-kms',
  'unlock --token-file F',
  'passkey rotate passphrase --every 90d',
  'passkey rotate passphrase --no-schedule',
  'policy create later --source . --location store --schedule @daily',
  'policy create later --source . --location store --keep-daily 3',
  'policy create later --command dump=true --location store',
];

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

  it('refuses a passphrase file that is missing or empty, in one sentence', async () => {
    await using fresh = new ScratchState();
    await refused(fresh, ['init', '--passphrase-file', path.join(fresh.folder, 'nothing')], 2, 'badValue');
    await refused(fresh, ['init', '--passphrase-file', '-'], 2, 'badValue', { input: '' });
  });

  it('asks for a set-up, exit 3, where there is none', async () => {
    await using fresh = new ScratchState();
    for (const line of ['unlock', 'passkey list', 'location list', 'policy list', 'backup --all']) {
      await refused(fresh, line.split(' '), 3, 'notSetUp');
    }
    const status = await fresh.json(statusDocument, ['status']);
    assert.equal(status.state, 'notSetUp');
  });

  it('takes the state directory from --state before HOLDFAST_STATE, and both relative to where it was typed', async () => {
    const elsewhere = path.join(scratch.folder, 'elsewhere');
    assert.equal(await stateOf([], scratch.state), 'unlocked');
    assert.equal(await stateOf(['--state', scratch.state], elsewhere), 'unlocked');
    assert.equal(await stateOf(['--state', elsewhere], scratch.state), 'notRunning');
    assert.equal(await stateOf(['--state', 'state'], undefined, scratch.folder), 'unlocked');
    assert.equal(await stateOf([], 'state', scratch.folder), 'unlocked');
  });

  it('prints with --json one document, on standard output alone', async () => {
    for (const line of ['status', 'passkey list', 'location list', 'policy list', 'restore-point list', 'action list', 'log', 'version']) {
      const result = await scratch.cli([...line.split(' '), '--json']);
      assert.equal(result.status, 0, line);
      assert.notEqual(result.json, undefined, line);
      assert.equal(result.stderr, '', line);
    }
  });

  it('prints errors for people on standard error: one sentence and one way out', async () => {
    const result = await scratch.cli(['policy', 'show', 'nothing']);
    assert.equal(result.status, 2);
    assert.equal(result.stdout, '');
    assert.equal(result.stderr.trim().split('\n').length, 2, result.stderr);
  });

  it('answers exit 2, "not in this version", to every verb and flag of a later one', async () => {
    const lines = [...laterVerbs, ...laterFlags];
    const one = async (line: string): Promise<void> => {
      const error = await refused(scratch, line.split(' '), 2, 'notInThisVersion');
      assert.match(error.message, /not in this version/, line);
    };
    for (let at = 0; at < lines.length; at += 4) await Promise.all(lines.slice(at, at + 4).map(one));
  });

  it('answers exit 2 to calls that are wrong, and says what was meant', async () => {
    const wrong = async (line: string, pattern: RegExp): Promise<void> => {
      const result = await scratch.cli(line.split(' '));
      assert.equal(result.status, 2, line);
      assert.match(result.stderr, pattern, line);
    };
    await wrong('stauts', /Did you mean status\?/);
    await wrong('location lst', /Did you mean list\?/);
    await wrong('rp fils latest', /Did you mean files\?/);
    await wrong('backup', /policy is missing/);
    await wrong('backup files --all', /exclude each other/);
    await wrong('restore latest', /where to/);
    await wrong('restore latest --target /tmp/x --in-place', /exclude each other/);
    await wrong('restore latest --target /tmp/x --conflict burn', /conflict/);
    await wrong('restore-point list --limit none', /--limit/);
    await wrong('restore-point list --since yesterdayish', /--since/);
    await wrong('restore-point dump latest --format zip', /format/);
    await wrong('policy create only --location store', /--source/);
    await wrong('policy create a@b --source / --location store', /name/);
    await wrong('policy edit files', /nothing to change/);
    await wrong('status --nonsense', /nonsense/);
    await wrong('completion ksh', /shell/);
    await refused(scratch, ['status', '--nonsense'], 2, 'usage');
  });

  it('shows help with examples for every verb, exit 0', async () => {
    for (const args of [['--help'], ['backup', '--help'], ['rp', '--help'], ['passkey', 'add', 'passphrase', '--help']]) {
      const result = await scratch.cli(args);
      assert.equal(result.status, 0);
      assert.match(result.stdout, /holdfast/);
    }
    assert.match((await scratch.cli(['backup', '--help'])).stdout, /holdfast backup work/);
  });

  it('prints completion scripts that their shells take', async function () {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const result = await scratch.cli(['completion', shell]);
      assert.equal(result.status, 0);
      assert.match(result.stdout, /restore-point/);
      const file = path.join(scratch.folder, `completion.${shell}`);
      writeFileSync(file, result.stdout);
      const checked = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
      if (checked.error === undefined) assert.equal(checked.status, 0, checked.stderr);
    }
    // Bash is asked for real: it completes a verb.
    const asked = spawnSync(
      'bash',
      [
        '-c',
        `source ${path.join(scratch.folder, 'completion.bash')}; COMP_WORDS=(holdfast restore-p); COMP_CWORD=1; _holdfast; echo "\${COMPREPLY[@]}"`,
      ],
      { encoding: 'utf8' },
    );
    if (asked.error === undefined) assert.match(asked.stdout, /restore-point/, asked.stderr);
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
    assert.match(second.stderr + second.stdout, new RegExp(String(status.pid)));
    assert.ok(isAlive(status.pid ?? -1));
    serving.kill('SIGINT');
    assert.ok([0, 130].includes((await serving.done).status ?? -1));
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
    const spec = path.join(scratch.folder, 'spec.json');
    writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: path.join(scratch.folder, 'store') }));
    await refused(scratch, ['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile], 2, 'alreadySetUp');
    const one = async (line: string): Promise<void> => void (await refused(scratch, words(line), 3, 'locked'));
    for (let at = 0; at < verbsThatNeedKeys.length; at += 4) await Promise.all(verbsThatNeedKeys.slice(at, at + 4).map(one));
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

  it('runs where it is linked to, as an installed command is', () => {
    const link = path.join(scratch.folder, 'holdfast');
    symlinkSync(cliMain, link);
    const result = spawnSync(process.execPath, [link, 'version'], { encoding: 'utf8', cwd: root });
    assert.equal(result.status, 0, result.stderr);
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
