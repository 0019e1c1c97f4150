import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { launchedFlag } from '../../protocol/daemonLaunch.ts';
import { cliMain, root } from '../support/cli.ts';
import { createPolicy, refused } from '../support/cliExpect.ts';
import { type PasskeyDocument, passkeyDocument, statusDocument } from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';
import { TerminalCli } from '../support/terminalCli.ts';

const rotatedDocument = z.looseObject({ passkey: passkeyDocument, previous: passkeyDocument });
const daemonMain = path.join(path.dirname(path.dirname(cliMain)), 'daemon', 'main.js');
const clock = path.join(root, 'test', 'support', 'laterClock.ts');

/** A daemon whose wall clock goes six minutes ahead once the file is there. Resolves when it listens; ends with its scratch folder. */
async function daemonWithClock(scratch: ScratchState, laterFile: string): Promise<void> {
  const daemon = spawn(process.execPath, ['--import', clock, daemonMain, '--state', scratch.state, '--foreground', launchedFlag], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOLDFAST_TEST_LATER: laterFile },
  });
  const lines = createInterface({ input: daemon.stderr });
  for await (const line of lines) if (line.includes('listens')) break;
  daemon.stderr.resume();
  daemon.unref();
}

describe('holdfast passkey', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let store: string;

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
  });
  after(() => scratch[Symbol.asyncDispose]());

  const passkeys = async (): Promise<readonly PasskeyDocument[]> => await scratch.json(z.array(passkeyDocument), ['passkey', 'list']);
  const secret = (name: string, text: string): string => {
    const file = path.join(scratch.folder, name);
    writeFileSync(file, `${text}\n`);
    return file;
  };
  const unlock = async (file: string, flags: readonly string[] = []): Promise<number | null> => {
    await scratch.json(z.unknown(), ['lock']);
    return (await scratch.cli(['unlock', '--passphrase-file', file, ...flags])).status;
  };

  it('lists the first one as ready and in use', async () => {
    const [first, ...others] = await passkeys();
    assert.deepEqual([first?.name, first?.inUse, first?.state, others.length], ['passphrase', true, 'ready', 0]);
    assert.equal(first?.retirableFrom, null);
    const { stdout } = await scratch.cli(['passkey', 'list']);
    assert.match(
      stdout,
      /^NAME +ID +KIND +STATE +VERIFIED +CREATED +CAN GO FROM +KEY\npassphrase +[0-9a-f]{8} +passphrase +in use +ready +\d{4}-/,
    );
  });

  it('adds a passphrase, that is not in use and opens the daemon', async () => {
    const second = secret('second', 'a second passphrase for tests');
    const added = await scratch.json(passkeyDocument, ['passkey', 'add', 'passphrase', 'second', '--passphrase-file', second]);
    assert.deepEqual([added.name, added.inUse, added.kind, added.state], ['second', false, 'passphrase', 'ready']);
    await refused(scratch, ['passkey', 'add', 'passphrase', 'second', '--passphrase-file', second], 2, 'nameTaken');
    await refused(scratch, ['passkey', 'add', 'passphrase', 'latest', '--passphrase-file', second], 2, 'badValue');
    await refused(scratch, ['passkey', 'add', 'passphrase', 'a@b', '--passphrase-file', second], 2, 'badValue');
    await refused(scratch, ['passkey', 'add', 'passphrase', 'third', '--passphrase-file', '-'], 2, 'badValue', { input: '\n' });
    await refused(scratch, ['passkey', 'add', 'passphrase', 'third'], 2, 'usage');
    // The slot in use is tried first, then the others; a slot that is named is tried alone.
    assert.equal(await unlock(second), 0);
    assert.equal(await unlock(second, ['--passkey', 'passphrase']), 3);
    assert.equal(await unlock(second, ['--passkey', added.slotId.slice(0, 8)]), 0);
  });

  it('verifies a passkey with its own passphrase and no other', async () => {
    const verified = await scratch.json(passkeyDocument, ['passkey', 'verify', 'second', '--passphrase-file', `${scratch.folder}/second`]);
    assert.equal(verified.state, 'ready');
    assert.notEqual(verified.verifiedAt, null);
    await refused(scratch, ['passkey', 'verify', 'second', '--passphrase-file', scratch.passphraseFile], 3, 'wrongSecret');
    await refused(scratch, ['passkey', 'verify', 'nobody', '--passphrase-file', scratch.passphraseFile], 2, 'unknownName');
    await refused(scratch, ['passkey', 'verify', 'second'], 2, 'usage');
  });

  it('refuses to retire what is in use, and asks before it leaves one passkey alone', async () => {
    await refused(scratch, ['passkey', 'retire', 'passphrase', '--yes'], 4, 'refusedByRule');
    await refused(scratch, ['passkey', 'retire', 'second'], 2, 'confirmationNeeded');
    assert.equal((await passkeys()).length, 2);
  });

  it('puts a passkey in use by its name, its id and a prefix', async () => {
    const [first, second] = await passkeys();
    for (const named of ['second', first?.slotId ?? '', second?.slotId.slice(0, 8) ?? '']) {
      const used = await scratch.json(passkeyDocument, ['passkey', 'use', named]);
      assert.equal(used.inUse, true);
      const inUse = (await passkeys()).filter((passkey) => passkey.inUse).map((passkey) => passkey.slotId);
      assert.deepEqual(inUse, [used.slotId]);
      assert.equal((await scratch.json(statusDocument, ['status'])).passkeyInUse, used.name);
    }
    await refused(scratch, ['passkey', 'use', 'nobody'], 2, 'unknownName');
  });

  it('rotates a passkey: the new one takes the name, the old one opens until it is retired', async () => {
    const second = `${scratch.folder}/second`;
    const rotated = secret('rotated', 'the passphrase after the rotation');
    const { passkey, previous } = await scratch.json(rotatedDocument, ['passkey', 'rotate', 'second', '--passphrase-file', rotated]);
    assert.deepEqual([passkey.name, passkey.inUse, passkey.state], ['second', true, 'ready']);
    assert.match(previous.name, /^second@\d{4}-\d\d-\d\d/);
    assert.equal(previous.inUse, false);
    assert.equal(await unlock(second, ['--passkey', 'second']), 3);
    assert.equal(await unlock(second), 0);
    const retired = await scratch.json(passkeyDocument, ['passkey', 'retire', previous.name, '--yes']);
    assert.equal(retired.state, 'retired');
    assert.equal(await unlock(second), 3);
    assert.equal(await unlock(rotated), 0);
    await refused(scratch, ['passkey', 'use', previous.slotId], 4, 'refusedByRule');
    await refused(scratch, ['passkey', 'rotate', previous.slotId, '--passphrase-file', rotated], 4, 'refusedByRule');
    // Its name is free again, and its row stays to be seen.
    assert.equal((await passkeys()).filter(({ state }) => state === 'retired').length, 1);
  });

  it('adds a passphrase and puts it in use at once with --use-now', async () => {
    const now = secret('now', 'one to be used now');
    const result = await scratch.cli(['passkey', 'add', 'passphrase', 'now', '--passphrase-file', now, '--use-now']);
    assert.deepEqual([result.status, result.stdout], [0, 'Added the passkey now; it is in use now.\n']);
    assert.equal((await scratch.json(statusDocument, ['status'])).passkeyInUse, 'now');
  });

  it('retires without a question where two verified ones are left, and says so for people', async () => {
    const result = await scratch.cli(['passkey', 'retire', 'second']);
    assert.deepEqual([result.status, result.stdout], [0, 'Retired the passkey second.\n']);
    assert.equal(await unlock(path.join(scratch.folder, 'rotated')), 3);
    assert.equal(await unlock(path.join(scratch.folder, 'now')), 0);
  });

  it('says nothing but results and errors with --quiet', async () => {
    const used = await scratch.cli(['passkey', 'use', 'passphrase', '--quiet']);
    assert.deepEqual([used.status, used.stdout, used.stderr], [0, '', '']);
    const list = await scratch.cli(['passkey', 'list', '--quiet']);
    assert.match(list.stdout, /^NAME/);
    const wrong = await scratch.cli(['passkey', 'use', 'nobody', '--quiet']);
    assert.notEqual(wrong.stderr, '');
  });

  it('has the newest keyring at the location after every change', () => {
    const [installation = ''] = readdirSync(store).filter((name) => name.length === 36);
    assert.ok(readdirSync(path.join(store, installation, 'keyring')).length > 0);
  });

  it('asks for a step-up when the last one is five minutes old: from the flag, the variable, the terminal, else exit 3', async () => {
    const later = path.join(scratch.folder, 'later');
    const wrong = secret('wrong', 'no passphrase of any passkey');
    const other = secret('other', 'another one, and long enough');
    await createPolicy(scratch, 'files', [scratch.makeFolder('source')]);
    await scratch.json(z.unknown(), ['stop']);
    await daemonWithClock(scratch, later);
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
    // Unlocking has counted: a file that would be wrong is not even read.
    await scratch.json(passkeyDocument, ['passkey', 'use', 'now', '--step-up-file', wrong]);
    writeFileSync(later, '');
    const noFile = { env: { HOLDFAST_STEP_UP_FILE: undefined } };
    for (const line of [
      `passkey add passphrase other --passphrase-file ${other}`,
      'passkey use passphrase',
      `passkey rotate now --passphrase-file ${other}`,
      'passkey retire passphrase --yes',
      'location edit store --rename elsewhere',
    ]) {
      const error = await refused(scratch, line.split(' '), 3, 'stepUpNeeded', noFile);
      assert.match(error.fix ?? '', /--step-up-file/);
    }
    await refused(scratch, ['passkey', 'use', 'passphrase', '--step-up-file', wrong], 3, 'wrongSecret', noFile);
    // Refusals by rule come before the question.
    await refused(scratch, ['passkey', 'retire', 'now', '--yes'], 4, 'refusedByRule', noFile);
    await refused(scratch, ['location', 'remove', 'store', '--yes'], 4, 'stillInUse', noFile);
    // Work of every day needs none.
    assert.equal((await scratch.cli(['backup', 'files'], noFile)).status, 0);
    await using cli = new TerminalCli(['passkey', 'use', 'passphrase'], { state: scratch.state });
    await cli.expect(/Passphrase of any passkey, to go on: /);
    cli.type(`${scratch.passphrase}\r`);
    assert.equal((await cli.done).status, 0);
  });

  it('takes the step-up from the flag before the variable', async () => {
    await scratch.json(z.unknown(), ['stop']);
    const later = path.join(scratch.folder, 'later still');
    await daemonWithClock(scratch, later);
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
    writeFileSync(later, '');
    const wrong = path.join(scratch.folder, 'wrong');
    await refused(scratch, ['passkey', 'use', 'now', '--step-up-file', wrong], 3, 'wrongSecret');
    assert.equal((await scratch.cli(['passkey', 'use', 'now'])).status, 0);
  });
});
