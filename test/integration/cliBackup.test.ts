import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import * as z from 'zod';
import { backUp, createPolicy, filesOf, refused, restore, restorePointOf } from '../support/cliExpect.ts';
import {
  actionDocument,
  backupDocument,
  changeDocument,
  restorePointDocument,
  startedDocument,
  statusDocument,
  verifyDocument,
} from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ScratchState } from '../support/daemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { endProcess, goneWithin, isAlive } from '../support/processes.ts';
import { serveRestricted } from '../support/restrictedDaemon.ts';
import { makeSampleTree } from '../support/sampleTree.ts';
import { skipWithout } from '../support/skipWithout.ts';
import { runOnTerminal } from '../support/terminal.ts';

const bigBytes = 256 * 2 ** 20;

/** Objects below a folder whose names begin with a dot: what puts leave when they are cut short. */
function unfinished(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => path.basename(name).startsWith('.'));
}

/** Runs a program of Node's beside the test; disposing of it ends it. */
function beside(program: string): AsyncDisposable {
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  return { [Symbol.asyncDispose]: () => endProcess(child.pid ?? -1) };
}

describe('holdfast backup', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  let store: string;
  let source: string;

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
    source = path.join(scratch.folder, 'source');
    makeSampleTree(source, { seed: testSeed() });
    await createPolicy(scratch, 'sample', [source]);
  });
  after(() => scratch[Symbol.asyncDispose]());

  const points = async (...flags: string[]): Promise<readonly z.infer<typeof restorePointDocument>[]> =>
    await scratch.json(z.array(restorePointDocument), ['restore-point', 'list', ...flags]);
  const folder = (name: string, files: Readonly<Record<string, string>> = { file: 'content' }): string => {
    const made = scratch.makeFolder(name);
    for (const [file, content] of Object.entries(files)) writeFileSync(path.join(made, file), content);
    return made;
  };

  describe('what it prints', () => {
    it('is one document of the restore point that it made, which the list shows too', async () => {
      const document = await backUp(scratch, 'sample', 0, ['--description', 'the first one']);
      assert.equal(document.outcome, 'complete');
      assert.deepEqual(document.skipped, []);
      assert.ok(document.files > 90 && document.bytes > document.addedBytes && document.addedBytes > 3 * 2 ** 20);
      const [listed] = await points();
      assert.equal(listed?.id, restorePointOf(document));
      assert.deepEqual(
        [listed?.policy, listed?.sequence, listed?.state, listed?.pinned, listed?.verified, listed?.description],
        ['sample', 1, 'live', false, null, 'the first one'],
      );
      assert.deepEqual([listed?.files, listed?.bytes, listed?.addedBytes], [document.files, document.bytes, document.addedBytes]);
    });

    it('is for people one line: the restore point and how much there was', async () => {
      const result = await scratch.cli(['backup', 'sample']);
      assert.equal(result.status, 0, result.stderr);
      const [newest] = await points('--limit', '1');
      assert.match(result.stdout, /^sample: restore point [0-9a-f]{8}, \d+ files, [\d.]+ MiB, [\d.]+ KiB added, [\d.]+ s\n$/);
      assert.ok(result.stdout.includes(newest?.id.slice(0, 8) ?? '?'));
      assert.equal(result.stderr, '');
    });

    it('is an array for several policies and for --all, in the order that was asked for', async () => {
      await createPolicy(scratch, 'one', [folder('one')]);
      const two = await scratch.json(z.array(backupDocument), ['backup', 'sample', 'one']);
      assert.deepEqual(
        two.map(({ policy, outcome }) => [policy, outcome]),
        [
          ['sample', 'complete'],
          ['one', 'complete'],
        ],
      );
      const all = await scratch.json(z.array(backupDocument), ['backup', '--all']);
      assert.deepEqual(
        all.map(({ policy }) => policy),
        ['one', 'sample'],
      );
      // One policy that is named twice is one run and one document.
      assert.equal((await scratch.json(backupDocument, ['backup', 'one', 'one'])).outcome, 'complete');
    });

    it('is an array with the error beside the others where one of several fails, exit 1', async () => {
      const gone = folder('gone soon');
      await createPolicy(scratch, 'gone', [gone]);
      rmSync(gone, { recursive: true });
      const documents = await scratch.json(z.array(backupDocument), ['backup', 'one', 'gone'], { status: 1 });
      assert.deepEqual(
        documents.map(({ outcome, restorePointId }) => [outcome, restorePointId === null]),
        [
          ['complete', false],
          ['failed', true],
        ],
      );
      assert.match(JSON.stringify(documents[1]?.['error']), /sourceMissing/);
      await scratch.json(z.unknown(), ['policy', 'delete', 'gone', '--yes']);
    });

    it('is the id of the action alone with --no-wait, and the action goes on by itself', async () => {
      const { actionId } = await scratch.json(startedDocument, ['backup', 'one', '--no-wait']);
      const followed = await scratch.cli(['action', 'show', actionId, '--follow']);
      assert.equal(followed.status, 0, followed.stderr);
      const action = await scratch.json(actionDocument, ['action', 'show', actionId.slice(0, 8)]);
      assert.deepEqual([action.kind, action.subject, action.state], ['backup', 'one', 'complete']);
      backupDocument.parse(action['result']);
    });

    it('is nothing on standard error with --quiet, and the document all the same', async () => {
      const result = await scratch.cli(['backup', 'one', '--quiet', '--json']);
      assert.deepEqual([result.status, result.stderr], [0, '']);
      backupDocument.parse(result.json);
    });

    it('is an error, exit 2, for a policy that nobody knows and for a description that is too long', async () => {
      await refused(scratch, ['backup', 'nobody'], 2, 'unknownName');
      await refused(scratch, ['backup', 'one', '--description', 'x'.repeat(1025)], 2, 'badValue');
    });
  });

  describe('what it stores', () => {
    it('X9: gives back every odd name, kind, mode, time and hole as it was', async () => {
      const target = path.join(scratch.folder, 'restored sample');
      await restore(scratch, 'sample', target);
      const { differences, files } = compareTrees(source, target);
      assert.deepEqual(differences, []);
      assert.ok(files > 90);
    });

    it('is next to nothing where nothing changed: a restore point with the same trees', async () => {
      const before = await backUp(scratch, 'sample');
      const after = await backUp(scratch, 'sample');
      assert.deepEqual([after.files, after.bytes], [before.files, before.bytes]);
      // A manifest and no more.
      assert.ok(after.addedBytes <= 65_536, `${after.addedBytes} bytes`);
      assert.deepEqual(await scratch.json(z.array(changeDocument), ['rp', 'diff', restorePointOf(after)]), []);
    });

    it('is what changed and no more', async () => {
      const changing = folder('changing', { a: 'a', b: 'b', c: 'c' });
      await createPolicy(scratch, 'changing', [changing]);
      await backUp(scratch, 'changing');
      writeFileSync(path.join(changing, 'a'), 'changed');
      writeFileSync(path.join(changing, 'd'), 'new');
      rmSync(path.join(changing, 'c'));
      await backUp(scratch, 'changing');
      const target = path.join(scratch.folder, 'restored changing');
      await restore(scratch, 'changing', target);
      assert.deepEqual(compareTrees(changing, target).differences, []);
    });

    it('is nothing with --dry-run, which says what would be stored', async () => {
      const before = readdirSync(store, { recursive: true }).length;
      const dry = folder('dry', { a: 'x'.repeat(100_000) });
      await createPolicy(scratch, 'dry', [dry]);
      const document = await backUp(scratch, 'dry', 0, ['--dry-run']);
      assert.deepEqual([document.restorePointId, document.files, document.bytes], [null, 1, 100_000]);
      assert.ok(document.addedBytes > 0, 'what would be put');
      assert.match(
        (await scratch.cli(['backup', 'dry', '--dry-run'])).stdout,
        /nothing stored \(dry run\), 1 file, [\d.]+ KiB, [\d.]+ KiB would be added/,
      );
      assert.equal(readdirSync(store, { recursive: true }).length, before);
      assert.deepEqual(await points('--policy', 'dry'), []);
      // Nothing is remembered as stored either.
      await backUp(scratch, 'dry');
      assert.equal((await scratch.cli(['rp', 'cat', 'dry', 'a'])).stdout.length, 100_000);
    });
  });

  describe('X9: sources that are not as they should be', () => {
    it('X9: fails on a policy whose source is missing, exit 1, and lists nothing', async () => {
      const missing = folder('missing');
      await createPolicy(scratch, 'missing', [missing]);
      rmSync(missing, { recursive: true });
      const error = await refused(scratch, ['backup', 'missing'], 1, 'sourceMissing');
      assert.ok(error.message.includes(missing), error.message);
      assert.deepEqual(await points('--policy', 'missing'), []);
    });

    it('X9: ends with warnings where one of several sources is missing, names it, exit 6, and has the others', async () => {
      const missing = folder('missing of two');
      await createPolicy(scratch, 'missing of two', [folder('there'), missing]);
      rmSync(missing, { recursive: true });
      const document = await backUp(scratch, 'missing of two', 6);
      assert.deepEqual(
        document.skipped.map((finding) => finding.path),
        [missing],
      );
      assert.match(document.skipped[0]?.reason ?? '', /not there/);
      assert.equal((await scratch.cli(['rp', 'cat', restorePointOf(document), 'file'])).stdout, 'content');
    });

    it('X9: fails on a source that became something that cannot be backed up', async () => {
      const odd = folder('became a FIFO');
      await createPolicy(scratch, 'odd', [odd]);
      rmSync(odd, { recursive: true });
      execFileSync('mkfifo', [odd]);
      const result = await scratch.cli(['backup', 'odd', '--json']);
      assert.equal(result.status, 1, result.stdout);
      assert.deepEqual(await points('--policy', 'odd'), []);
    });

    it('X9: skips and names FIFOs, sockets and devices, which alone are no warning', async function () {
      const special = folder('special');
      execFileSync('mkfifo', [path.join(special, 'fifo\nwith a break')]);
      const socket = createServer();
      await new Promise<void>((resolve) => void socket.listen(path.join(special, 'socket'), resolve));
      try {
        const expected = new Map([
          ['fifo\\x0awith a break', 'FIFO'],
          ['socket', 'socket'],
        ]);
        try {
          execFileSync('mknod', [path.join(special, 'device'), 'c', '1', '3'], { stdio: 'ignore' });
          expected.set('device', 'device');
        } catch {
          // Only root may make one, and not everywhere.
        }
        await createPolicy(scratch, 'special', [special]);
        const document = await backUp(scratch, 'special');
        assert.equal(document.outcome, 'complete');
        for (const [name, word] of expected) {
          const found = document.skipped.find((finding) => finding.path === `${special}/${name}`);
          assert.match(found?.reason ?? 'not named', new RegExp(word), name);
        }
        assert.equal(document.skipped.length, expected.size);
        const human = await scratch.cli(['backup', 'special']);
        assert.equal(human.status, 0);
        assert.equal(human.stdout.match(/^ {2}skipped {2}/gm)?.length, expected.size, human.stdout);
        const target = path.join(scratch.folder, 'restored special');
        await restore(scratch, 'special', target);
        assert.deepEqual(readdirSync(target), ['file']);
      } finally {
        socket.close();
      }
    });

    it('X9 F2: takes a source that it may not look into for missing: no empty restore point, of which retention would keep some', async function () {
      await using plain = new ScratchState();
      await using daemon = await serveRestricted(plain);
      if (daemon === undefined) skipWithout('setpriv', this);
      await plain.setUp();
      const shut = plain.makeFolder('source');
      writeFileSync(path.join(shut, 'file'), 'file');
      await createPolicy(plain, 'shut', [shut], ['--keep-latest', '1']);
      const whole = restorePointOf(await backUp(plain, 'shut'));
      execFileSync('chmod', ['000', shut]);
      try {
        await refused(plain, ['backup', 'shut'], 1, 'sourceMissing');
      } finally {
        execFileSync('chmod', ['700', shut]);
      }
      assert.ok((await filesOf(plain, whole)).has('file'));
      const listed = await plain.json(z.array(restorePointDocument), ['rp', 'list']);
      assert.deepEqual(
        listed.map((point) => point.id),
        [whole],
      );
    });

    it('X9: ends with warnings over a file and a folder that it may not read, names them, exit 6, and has the rest', async function () {
      await using plain = new ScratchState();
      await using daemon = await serveRestricted(plain);
      if (daemon === undefined) skipWithout('setpriv', this);
      await plain.setUp();
      const shut = plain.makeFolder('source');
      for (const name of ['before', 'shut', 'zlast']) writeFileSync(path.join(shut, name), name);
      mkdirSync(path.join(shut, 'shut folder'));
      writeFileSync(path.join(shut, 'shut folder', 'inside'), '');
      execFileSync('chmod', ['000', path.join(shut, 'shut'), path.join(shut, 'shut folder')]);
      try {
        await createPolicy(plain, 'shut', [shut]);
        const document = await backUp(plain, 'shut', 6);
        assert.equal(document.outcome, 'completeWithWarnings');
        assert.deepEqual(document.skipped.map((finding) => finding.path).toSorted(), [
          path.join(shut, 'shut'),
          path.join(shut, 'shut folder'),
        ]);
        for (const { reason } of document.skipped) assert.match(reason, /permission denied/);
        const stored = await filesOf(plain, restorePointOf(document));
        assert.ok(stored.has('before') && stored.has('zlast') && !stored.has('shut'));
        const human = await plain.cli(['backup', 'shut']);
        assert.equal(human.status, 6);
        assert.match(human.stdout, /with warnings\n {2}skipped {2}/);
        assert.match(human.stdout, /^ {2}skipped {2}.*shut: permission denied$/m);
        const action = await plain.json(actionDocument, ['action', 'show', document.actionId]);
        assert.deepEqual([action.state, action.error?.code], ['completeWithWarnings', 'completedWithWarnings']);
      } finally {
        execFileSync('chmod', ['700', path.join(shut, 'shut'), path.join(shut, 'shut folder')]);
      }
    });

    it('X9: ends with warnings over a file that changes while it is read, names it, exit 6, and stores what it read', async () => {
      const changing = folder('restless', { calm: 'calm' });
      const restless = path.join(changing, 'restless');
      writeFileSync(restless, Buffer.alloc(4 * 2 ** 20, 'x'));
      await createPolicy(scratch, 'restless', [changing]);
      await using writer = beside(`
        const fs = require('node:fs');
        const file = fs.openSync(${JSON.stringify(restless)}, 'r+');
        for (let at = 0; ; at = (at + 4099) % 4000000) fs.writeSync(file, String(at), at);
      `);
      assert.ok(writer);
      // Until the writer runs the file is at rest.
      while ((await scratch.cli(['backup', 'restless'])).status === 0);
      const named = await backUp(scratch, 'restless', 6);
      assert.equal(named.outcome, 'completeWithWarnings');
      assert.match(JSON.stringify(named['warnings']), /restless.*changed while it was read/);
      const human = await scratch.cli(['backup', 'restless']);
      assert.equal(human.status, 6);
      assert.match(human.stdout, /^ {2}warning {2}.*restless changed while it was read\.$/m);
      const stored = await filesOf(scratch, restorePointOf(named));
      assert.ok(stored.has('calm') && stored.has('restless'));
      assert.equal((await scratch.json(verifyDocument, ['rp', 'verify', restorePointOf(named), '--read-data'])).ok, true);
    });

    it('X9: ends with warnings over files that vanish while they are read, names them, exit 6, and has the rest', async () => {
      const fleeting = folder('fleeting', { stays: 'stays' });
      await createPolicy(scratch, 'fleeting', [fleeting]);
      await using writer = beside(`
        const fs = require('node:fs');
        const names = Array.from({ length: 300 }, (_, index) => ${JSON.stringify(`${fleeting}/fleeting-`)} + index);
        for (;;) {
          for (const name of names) fs.writeFileSync(name, 'gone soon');
          for (const name of names) fs.rmSync(name, { force: true });
        }
      `);
      assert.ok(writer);
      // Which names vanish between the listing and the look is chance: so many runs without one are not.
      for (let tries = 0; ; tries += 1) {
        const result = await scratch.cli(['backup', 'fleeting', '--json']);
        const document = backupDocument.parse(result.json);
        const stored = await filesOf(scratch, restorePointOf(document));
        assert.ok(stored.has('stays'));
        const vanished = document.skipped.filter(({ reason }) => /vanished/.test(reason));
        assert.equal(result.status, document.outcome === 'completeWithWarnings' ? 6 : 0);
        if (vanished.length > 0) {
          assert.equal(document.outcome, 'completeWithWarnings');
          assert.match(vanished[0]?.path ?? '', /fleeting-\d+$/);
          break;
        }
        assert.ok(tries < 50, 'no file vanished in 50 runs');
      }
    });

    it('X9: takes what lies in a name of 255 bytes, in a name with a newline and in one that is no UTF-8', async function () {
      if (process.platform !== 'linux') this.skip();
      const odd = folder('odd names', {});
      const names = [Buffer.alloc(255, 'n'), Buffer.from('new\nline'), Buffer.from('ff2d80', 'hex')];
      for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${odd}/`), name]), name);
      await createPolicy(scratch, 'odd names', [odd]);
      const document = await backUp(scratch, 'odd names');
      assert.deepEqual([document.files, document.skipped], [3, []]);
      const stored = await filesOf(scratch, restorePointOf(document));
      assert.deepEqual([...stored.keys()].toSorted(), ['new\nline', 'n'.repeat(255), '\ufffd-\ufffd']);
      const cat = await scratch.cli(['rp', 'cat', 'odd names', '\ufffd-\ufffd']);
      assert.equal(cat.stdoutBytes.toString('hex'), 'ff2d80');
      const human = await scratch.cli(['rp', 'files', 'odd names']);
      assert.equal(human.stdout.trimEnd().split('\n').length, 3, 'a name with a newline stays on its line');
      const target = path.join(scratch.folder, 'restored odd names');
      await restore(scratch, 'odd names', target);
      assert.deepEqual(compareTrees(odd, target).differences, []);
    });
  });

  describe('while it runs', () => {
    let big: string;
    const started = new Set<string>();

    before(async () => {
      big = scratch.makeFolder('big');
      writeFileSync(path.join(big, 'file'), randomBytes(bigBytes));
      await createPolicy(scratch, 'big', [big]);
    });

    const nothingIsLeft = async (): Promise<void> => {
      assert.deepEqual(await points('--policy', 'big'), []);
      assert.deepEqual(unfinished(store), []);
      assert.deepEqual((await scratch.json(statusDocument, ['status'])).runningActions, []);
    };

    it('shows how it goes on a terminal, and Ctrl-C cancels it: exit 130, nothing half-listed, no temporary file', async function () {
      const run = runOnTerminal(scratch, ['backup', 'big']);
      if (run === undefined) skipWithout('the second reader’s Python', this);
      await run.shows(/Backing up big.*MiB/);
      run.type('\u0003');
      const { status, drawn } = await run.done;
      assert.equal(status, 130, drawn);
      assert.match(drawn, /Cancelled/);
      const [action] = await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '1']);
      assert.deepEqual([action?.kind, action?.subject, action?.state], ['backup', 'big', 'cancelled']);
      started.add(action?.actionId ?? '');
      await nothingIsLeft();
    });

    it('is cancelled by SIGINT with an error document, exit 130', async () => {
      const interrupt = new AbortController();
      const running = scratch.startCli(['backup', 'big', '--json'], { signal: interrupt.signal });
      await runningAction('big');
      interrupt.abort();
      const result = await running.done;
      assert.equal(result.status, 130, result.stdout);
      assert.match(result.stdout, /^\{"error":\{"code":"cancelled"/);
      await nothingIsLeft();
    });

    it('is cancelled by another, with action cancel: 0 for the one who asks, 130 for the one who waits', async () => {
      const running = scratch.startCli(['backup', 'big']);
      const actionId = await runningAction('big');
      const cancelled = await scratch.cli(['action', 'cancel', actionId, '--follow', '--json']);
      assert.equal(cancelled.status, 0, cancelled.stderr);
      const seen = cancelled.stdout
        .trim()
        .split('\n')
        .map((line) => actionDocument.parse(JSON.parse(line)));
      assert.deepEqual([seen.at(-1)?.state, seen.at(-1)?.actionId], ['cancelled', actionId]);
      assert.equal((await running.done).status, 130);
      await nothingIsLeft();
      const again = await scratch.json(actionDocument, ['action', 'cancel', actionId]);
      assert.equal(again.state, 'cancelled');
    });

    it('goes on without the one who waited: a closed terminal cancels nothing', async function () {
      const run = runOnTerminal(scratch, ['backup', 'big']);
      if (run === undefined) skipWithout('the second reader’s Python', this);
      await run.shows(/Backing up big.*MiB/);
      const actionId = await runningAction('big');
      run.hangUp();
      await run.done;
      const followed = await scratch.cli(['action', 'show', actionId, '--follow', '--json']);
      assert.equal(followed.status, 0, followed.stderr);
      const last = actionDocument.parse(JSON.parse(followed.stdout.trim().split('\n').at(-1) ?? ''));
      assert.equal(last.state, 'complete');
      assert.equal((await points('--policy', 'big')).length, 1);
      assert.equal((await scratch.json(verifyDocument, ['rp', 'verify', 'big', '--read-data'])).ok, true);
    });

    it('is exit 1 at once where the daemon ends meanwhile; the action is failed, "daemon ended", at the next start', async () => {
      writeFileSync(path.join(big, 'file'), randomBytes(bigBytes));
      const running = scratch.startCli(['backup', 'big', '--json']);
      const actionId = await runningAction('big');
      const pid = scratch.daemonPid();
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGKILL');
      const result = await running.done;
      assert.equal(result.status, 1, result.stdout);
      assert.match(result.stdout, /"code":"daemonEnded"/);
      assert.ok(await goneWithin(pid, 10_000));
      const unlocked = await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile]);
      assert.equal(unlocked.status, 0, unlocked.stderr);
      const action = await scratch.json(actionDocument, ['action', 'show', actionId]);
      assert.deepEqual([action.state, action.error?.code], ['failed', 'daemonEnded']);
      assert.match(action.error?.message ?? '', /daemon ended/);
      assert.equal((await points('--policy', 'big')).length, 1);
      // The next run goes on with what was stored already, and clears away what was not.
      await backUp(scratch, 'big');
      assert.deepEqual(unfinished(store), []);
      assert.equal((await scratch.json(verifyDocument, ['rp', 'verify', 'big', '--read-data'])).ok, true);
      assert.ok(isAlive(scratch.daemonPid() ?? -1));
      assert.ok(existsSync(store));
    });

    /** The id of the action that works on a policy, once it was started. */
    async function runningAction(subject: string): Promise<string> {
      for (;;) {
        const [newest] = await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '1']);
        if (newest === undefined || newest.subject !== subject || started.has(newest.actionId)) continue;
        started.add(newest.actionId);
        return newest.actionId;
      }
    }
  });
});
