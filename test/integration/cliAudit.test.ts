import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { rowDigest } from '../../daemon/catalog/rowDigest.ts';
import { createPolicy, refused } from '../support/cliExpect.ts';
import {
  type AuditEntryDocument,
  auditEntryDocument,
  type AuditVerificationDocument,
  auditVerificationDocument,
} from '../support/auditShapes.ts';
import { ScratchState } from '../support/daemon.ts';

const anything = z.looseObject({});

describe('holdfast audit', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  before(async () => {
    scratch = new ScratchState();
    await refused(scratch, ['audit', 'verify'], 3, 'notSetUp');
    await scratch.setUp();
    await createPolicy(scratch, 'files', [scratch.makeFolder('source')]);
  });
  after(() => scratch[Symbol.asyncDispose]());

  /** Oldest first. */
  async function entries(): Promise<readonly AuditEntryDocument[]> {
    return (
      await scratch.json<readonly AuditEntryDocument[]>(z.array(auditEntryDocument), ['audit', 'list', '--limit', '1000'])
    ).toReversed();
  }

  async function verify(status = 0, ...flags: readonly string[]): Promise<AuditVerificationDocument> {
    return await scratch.json(auditVerificationDocument, ['audit', 'verify', ...flags], { status });
  }

  /** With no daemon in between, and with the digests of the rows made right: as an attacker does it who knows the program. */
  async function attack(sql: string): Promise<void> {
    await scratch.cli(['stop']);
    const database = new DatabaseSync(path.join(scratch.state, 'catalog.db'));
    database.exec(sql);
    const columns = ['sequence', 'outcome', 'ends', 'entry', 'hash'];
    const update = database.prepare('UPDATE auditLog SET digest = ? WHERE sequence = ?');
    for (const row of database.prepare('SELECT * FROM auditLog').all()) {
      update.run(rowDigest('auditLog', columns, row), row['sequence'] ?? null);
    }
    database.close();
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
  }

  it('lists what changed rights or protection, with the names of now, and what was refused', async () => {
    assert.deepEqual((await entries()).map(inShort), [
      'session.init begun',
      'session.init done',
      'location.add begun',
      'location.add done',
      'policy.create begun',
      'policy.create done',
    ]);
    await scratch.json(anything, ['policy', 'edit', 'files', '--keep-latest', '3', '--gitignore']);
    await scratch.json(anything, ['location', 'edit', 'store', '--rename', 'disk']);
    await refused(scratch, ['location', 'remove', 'disk', '--yes'], 4, 'stillInUse');
    await refused(scratch, ['restore-point', 'retire', 'hunter2-typed-in-the-wrong-place', '--yes'], 2, 'unknownName');
    const wrongFile = path.join(scratch.folder, 'wrong');
    writeFileSync(wrongFile, 'hunter2-that-opens-nothing\n', { mode: 0o600 });
    await scratch.cli(['lock']);
    await refused(scratch, ['policy', 'pause', 'files'], 3, 'locked');
    await refused(scratch, ['unlock', '--passphrase-file', wrongFile], 3, 'wrongSecret');
    await scratch.json(anything, ['unlock', '--passphrase-file', scratch.passphraseFile]);
    const all = await entries();
    assert.deepEqual(all.slice(6).map(inShort), [
      'policy.edit begun',
      'policy.edit done',
      'location.edit begun',
      'location.edit done',
      'location.remove refused stillInUse',
      'restorePoint.retire refused unknownName',
      'session.lock begun',
      'session.lock done',
      'policy.pause refused locked',
      'session.unlock begun',
      'session.unlock failed wrongSecret',
      'session.unlock begun',
      'session.unlock done',
    ]);
    const [edit, , rename] = all.slice(6);
    assert.deepEqual(
      edit?.subjects.map(({ kind, name }) => [kind, name]),
      [['policy', 'files']],
    );
    assert.deepEqual([edit?.facts['keep'] !== undefined, edit?.given, edit?.client?.name], [true, ['gitignore'], 'cli']);
    assert.deepEqual(
      rename?.subjects.map(({ kind, name }) => [kind, name]),
      [['location', 'disk']],
    );
    assert.deepEqual(
      all.map(({ sequence }) => sequence),
      Array.from(all, (_, index) => index + 1),
    );
    const stored = new DatabaseSync(path.join(scratch.state, 'catalog.db'), { readOnly: true });
    const texts = JSON.stringify(stored.prepare('SELECT * FROM auditLog').all());
    stored.close();
    for (const secret of ['hunter2', scratch.passphrase, scratch.folder]) assert.ok(!texts.includes(secret), secret);
  });

  it('shows it to people, as many as they want', async () => {
    const { stdout } = await scratch.cli(['audit', 'list', '--limit', '3']);
    assert.match(stdout, /^ROW +WHEN +BY +VERB +OUTCOME +ABOUT\n19 .* cli +session\.unlock +done \(18\)/);
    assert.equal(stdout.trim().split('\n').length, 4);
    await refused(scratch, ['audit', 'list', '--limit', 'none'], 2, 'badValue');
  });

  it('X1: says of what a kill cut off that nobody knows what became of it', async function () {
    if (process.platform === 'win32') this.skip();
    // The daemon runs this command in the middle of the act.
    await refused(scratch, ['unattended', 'command', 'kill -9 $PPID'], 1, 'daemonEnded');
    await scratch.json(anything, ['unlock', '--passphrase-file', scratch.passphraseFile]);
    const all = await entries();
    const begun = all.find(({ verb, outcome }) => verb === 'unattended.set' && outcome === 'begun');
    const end = all.find(({ ends }) => ends === begun?.sequence);
    assert.deepEqual([end?.verb, end?.outcome, end?.client], ['unattended.set', 'unknown', null]);
    assert.equal((await verify()).intact, true);
  });

  it('has what goes on in the queue, and what the daemon does by itself', async () => {
    await scratch.json(anything, ['location', 'collect-garbage', 'disk']);
    await scratch.json(anything, ['unattended', 'passphrase-file', scratch.passphraseFile]);
    await scratch.cli(['stop']);
    const [stopBegun, stopDone, unlocked] = (await entries()).slice(-3);
    assert.deepEqual(
      [stopBegun, stopDone].map((entry) => entry && inShort(entry)),
      ['session.stop begun', 'session.stop done'],
    );
    assert.deepEqual([unlocked && inShort(unlocked), unlocked?.client], ['session.unlock done', null]);
    const collection = (await entries()).filter(({ verb }) => verb === 'location.collectGarbage');
    assert.deepEqual(
      collection.map(({ outcome, client }) => [outcome, client?.name]),
      [
        ['begun', 'cli'],
        ['started', 'cli'],
        ['done', undefined],
      ],
    );
    const [begun, started, done] = collection;
    assert.deepEqual([started?.ends, done?.ends, started?.subjects], [begun?.sequence, null, done?.subjects]);
    await scratch.json(anything, ['unattended', 'off']);
  });

  it('begins a log of its own with an import, which the lost one did not outlive', async () => {
    await using rescued = new ScratchState();
    const spec = path.join(rescued.folder, 'spec.json');
    writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: scratch.makeFolder('store') }));
    await rescued.json(anything, ['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile]);
    const log = await rescued.json<readonly AuditEntryDocument[]>(z.array(auditEntryDocument), ['audit', 'list']);
    assert.deepEqual(log.map(inShort).toReversed(), [
      'recovery.importStored begun',
      'recovery.importStored started',
      'recovery.importStored done',
    ]);
    assert.equal((await rescued.json(auditVerificationDocument, ['audit', 'verify'])).intact, true);
  });

  it('R10: verifies the chain, and a head that was kept outside', async () => {
    const { intact, rows, head, firstBad, given } = await verify();
    assert.deepEqual([intact, rows, firstBad, given], [true, head?.sequence, null, null]);
    const hash = head?.hash ?? '';
    await scratch.json(anything, ['policy', 'pause', 'files']);
    const later = await verify(0, '--head', hash.toUpperCase());
    assert.deepEqual([later.rows, later.given], [rows + 2, { hash, sequence: rows }]);
    const { stdout } = await scratch.cli(['audit', 'verify', '--head', hash]);
    assert.match(
      stdout,
      new RegExp(
        `^The audit log is whole: ${rows + 2} rows, .*\nRow ${rows} has the given head: .*\n\nHead, row ${rows + 2}: [0-9a-f]{64}\n`,
      ),
    );
    await refused(scratch, ['audit', 'verify', '--head', hash.slice(1)], 2, 'badValue');
    await scratch.cli(['lock']);
    await refused(scratch, ['audit', 'verify'], 3, 'locked');
    await refused(scratch, ['audit', 'list'], 3, 'locked');
    await scratch.json(anything, ['unlock', '--passphrase-file', scratch.passphraseFile]);
  });

  it('R10: ends with 5 and still prints its document where the end was cut, a row was changed, or one is gone', async () => {
    const { head } = await verify();
    await attack(`DELETE FROM auditLog WHERE sequence > ${(head?.sequence ?? 0) - 2}`);
    assert.equal((await verify()).intact, true, 'it can not know it by itself');
    const cut = await verify(5, '--head', head?.hash ?? '');
    assert.deepEqual([cut.intact, cut.firstBad, cut.given], [false, null, { hash: head?.hash, sequence: null }]);
    const said = await scratch.cli(['audit', 'verify', '--head', head?.hash ?? '']);
    assert.equal(said.status, 5);
    assert.match(said.stdout, /^The audit log is not the one of the given head: none of its \d+ rows has it\./);
    await attack(`UPDATE auditLog SET entry = replace(entry, '"policy.create"', '"policy.pause"') WHERE sequence = 5`);
    const changed = await verify(5);
    assert.deepEqual([changed.intact, changed.firstBad, changed.head?.sequence], [false, { sequence: 5, problem: 'changed' }, 4]);
    await attack('DELETE FROM auditLog WHERE sequence = 3');
    assert.deepEqual((await verify(5)).firstBad, { sequence: 3, problem: 'missing' });
    const human = await scratch.cli(['audit', 'verify']);
    assert.match(human.stdout, /^The audit log is broken at row 3: it is gone\. Rows 1 to 2 follow from each other/);
    assert.equal(human.status, 5);
  });
});

function inShort({ verb, outcome, code }: AuditEntryDocument): string {
  return [verb, outcome, ...(code === null ? [] : [code])].join(' ');
}
