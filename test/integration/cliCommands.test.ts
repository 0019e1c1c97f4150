import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tarStream from 'tar-stream';
import * as z from 'zod';
import { backUp, createPolicy, filesOf, refused, restore, restorePointOf } from '../support/cliExpect.ts';
import {
  actionDocument,
  changeDocument,
  commandDocument,
  fileVersionDocument,
  hooksDocument,
  importDocument,
  policyDocument,
  verifyDocument,
} from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';
import { goneWithin, peakMemory } from '../support/processes.ts';
import { writtenLines } from '../support/writtenLines.ts';

const mebibyte = 2 ** 20;

async function namesInArchive(archive: Buffer): Promise<readonly string[]> {
  const names: string[] = [];
  const extract = tarStream.extract();
  extract.end(archive);
  for await (const entry of extract) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names;
}

async function gone(pid: number): Promise<void> {
  assert.ok(await goneWithin(pid, 10_000), `process ${pid} is still there`);
}

describe('what commands print, and commands around a run', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  let store: string;

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
  });
  after(() => scratch[Symbol.asyncDispose]());

  /** No spaces: commands name these too. */
  const at = (name: string): string => path.join(scratch.folder, name.replaceAll(' ', '-'));

  it('is backed up, listed, printed, restored, verified, compared and remembered as a file of the name of the command', async () => {
    writeFileSync(at('rows'), 'CREATE TABLE a;\n');
    await createPolicy(scratch, 'db', [], ['--command', `shop.sql=echo reading >&2; cat ${at('rows')}`]);
    const document = await backUp(scratch, 'db');
    assert.deepEqual([document.outcome, document.files, document.bytes, document.skipped], ['complete', 1, 16, []]);
    const [command] = document.commands;
    assert.deepEqual(
      [command?.name, command?.exitStatus, command?.signal, command?.bytes, command?.standardError, command?.kept, command?.problem],
      ['shop.sql', 0, null, 16, 'reading\n', true, null],
    );
    assert.deepEqual(document.hooks, { before: null, after: null });
    const files = await filesOf(scratch, 'db');
    assert.deepEqual([...files.keys()], ['shop.sql']);
    assert.deepEqual([files.get('shop.sql')?.kind, files.get('shop.sql')?.size], ['stream', 16]);
    assert.equal((await scratch.cli(['rp', 'cat', 'db', 'shop.sql'])).stdout, 'CREATE TABLE a;\n');
    const archive = await scratch.cli(['rp', 'dump', 'db', '--format', 'tar']);
    assert.deepEqual(await namesInArchive(archive.stdoutBytes), ['shop.sql']);
    await restore(scratch, 'db', at('back'));
    assert.deepEqual(readdirSync(at('back')), ['shop.sql']);
    assert.equal(readFileSync(path.join(at('back'), 'shop.sql'), 'utf8'), 'CREATE TABLE a;\n');
    await restore(scratch, 'db', at('back by name'), 0, ['--path', 'shop.sql']);
    assert.deepEqual(readdirSync(at('back by name')), ['shop.sql']);
    const verified = await scratch.json(verifyDocument, ['rp', 'verify', 'db', '--read-data']);
    assert.equal(verified.ok, true);

    const unchanged = await backUp(scratch, 'db');
    assert.ok(unchanged.addedBytes < document.addedBytes);
    assert.deepEqual(await scratch.json(z.array(changeDocument), ['rp', 'diff', 'db']), []);
    writeFileSync(at('rows'), 'CREATE TABLE b;\n');
    const changed = restorePointOf(await backUp(scratch, 'db'));
    assert.deepEqual(await scratch.json(z.array(changeDocument), ['rp', 'diff', 'db']), [{ path: 'shop.sql', change: 'modified' }]);
    const versions = await scratch.json(z.array(fileVersionDocument), ['file-history', 'shop.sql']);
    assert.deepEqual(
      versions.map(({ restorePointId, change }) => [restorePointId, change]),
      [
        [changed, 'modified'],
        [restorePointOf(document), 'added'],
      ],
    );
    await refused(scratch, ['file-history', 'other.sql'], 2, 'unknownName');
  });

  it('lies beside the folders of other sources, is not run for a comparison, and has no place to go back to', async () => {
    const source = scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
    await createPolicy(scratch, 'both', [source], ['--command', `state.json=echo x >> ${at('runs')}; echo '{}'`]);
    await backUp(scratch, 'both');
    assert.deepEqual([...(await filesOf(scratch, 'both')).keys()], ['source', 'source/file', 'state.json']);
    await restore(scratch, 'both', at('both back'));
    assert.deepEqual(readdirSync(at('both back'), { recursive: true, encoding: 'utf8' }).toSorted(), [
      'source',
      'source/file',
      'state.json',
    ]);
    for (const name of ['state.json', 'state.json/state.json', 'state.json/output']) {
      assert.equal((await scratch.cli(['rp', 'cat', 'both', name])).stdout, '{}\n', name);
    }
    const diff = await scratch.cli(['rp', 'diff', 'both', '--with-source', '--json']);
    assert.deepEqual([diff.status, diff.json], [0, []]);
    assert.match(diff.stderr, /^state\.json is not compared: a command printed it/m);
    rmSync(path.join(source, 'file'));
    const back = await scratch.cli(['restore', 'both', '--in-place', '--conflict', 'overwrite', '--json']);
    assert.equal(back.status, 6, back.stdout);
    const { skipped } = z.looseObject({ skipped: z.array(z.looseObject({ path: z.string(), reason: z.string() })) }).parse(back.json);
    assert.deepEqual(
      skipped.map((finding) => finding.path),
      ['state.json'],
    );
    assert.match(skipped[0]?.reason ?? '', /no place to go back to.*--target.*restore-point cat/);
    assert.equal(readFileSync(path.join(source, 'file'), 'utf8'), 'content');
    assert.equal(readFileSync(at('runs'), 'utf8'), 'x\n');
    const dry = await backUp(scratch, 'both', 0, ['--dry-run']);
    assert.deepEqual([dry.outcome, dry.commands], ['complete', []]);
    assert.deepEqual(dry.skipped, [{ path: 'state.json', reason: 'a dry run runs no commands' }]);
    assert.equal(readFileSync(at('runs'), 'utf8'), 'x\n');
  });

  it('leaves nothing behind where its command fails, and the other sources are backed up', async () => {
    await createPolicy(
      scratch,
      'partly',
      [],
      [
        '--command',
        'half=head -c 3000000 /dev/urandom; echo "disk \u001b[31mfull" >&2; exit 3',
        '--command',
        'killed=echo x; kill -9 $$',
        '--command',
        'good=echo good',
      ],
    );
    const document = await backUp(scratch, 'partly', 6);
    assert.deepEqual([document.outcome, document.files, document.bytes], ['completeWithWarnings', 1, 5]);
    assert.deepEqual(document.skipped, [
      { path: 'half', reason: 'its command failed: it ended with status 3' },
      { path: 'killed', reason: 'its command failed: it was ended by SIGKILL' },
    ]);
    assert.deepEqual(
      document.commands.map(({ name, exitStatus, signal, kept, bytes }) => [name, exitStatus, signal, kept, bytes]),
      [
        ['half', 3, null, false, 3_000_000],
        ['killed', null, 'SIGKILL', false, 2],
        ['good', 0, null, true, 5],
      ],
    );
    assert.deepEqual([...(await filesOf(scratch, 'partly')).keys()], ['good']);
    const human = await scratch.cli(['backup', 'partly']);
    assert.equal(human.status, 6);
    assert.match(human.stdout, /failed {2}half: it ended with status 3 \(2\.86 MiB in .*, not kept\)\n {4}disk \\x1b\[31mfull\n/);
  });

  it('makes no restore point where every command fails: exit 1, with what was said in the details', async () => {
    await createPolicy(scratch, 'hopeless', [], ['--command', 'db=echo "no such database" >&2; false']);
    const { message, details } = await refused(scratch, ['backup', 'hopeless'], 1, 'commandFailed');
    assert.equal(message, 'Failed to back up db: its command failed: it ended with status 1.');
    const [command] = z.array(commandDocument).parse(details?.['commands']);
    assert.deepEqual([command?.standardError, command?.kept], ['no such database\n', false]);
    assert.deepEqual(await scratch.json(z.array(z.unknown()), ['rp', 'list', '--policy', 'hopeless']), []);
    const human = await scratch.cli(['backup', 'hopeless']);
    assert.match(human.stderr, /failed {2}db: it ended with status 1.*\n {4}no such database\n/);
  });

  it('may be empty, and of any bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
    writeFileSync(at('bytes'), bytes);
    await createPolicy(scratch, 'odd', [], ['--command', 'empty=true', '--command', `binary=cat ${at('bytes')}`]);
    const document = await backUp(scratch, 'odd');
    assert.deepEqual([document.outcome, document.files, document.bytes], ['complete', 2, 70_000]);
    await restore(scratch, 'odd', at('odd back'));
    assert.equal(readFileSync(path.join(at('odd back'), 'empty')).length, 0);
    assert.ok(readFileSync(path.join(at('odd back'), 'binary')).equals(bytes));
  });

  it('X10: takes gibibytes in bounded memory, and none of them on the disk in clear', async function () {
    const pid = scratch.daemonPid();
    if (pid === undefined || peakMemory(pid) === undefined) this.skip();
    const marker = createHash('sha256').update('marker').digest('hex');
    const lines = `yes ${marker} | head -c ${2048 * mebibyte}`;
    await createPolicy(scratch, 'large', [], ['--command', `large=${lines}`]);
    const document = await backUp(scratch, 'large');
    assert.deepEqual([document.bytes, document.commands[0]?.bytes], [2048 * mebibyte, 2048 * mebibyte]);
    assert.ok((peakMemory(pid) ?? 0) < 700 * mebibyte, `${peakMemory(pid)} bytes`);
    const below = [scratch.state, store].flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()),
    );
    for (const entry of below) {
      const file = path.join(entry.parentPath, entry.name);
      assert.ok(!readFileSync(file).includes(marker), file);
    }
  });

  it('names the command that runs, and ends it with all that it started when the run is cancelled', async () => {
    const command = `echo $$ > ${at('shell')}; sleep 1000 & echo $! > ${at('child')}; trap "" TERM; wait; wait`;
    await createPolicy(scratch, 'hangs', [], ['--command', `hang.sql=${command}`]);
    const interrupt = new AbortController();
    const running = scratch.startCli(['backup', 'hangs', '--json'], { signal: interrupt.signal });
    const pids = [...(await writtenLines(at('shell'))), ...(await writtenLines(at('child')))].map(Number);
    const [action] = await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '1']);
    assert.equal(action?.progress.phase, 'command hang.sql');
    interrupt.abort();
    const { status, stdout } = await running.done;
    assert.equal(status, 130, stdout);
    for (const pid of pids) await gone(pid);
    assert.deepEqual(await scratch.json(z.array(z.unknown()), ['rp', 'list', '--policy', 'hangs']), []);
  });

  it('has its commands in the policy, all of them from now on where one is typed', async () => {
    const source = scratch.makeFolder('source');
    await createPolicy(scratch, 'edited', [source], ['--command', 'a=true', '--before', 'true', '--hook-timeout', '5m']);
    const before = await scratch.json(policyDocument, ['policy', 'show', 'edited']);
    assert.deepEqual(before['before'], { command: 'true', timeLimit: 300 });
    const edited = await scratch.json(policyDocument, [
      'policy',
      'edit',
      'edited',
      '--command',
      'a=false',
      '--command',
      'b=true',
      '--before',
      '',
    ]);
    assert.deepEqual(
      edited.sources.map((one) => [one['kind'], one.name, one.command]),
      [
        ['command', 'a', 'false'],
        ['command', 'b', 'true'],
      ],
    );
    assert.equal(edited.sources[0]?.['sourceId'], before.sources[1]?.['sourceId']);
    assert.equal(edited['before'], null);
    const human = await scratch.cli(['policy', 'show', 'edited']);
    assert.match(human.stdout, /Sources: +a = false\n +b = true\n/);
    await refused(scratch, ['policy', 'edit', 'edited', '--command', 'a=1', '--command', 'a=2'], 2, 'badValue');
    await refused(scratch, ['policy', 'edit', 'edited', '--command', '../a=1'], 2, 'badValue');
  });

  it('X8: comes back with a lost catalog, in a policy that is paused; nothing of it runs by that', async () => {
    const mark = at('marks');
    await createPolicy(
      scratch,
      'marked',
      [],
      ['--command', `mark=echo x | tee -a ${mark}`, '--before', `echo b >> ${mark}`, '--after', `echo a >> ${mark}`],
    );
    await backUp(scratch, 'marked');
    assert.equal(readFileSync(mark, 'utf8'), 'b\nx\na\n');
    const spec = at('spec.json');
    writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: store }));
    await using fresh = new ScratchState();
    await fresh.json(importDocument, ['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile]);
    const policy = await fresh.json(policyDocument, ['policy', 'show', 'marked']);
    assert.deepEqual([policy.paused, policy.sources[0]?.command], [true, `echo x | tee -a ${mark}`]);
    assert.equal((await fresh.cli(['rp', 'cat', 'marked', 'mark'])).stdout, 'x\n');
    await restore(fresh, 'marked', path.join(fresh.folder, 'back'));
    assert.equal((await fresh.json(verifyDocument, ['rp', 'verify', 'marked', '--read-data'])).ok, true);
    assert.equal(readFileSync(mark, 'utf8'), 'b\nx\na\n');
  });

  describe('before and after a run', () => {
    const environment = (name: string): string => `env | grep ^HOLDFAST_ | sort > ${at(name)}`;

    it('run around it, and are told of it', async () => {
      await createPolicy(
        scratch,
        'told',
        [],
        ['--command', 'x=echo x', '--before', `${environment('before')}; echo begun >&2`, '--after', environment('after')],
      );
      const document = await backUp(scratch, 'told');
      const { policyId } = await scratch.json(policyDocument, ['policy', 'show', 'told']);
      assert.equal(document.hooks.before?.standardError, 'begun\n');
      assert.equal(document.hooks.after?.exitStatus, 0);
      assert.deepEqual(readFileSync(at('before'), 'utf8').trim().split('\n'), [
        'HOLDFAST_HOOK=before',
        'HOLDFAST_POLICY=told',
        `HOLDFAST_POLICY_ID=${policyId}`,
      ]);
      assert.deepEqual(readFileSync(at('after'), 'utf8').trim().split('\n'), [
        'HOLDFAST_HOOK=after',
        'HOLDFAST_OUTCOME=complete',
        'HOLDFAST_POLICY=told',
        `HOLDFAST_POLICY_ID=${policyId}`,
        `HOLDFAST_RESTORE_POINT_ID=${restorePointOf(document)}`,
      ]);
    });

    it('stop it where the one before it fails, and the one after it runs all the same', async () => {
      await createPolicy(
        scratch,
        'stopped',
        [],
        [
          '--command',
          `x=touch ${at('must not be')}`,
          '--before',
          'echo "is not mounted" >&2; exit 32',
          '--after',
          environment('after failure'),
        ],
      );
      const { message, details } = await refused(scratch, ['backup', 'stopped'], 1, 'hookFailed');
      assert.match(message, /the command before the run failed: it ended with status 32/);
      const { before, after } = hooksDocument.parse(details?.['hooks']);
      assert.deepEqual([before?.exitStatus, before?.standardError, after?.exitStatus], [32, 'is not mounted\n', 0]);
      assert.equal(existsSync(at('must not be')), false);
      assert.match(readFileSync(at('after failure'), 'utf8'), /^HOLDFAST_OUTCOME=failed$/m);
      assert.match(readFileSync(at('after failure'), 'utf8'), /^HOLDFAST_RESTORE_POINT_ID=$/m);
    });

    it('are a warning where the one after it fails or hangs; the restore point stays', async () => {
      const hang = `sleep 1000 & echo $! > ${at('hangs')}; wait`;
      await createPolicy(scratch, 'hung', [], ['--command', 'x=echo x', '--after', hang, '--hook-timeout', '1s']);
      const document = await backUp(scratch, 'hung', 6);
      assert.deepEqual([document.hooks.after?.problem, document.outcome], ['it took longer than 1 s', 'completeWithWarnings']);
      await gone(Number((await writtenLines(at('hangs')))[0]));
      assert.equal((await scratch.cli(['rp', 'cat', restorePointOf(document), 'x'])).stdout, 'x\n');
      await scratch.json(policyDocument, ['policy', 'edit', 'hung', '--before', hang, '--after', '']);
      const { message } = await refused(scratch, ['backup', 'hung'], 1, 'hookFailed');
      assert.match(message, /it took longer than 1 s/);
    });

    it('end when the run is cancelled, and the one after it sets free what was stopped', async () => {
      const before = `echo $$ > ${at('stops')}; sleep 1000`;
      await createPolicy(scratch, 'cancelled', [], ['--command', 'x=echo x', '--before', before, '--after', environment('after cancel')]);
      const interrupt = new AbortController();
      const running = scratch.startCli(['backup', 'cancelled', '--json'], { signal: interrupt.signal });
      const pid = Number((await writtenLines(at('stops')))[0]);
      const [action] = await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '1']);
      assert.equal(action?.progress.phase, 'hook before');
      interrupt.abort();
      assert.equal((await running.done).status, 130);
      await gone(pid);
      assert.match(readFileSync(at('after cancel'), 'utf8'), /^HOLDFAST_OUTCOME=cancelled$/m);
    });
  });
});
