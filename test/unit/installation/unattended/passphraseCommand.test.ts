import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runPassphraseCommand } from '../../../../daemon/installation/unattended/passphraseCommand.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { processesNaming } from '../../../support/processes.ts';

const never = new AbortController().signal;

describe('passphrase command', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hf-command-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function lineOf(command: string): Promise<string> {
    using line = await runPassphraseCommand(command, { signal: never });
    return Buffer.from(line.bytes).toString('utf8');
  }

  it('gives the first line that it writes, in pieces too, and runs in the home folder with nothing to read', async () => {
    assert.equal(await lineOf("printf 'correct horse\\nmore\\n'"), 'correct horse');
    assert.equal(await lineOf("printf 'correct '; sleep 0.05; printf 'horse\\n'"), 'correct horse');
    assert.equal(await lineOf('pwd -P'), await lineOf('cd ~ && pwd -P'));
    assert.equal(await lineOf('cat; echo nothing'), 'nothing');
  });

  it('takes no more of a flood than a passphrase can have', async () => {
    assert.equal(await lineOf('echo first; head -c 20000000 /dev/zero'), 'first');
  });

  it('K6: that fails says how, and neither its line nor what it wrote is in the error', async () => {
    const canary = 'canary-passphrase';
    const ends: Readonly<Record<string, RegExp>> = {
      [`echo ${canary}; echo ${canary} >&2; exit 3`]: /3/,
      [`echo ${canary} > /dev/null`]: /it wrote nothing/,
      [canary]: /127/,
    };
    for (const [command, reason] of Object.entries(ends)) {
      await assert.rejects(
        () => lineOf(command),
        (error) => {
          assert.ok(HoldfastError.is(error, 'failed'));
          assert.match(error.message, /^Failed to get the passphrase from the command: /);
          assert.match(error.message, reason);
          const { message, fix, details, cause, stack } = error;
          assert.ok(!JSON.stringify({ message, fix, details, cause, stack }).includes(canary));
          return true;
        },
      );
    }
  });

  it('is ended with all that it started when its time is over, or when nobody waits any more', async () => {
    const command = `sleep 1000 & sleep 1000 # ${folder}`;
    await assert.rejects(
      () => runPassphraseCommand(command, { timeLimit: 0.1, signal: never }),
      (error) => HoldfastError.is(error, 'failed') && error.message.includes('0.1 s'),
    );
    const controller = new AbortController();
    const running = runPassphraseCommand(command, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(running, /enough/);
    assert.deepEqual(processesNaming(folder), []);
  });
});
