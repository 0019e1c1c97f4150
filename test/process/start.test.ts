import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type RunResult, run } from '../../scripts/run.ts';
import { root } from '../support/cli.ts';
import { endProcess, processesNaming } from '../support/processes.ts';
import { writtenLines } from '../support/writtenLines.ts';

const runLimit = 60_000;

const copied = [
  'protocol',
  'client',
  'daemon',
  'cli',
  'extension',
  'scripts',
  'dist',
  'media',
  'package.json',
  'package.nls.json',
  '.vscodeignore',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  path.join('test', 'support'),
];

/** What `npm start` runs, in a checkout of its own. */
class Checkout implements AsyncDisposable {
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), 'hf-start-'));
  readonly copy: string = path.join(this.folder, '.holdfast-restored');

  constructor() {
    for (const part of copied) cpSync(path.join(root, part), path.join(this.folder, part), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(this.folder, 'node_modules'));
    mkdirSync(path.join(this.folder, 'work'));
    writeFileSync(path.join(this.folder, 'work', 'letter'), 'dear friend');
  }

  start(...args: readonly string[]): Promise<RunResult> {
    return run(process.execPath, [this.#script, '--no-ui', ...args], { cwd: this.folder, env: this.#environment, limit: runLimit });
  }

  /** With a window; `program` is the VS Code that is installed, a script. Its standard output can be read. */
  startWithWindow(program: string, errors: 'inherit' | 'pipe' = 'inherit'): ChildProcess {
    const programs = path.join(this.folder, 'programs');
    mkdirSync(programs);
    writeFileSync(path.join(programs, 'code'), program, { mode: 0o755 });
    const search = [programs, process.env['PATH'] ?? ''].join(path.delimiter);
    return spawn(process.execPath, [this.#script, '--folder', 'work'], {
      cwd: this.folder,
      env: { ...process.env, ...this.#environment, PATH: search },
      stdio: ['ignore', 'pipe', errors],
    });
  }

  get #script(): string {
    return path.join(this.folder, 'scripts', 'start.ts');
  }

  get #environment(): NodeJS.ProcessEnv {
    return { INIT_CWD: this.folder, HOLDFAST_STATE: undefined, HOLDFAST_CHECKOUT: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of processesNaming(this.folder)) await endProcess(pid);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Notes how it was called, stays open like a window, and writes its process where VS Code does. */
const windowScript = `#!/bin/sh
printf '%s\\n' "$*" >> "$INIT_CWD/calls"
case "$*" in *--install-extension*) exit 0 ;; esac
echo $$ > "$2/code.lock"
exec sleep 120
`;

describe('npm start', () => {
  it('opens the VS Code that is installed with settings and extensions of its own, and Ctrl-C ends it and the daemon', async () => {
    await using checkout = new Checkout();
    const starting = checkout.startWithWindow(windowScript);
    let output = '';
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    starting.stdout?.on('data', (data: Buffer) => {
      output += data.toString('utf8');
      if (output.includes('Close its window')) resolve();
    });
    const ended = once(starting, 'exit');
    await Promise.race([opened, ended]);
    const workbench = path.join(checkout.folder, '.holdfast', 'workbench');
    const lock = path.join(workbench, 'user-data', 'code.lock');
    await writtenLines(lock);
    starting.kill('SIGINT');
    assert.deepEqual(await ended, [0, null], output);
    const [install, open] = readFileSync(path.join(checkout.folder, 'calls'), 'utf8').trim().split('\n');
    const own = `--user-data-dir ${workbench}/user-data --extensions-dir ${workbench}/desktop-extensions`;
    assert.match(install ?? '', new RegExp(`^${own} --install-extension \\S+\\.vsix --force$`));
    assert.equal(open, `${own} --new-window --wait ${path.join(checkout.folder, 'work')}`);
    const settings: unknown = JSON.parse(readFileSync(path.join(workbench, 'user-data', 'User', 'settings.json'), 'utf8'));
    assert.deepEqual(
      Object.entries(Object(settings)).find(([name]) => name === 'holdfast.stateDirectory')?.[1],
      path.join(checkout.folder, '.holdfast'),
    );
    assert.deepEqual(processesNaming(checkout.folder), []);
  }).timeout(60_000);

  it('says in one sentence why the VS Code that is installed does not take the extension, exit 1, and ends the daemon', async () => {
    await using checkout = new Checkout();
    const starting = checkout.startWithWindow('#!/bin/sh\necho "Error: there is no room" >&2\nexit 3\n', 'pipe');
    let errors = '';
    starting.stdout?.resume();
    starting.stderr?.on('data', (data: Buffer) => {
      errors += data.toString('utf8');
    });
    assert.deepEqual(await once(starting, 'close'), [1, null], errors);
    assert.match(errors, /^Failed to install the extension into \S+code: Error: there is no room\.\n$/);
    assert.deepEqual(processesNaming(checkout.folder), []);
  }).timeout(60_000);

  it('backs a folder up, restores it and finds the two equal, again too, and leaves out what is its own and every process', async () => {
    await using checkout = new Checkout();
    // The checkout itself: its state and the copy lie in what is backed up.
    const first = await checkout.start('--folder', '.');
    assert.equal(first.status, 0, first.output);
    assert.match(first.output, /Your passphrase, shown this once:[^]*Equal: \d+ files compared\./);
    const second = await checkout.start('--folder', '.');
    assert.equal(second.status, 0, second.output);
    assert.match(second.output, /Equal: \d+ files compared\./);
    assert.doesNotMatch(second.output, /Your passphrase/);
    assert.equal(readFileSync(path.join(checkout.copy, 'work', 'letter'), 'utf8'), 'dear friend');
    for (const own of ['.holdfast', '.holdfast-restored']) assert.equal(existsSync(path.join(checkout.copy, own)), false);
    assert.deepEqual(processesNaming(checkout.folder), []);
  }).timeout(60_000);

  it('says what is no folder, exit 2', async () => {
    await using checkout = new Checkout();
    const { status, output } = await checkout.start('--folder', 'missing');
    assert.equal(status, 2);
    assert.match(output, /^Failed to back up [^\n]*missing: it is not a folder\. Name another one: [^\n]+\n$/);
  });
});
