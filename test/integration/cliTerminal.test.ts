import assert from 'node:assert/strict';
import * as z from 'zod';
import { initDocument, passkeyDocument, statusDocument } from '../support/cliShapes.ts';
import { createPolicy } from '../support/cliExpect.ts';
import { ScratchState } from '../support/daemon.ts';
import { TerminalCli } from '../support/terminalCli.ts';

const ctrlC = '\u0003';
const escape = '\u001b';

describe('holdfast on a terminal', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  const terminal = (args: readonly string[], env: Readonly<Record<string, string>> = {}): TerminalCli =>
    new TerminalCli(args, { state: scratch.state, env });
  const stateNow = async (): Promise<string> => (await scratch.json(statusDocument, ['status'])).state;
  const lock = async (): Promise<unknown> => await scratch.json(z.unknown(), ['lock']);

  before(async () => {
    scratch = new ScratchState();
    await scratch.setUp();
  });
  after(() => scratch[Symbol.asyncDispose]());

  it('K6: asks for the passphrase without echo', async () => {
    await lock();
    await using cli = terminal(['unlock']);
    await cli.expect(/Passphrase: /);
    cli.type(`${scratch.passphrase}\r`);
    const { status, output } = await cli.done;
    assert.equal(status, 0, output);
    assert.match(output, /Unlocked\. The passkey in use is passphrase\./);
    assert.equal(output.includes('battery'), false);
    assert.equal(await stateNow(), 'unlocked');
  });

  it('asks again after a wrong passphrase, three times, and ends with 3', async () => {
    await lock();
    await using cli = terminal(['unlock']);
    for (const typed of ['one', 'two', 'three']) {
      await cli.expect(/Passphrase: /);
      cli.type(`${typed}\r`);
      await cli.expect(/the passphrase is wrong\./);
    }
    const { status, output } = await cli.done;
    assert.equal(status, 3, output);
    assert.equal(output.match(/Passphrase: /g)?.length, 3);
    assert.equal(await stateNow(), 'locked');
  });

  it('is cancelled by Ctrl-C at the question, exit 130, and changes nothing', async () => {
    await using cli = terminal(['unlock']);
    await cli.expect(/Passphrase: /);
    cli.type(ctrlC);
    const { status, output } = await cli.done;
    assert.equal(status, 130, output);
    assert.match(output, /Cancelled/);
    assert.equal(await stateNow(), 'locked');
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
  });

  it('asks for a new passphrase twice, until both are the same', async () => {
    await using cli = terminal(['passkey', 'add', 'passphrase', 'typed']);
    await cli.expect(/Passphrase of the new passkey typed: /);
    cli.type('a typed passphrase\r');
    await cli.expect(/The same again: /);
    cli.type('a typed passphrasf\r');
    await cli.expect(/The two differ/);
    await cli.expect(/Passphrase of the new passkey typed: /);
    cli.type('a typed passphrase\r');
    await cli.expect(/The same again: /);
    cli.type('a typed passphrasx\u007fe\r');
    const { status, output } = await cli.done;
    assert.equal(status, 0, output);
    assert.equal(output.includes('a typed'), false);
    const verified = await scratch.cli(['passkey', 'verify', 'typed', '--passphrase-file', '-'], { input: 'a typed passphrase\n' });
    assert.equal(verified.status, 0, verified.stderr);
  });

  it('asks for the passphrase of the passkey that is verified', async () => {
    await using cli = terminal(['passkey', 'verify', 'typed', '--json']);
    await cli.expect(/Passphrase of the passkey typed: /);
    cli.type('a typed passphrase\r');
    const { status, output } = await cli.done;
    assert.equal(status, 0, output);
    // On a terminal the one document is laid out for eyes.
    assert.equal(passkeyDocument.parse(JSON.parse(output.slice(output.indexOf('{')))).name, 'typed');
  });

  it('asks before what can not be undone: a no and Ctrl-C leave everything, a yes does it', async () => {
    const exists = async (): Promise<boolean> => (await scratch.cli(['policy', 'show', 'doomed'])).status === 0;
    await createPolicy(scratch, 'doomed', [scratch.makeFolder('source')]);
    for (const [typed, expected] of [
      ['n\r', 130],
      ['\r', 130],
      [ctrlC, 130],
      ['y\r', 0],
    ] as const) {
      await using cli = terminal(['policy', 'delete', 'doomed']);
      await cli.expect(/Delete policy doomed\?[^]*Go on\? \[y\/N\] /);
      cli.type(typed);
      const { status, output } = await cli.done;
      assert.equal(status, expected, output);
      assert.equal(await exists(), expected !== 0);
    }
  });

  it('puts a refusal by rule before every question', async () => {
    await using cli = terminal(['passkey', 'retire', 'passphrase']);
    const { status, output } = await cli.done;
    assert.equal(status, 4, output);
    assert.doesNotMatch(output, /\[y\/N\]|Passphrase/);
  });

  it('asks no question that --yes has answered', async () => {
    await createPolicy(scratch, 'doomed', [scratch.makeFolder('source')]);
    await using cli = terminal(['policy', 'delete', 'doomed', '--yes']);
    const { status, output } = await cli.done;
    assert.equal(status, 0, output);
    assert.doesNotMatch(output, /\[y\/N\]/);
  });

  it('shows a generated passphrase once, and JSON of the same with --json', async () => {
    await using fresh = new ScratchState();
    await using cli = new TerminalCli(['init', '--json'], { state: fresh.state });
    const { status, output } = await cli.done;
    assert.equal(status, 0, output);
    const { passphrase = '' } = initDocument.parse(JSON.parse(output));
    assert.equal(output.split(passphrase).length, 2);
    await using human = new ScratchState();
    await using shown = new TerminalCli(['init', '--no-color'], { state: human.state });
    const result = await shown.done;
    const [, words = ''] = /shown this once: (\S+)/.exec(result.output) ?? [];
    assert.equal(words.split('-').length, 7, result.output);
    assert.equal(result.output.split(words).length, 2);
    // Quiet or not, it is the one time that it is seen.
    await using quiet = new ScratchState();
    await using hushed = new TerminalCli(['init', '--quiet'], { state: quiet.state });
    assert.match((await hushed.done).output, /shown this once: /);
  });

  it('shows colours unless NO_COLOR, --no-color or a dumb terminal forbids them', async () => {
    const shown = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> => {
      await using cli = terminal(['status', ...args], env);
      return (await cli.done).output;
    };
    assert.ok((await shown([], {})).includes(`${escape}[`));
    for (const [args, env] of [
      [['--no-color'], {}],
      [[], { NO_COLOR: '1' }],
      [[], { TERM: 'dumb' }],
    ] as const) {
      assert.equal((await shown(args, env)).includes(escape), false);
    }
  });

  it('serves until Ctrl-C', async () => {
    await using fresh = new ScratchState();
    await using cli = new TerminalCli(['serve'], { state: fresh.state });
    await cli.expect(/listens/);
    cli.type(ctrlC);
    const { status, output } = await cli.done;
    assert.equal(status, 0, output);
    assert.match(output, /no longer listens/);
    assert.equal(fresh.daemonPid(), undefined);
  });

  it('draws progress on the terminal and takes it away again, and none with --no-progress or --quiet', async () => {
    await createPolicy(scratch, 'watched', [scratch.makeFolder('source')]);
    for (const flags of [['--no-progress'], ['--quiet']]) {
      await using cli = terminal(['backup', 'watched', ...flags]);
      const { status, output } = await cli.done;
      assert.equal(status, 0, output);
      assert.equal(output.includes(`${escape}[K`), false, output);
    }
    await using cli = terminal(['backup', 'watched', '--json', '--no-color']);
    const { status, output } = await cli.done;
    assert.equal(status, 0, output);
    // Whatever was drawn is gone before the document is printed.
    const drawn = output.slice(0, output.indexOf('{'));
    assert.ok(drawn === '' || drawn.endsWith(`\r${escape}[K`), JSON.stringify(drawn));
    JSON.parse(output.slice(drawn.length));
  });
});
