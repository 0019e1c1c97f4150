import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { bundleDocument, recoveryStatusDocument } from '../../protocol/methods/disasterRecovery.ts';
import { passphraseProblem } from '../../protocol/passphraseRule.ts';
import { backUp, createPolicy, refused } from '../support/cliExpect.ts';
import { ScratchState } from '../support/daemon.ts';

const enabled = z.looseObject({ location: z.string(), drkId: z.string(), actionId: z.string(), drPassphrase: z.string().optional() });

describe('holdfast dr, by the built command line', function () {
  this.timeout(90_000);
  let scratch: ScratchState;

  before(async () => {
    scratch = new ScratchState();
    await refused(scratch, ['dr', 'status'], 3, 'notSetUp');
    await scratch.setUp();
    const source = scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
    await createPolicy(scratch, 'files', [source]);
    await backUp(scratch, 'files');
  });
  after(() => scratch[Symbol.asyncDispose]());

  it('is off at first, and says what it would hold', async () => {
    const status = await scratch.json(recoveryStatusDocument, ['dr', 'status']);
    assert.deepEqual([status.enabled, status.newest, status.validTimes], [false, null, 0]);
    assert.ok(status.bytesPerMonth > 0);
    await refused(scratch, ['dr', 'backup'], 4, 'refusedByRule');
    await refused(scratch, ['dr', 'disable', '--yes'], 4, 'refusedByRule');
  });

  it('refuses a soft location without --yes, a weak passphrase, one that opens a passkey, and a schedule that is none', async () => {
    const weak = path.join(scratch.folder, 'weak');
    writeFileSync(weak, 'hunter2\n');
    await refused(scratch, ['dr', 'enable', '--location', 'nowhere'], 2, 'unknownName');
    await refused(scratch, ['dr', 'enable', '--location', 'store'], 2, 'confirmationNeeded');
    const yes = ['dr', 'enable', '--location', 'store', '--yes'];
    await refused(scratch, [...yes, '--schedule', 'often'], 2, 'badValue');
    await refused(scratch, [...yes, '--dr-passphrase-file', weak], 2, 'badValue');
    await refused(scratch, [...yes, '--dr-passphrase-file', scratch.passphraseFile], 4, 'refusedByRule');
    assert.equal((await scratch.json(recoveryStatusDocument, ['dr', 'status'])).enabled, false);
  });

  it('makes a DR passphrase, puts a bundle at once and another by request, and says so', async () => {
    const made = await scratch.json(enabled, ['dr', 'enable', '--location', 'store', '--schedule', '@daily', '--yes']);
    assert.equal(made.location, 'store');
    assert.equal(passphraseProblem(Buffer.from(made.drPassphrase ?? '')), undefined);
    const bundle = await scratch.json(bundleDocument, ['dr', 'backup']);
    assert.deepEqual([bundle.kind, bundle.lockedUntil, bundle.restorePoints], ['delta', null, 1]);
    const status = await scratch.json(recoveryStatusDocument, ['dr', 'status']);
    assert.deepEqual([status.enabled, status.schedule, status.afterBackups, status.validTimes], [true, '@daily', true, 2]);
    assert.deepEqual([status.newest?.bundleId, status.problems], [bundle.bundleId, []]);
    const human = await scratch.cli(['dr', 'status']);
    assert.match(human.stdout, /Coverage: +whole\n/);
    assert.match(human.stdout, /Newest bundle: +delta of /);
    await refused(scratch, ['dr', 'enable', '--location', 'store', '--yes'], 4, 'refusedByRule');
    await refused(scratch, ['location', 'remove', 'store', '--yes'], 4, 'stillInUse');
  });

  it('is turned off after a yes', async () => {
    await refused(scratch, ['dr', 'disable'], 2, 'confirmationNeeded');
    const status = await scratch.json(recoveryStatusDocument, ['dr', 'disable', '--yes']);
    assert.deepEqual([status.enabled, status.heldBytes > 0], [false, true]);
    await refused(scratch, ['dr', 'backup'], 4, 'refusedByRule');
  });
});
