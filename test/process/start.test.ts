import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type RunResult, run } from '../../scripts/run.ts';
import { root } from '../support/cli.ts';
import { endProcess, processesNaming } from '../support/processes.ts';

const runLimit = 60_000;

/** What `npm start` runs, in a checkout of its own. */
class Checkout implements AsyncDisposable {
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), 'hf-start-'));
  readonly copy: string = path.join(this.folder, '.holdfast-restored');

  constructor() {
    for (const part of ['protocol', 'scripts', 'dist', 'package.json', path.join('test', 'support')])
      cpSync(path.join(root, part), path.join(this.folder, part), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(this.folder, 'node_modules'));
    mkdirSync(path.join(this.folder, 'work'));
    writeFileSync(path.join(this.folder, 'work', 'letter'), 'dear friend');
  }

  start(...args: readonly string[]): Promise<RunResult> {
    const script = path.join(this.folder, 'scripts', 'start.ts');
    const env = { INIT_CWD: this.folder, HOLDFAST_STATE: undefined, HOLDFAST_CHECKOUT: undefined };
    return run(process.execPath, [script, '--no-ui', ...args], { cwd: this.folder, env, limit: runLimit });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of processesNaming(this.folder)) await endProcess(pid);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('npm start', () => {
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
