import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { refused } from '../support/cliExpect.ts';
import { initDocument, statusDocument, type StatusDocument, unattendedDocument } from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';

const offDocument = z.looseObject({ wasOn: z.boolean() });

describe('holdfast: unattended unlock', function () {
  this.timeout(60_000);
  let scratch: ScratchState;
  const at = (name: string): string => path.join(scratch.folder, name);
  const status = (): Promise<StatusDocument> => scratch.json(statusDocument, ['status']);

  /** Ends the daemon and starts another by a verb that needs no keys; how it is then. */
  async function restarted(): Promise<StatusDocument> {
    assert.equal((await scratch.cli(['stop'])).status, 0);
    assert.equal((await scratch.cli(['passkey', 'list', '--json'])).status, 0);
    return await status();
  }

  beforeEach(async () => {
    scratch = new ScratchState();
    await scratch.json(initDocument, ['init', '--passphrase-file', scratch.passphraseFile]);
  });
  afterEach(() => scratch[Symbol.asyncDispose]());

  it('with a file: the daemon that a verb starts is unlocked for that very verb; locked by hand it stays locked until it is started anew', async () => {
    const set = await scratch.json(unattendedDocument, ['unattended', 'passphrase-file', scratch.passphraseFile]);
    assert.deepEqual(set, { kind: 'passphraseFile', path: scratch.passphraseFile, problem: null, nextTryAt: null });
    assert.equal((await scratch.cli(['stop'])).status, 0);
    assert.equal((await scratch.cli(['policy', 'list', '--json'])).status, 0, 'a verb that needs the keys');
    assert.equal((await status()).state, 'unlocked');
    assert.equal((await scratch.cli(['lock'])).status, 0);
    const locked = await status();
    assert.deepEqual([locked.state, locked.unattended?.nextTryAt], ['locked', null]);
    assert.equal((await restarted()).state, 'unlocked');
    assert.deepEqual(await scratch.json(offDocument, ['unattended', 'off']), { wasOn: true });
    const off = await restarted();
    assert.deepEqual([off.state, off.unattended], ['locked', null]);
    assert.deepEqual(await scratch.json(offDocument, ['unattended', 'off']), { wasOn: false });
  });

  it('with a command, which is shown nowhere', async () => {
    const canary = 'canary-of-the-command-line';
    const command = `cat '${scratch.passphraseFile}' # ${canary}`;
    const set = await scratch.json(unattendedDocument, ['unattended', 'command', command]);
    assert.deepEqual(set, { kind: 'command', path: null, problem: null, nextTryAt: null });
    const after = await restarted();
    assert.equal(after.state, 'unlocked');
    const shown = await scratch.cli(['status']);
    assert.match(shown.stdout, /Unattended: +with a command/);
    for (const text of [JSON.stringify(after), shown.stdout, readFileSync(path.join(scratch.state, 'daemon.log'), 'utf8')])
      assert.ok(!text.includes(canary));
  });

  it('is refused by rule before the question, asks for a step-up, and saves nothing that opens no passkey', async () => {
    const open = at('open');
    writeFileSync(open, scratch.passphrase);
    chmodSync(open, 0o644);
    // `init` counts as a step-up; a daemon that is started anew asks again.
    assert.equal((await scratch.cli(['stop'])).status, 0);
    assert.equal((await scratch.cli(['passkey', 'list'])).status, 0);
    await refused(scratch, ['unattended', 'passphrase-file', scratch.passphraseFile], 3, 'locked');
    const again = { env: { HOLDFAST_STEP_UP_FILE: undefined } };
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
    await refused(scratch, ['unattended', 'passphrase-file', open], 4, 'refusedByRule', again);
    await refused(scratch, ['unattended', 'passphrase-file', at('missing')], 2, 'badValue', again);
    const wrong = at('wrong');
    writeFileSync(wrong, 'not the passphrase', { mode: 0o600 });
    await refused(scratch, ['unattended', 'passphrase-file', wrong], 3, 'wrongSecret');
    await refused(scratch, ['unattended', 'command', 'exit 7'], 1, 'failed');
    await refused(scratch, ['unattended', 'command', ' '], 2, 'usage');
    assert.equal((await status()).unattended, null);
  });

  it('a passphrase that is wrong at the start leaves the daemon up, locked, with the reason in status', async () => {
    const file = at('copy');
    writeFileSync(file, scratch.passphrase, { mode: 0o600 });
    await scratch.json(unattendedDocument, ['unattended', 'passphrase-file', file]);
    writeFileSync(file, 'changed meanwhile', { mode: 0o600 });
    const after = await restarted();
    assert.equal(after.state, 'locked');
    assert.equal(after.unattended?.problem, 'Failed to unlock unattended: what it gives opens no passkey.');
    assert.notEqual(after.unattended.nextTryAt, null);
    const { pid } = after;
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
    const unlocked = await status();
    assert.deepEqual([unlocked.state, unlocked.pid, unlocked.unattended?.problem], ['unlocked', pid, null]);
  });
});
