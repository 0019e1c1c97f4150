import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { backUp, createPolicy, refused, restore, restorePointOf } from '../support/cliExpect.ts';
import { actionDocument, restoreDocument, startedDocument } from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ScratchState } from '../support/daemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { makeSampleTree } from '../support/sampleTree.ts';
import { skipWithout } from '../support/skipWithout.ts';
import { runOnTerminal } from '../support/terminal.ts';

function read(...parts: readonly string[]): string {
  return readFileSync(path.join(...parts), 'utf8');
}

/** Files that a restore that was cut short would leave. */
function temporaries(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => path.basename(name).startsWith('.holdfast-'));
}

describe('holdfast restore', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let store: string;
  let source: string;
  let targets = 0;

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
    source = scratch.makeFolder('source');
    mkdirSync(path.join(source, 'sub'));
    writeFileSync(path.join(source, 'file'), 'stored');
    writeFileSync(path.join(source, 'sub', 'inner'), 'inner');
    symlinkSync('file', path.join(source, 'link'));
    await createPolicy(scratch, 'small', [source]);
    await backUp(scratch, 'small');
  });
  after(() => scratch[Symbol.asyncDispose]());

  const newTarget = (files: Readonly<Record<string, string>> = {}): string => {
    targets += 1;
    const folder = scratch.makeFolder(`target ${targets}`);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), content);
    }
    return folder;
  };
  describe('into a folder', () => {
    it('gives a whole tree of odd things back as it was, into a folder that it makes', async () => {
      const sample = path.join(scratch.folder, 'sample');
      const { entries } = makeSampleTree(sample, { seed: testSeed() });
      await createPolicy(scratch, 'sample', [sample]);
      await backUp(scratch, 'sample');
      const target = path.join(scratch.folder, 'not there', 'yet');
      const document = await restore(scratch, 'sample', target);
      assert.deepEqual([document.files, document.damaged, document.skipped], [entries, [], []]);
      assert.deepEqual(compareTrees(sample, target).differences, []);
    });

    it('tells people what it did and where, and programs every field of the contract', async () => {
      const target = newTarget();
      const human = await scratch.cli(['restore', 'small', '--target', target]);
      assert.deepEqual([human.status, human.stderr], [0, '']);
      assert.ok(human.stdout.startsWith('Restored 3 files, 11 B, to '), human.stdout);
      assert.ok(human.stdout.includes(target));
      const document = await restore(scratch, 'small', newTarget());
      assert.deepEqual([document.files, document.bytes], [3, 11]);
    });

    it('takes a target from where it was typed', async () => {
      const target = newTarget();
      const result = await scratch.cli(['restore', 'small', '--target', path.basename(target)], { cwd: scratch.folder });
      assert.equal(result.status, 0, result.stderr);
      assert.equal(read(target, 'file'), 'stored');
    });

    it('puts several sources into a folder each, named by the last component and made unique', async () => {
      const sources = ['x/same', 'y/same', 'z'].map((name) => scratch.makeFolder(name));
      for (const [index, folder] of sources.entries()) writeFileSync(path.join(folder, `file ${index}`), String(index));
      await createPolicy(scratch, 'several', sources);
      await backUp(scratch, 'several');
      const target = newTarget();
      await restore(scratch, 'several', target);
      const folders = readdirSync(target);
      assert.equal(folders.length, 3);
      const found = folders.flatMap((folder) => readdirSync(path.join(target, folder)).map((name) => read(target, folder, name)));
      assert.deepEqual(
        found.toSorted((a, b) => (a < b ? -1 : 1)),
        ['0', '1', '2'],
      );
      assert.ok(folders.includes('same') && folders.includes('z'));
    });

    it('restores a source that is a single file under its own name', async () => {
      await createPolicy(scratch, 'single', [path.join(source, 'file')]);
      await backUp(scratch, 'single');
      const target = newTarget();
      await restore(scratch, 'single', target);
      assert.deepEqual(readdirSync(target), ['file']);
    });

    it('restores with --path only what is named, as often as it is given', async () => {
      const one = newTarget();
      await restore(scratch, 'small', one, 0, ['--path', 'sub']);
      assert.deepEqual(readdirSync(one, { recursive: true }), ['sub', 'sub/inner']);
      const two = newTarget();
      await restore(scratch, 'small', two, 0, ['--path', 'sub/inner', '--path', path.join(source, 'link')]);
      assert.deepEqual(
        readdirSync(two, { recursive: true })
          .map(String)
          .toSorted((a, b) => (a < b ? -1 : 1)),
        ['link', 'sub', 'sub/inner'],
      );
      await refused(scratch, ['restore', 'small', '--target', newTarget(), '--path', 'nothing'], 2, 'unknownName');
      await refused(scratch, ['restore', 'small', '--target', newTarget(), '--path', '../file'], 2, 'unknownName');
    });

    it('says with --dry-run what it would do, and does nothing', async () => {
      const target = path.join(scratch.folder, 'never made');
      const document = await restore(scratch, 'small', target, 0, ['--dry-run']);
      assert.deepEqual([document.files, document.bytes], [3, 11]);
      assert.equal(existsSync(target), false);
      const filled = newTarget({ file: 'mine' });
      const skipping = await restore(scratch, 'small', filled, 0, ['--dry-run', '--conflict', 'skip']);
      assert.deepEqual([skipping.files, skipping.skipped.map((found) => found.path)], [2, ['file']]);
      assert.deepEqual(readdirSync(filled), ['file']);
    });

    it('prints the id of the action alone with --no-wait', async () => {
      const target = newTarget();
      const { actionId } = await scratch.json(startedDocument, ['restore', 'small', '--target', target, '--no-wait']);
      assert.equal((await scratch.cli(['action', 'show', actionId, '--follow'])).status, 0);
      const action = await scratch.json(actionDocument, ['action', 'show', actionId]);
      restoreDocument.parse(action['result']);
      assert.equal(read(target, 'file'), 'stored');
    });

    it('refuses a target inside a location, exit 4, and one that is no folder, exit 2', async () => {
      await refused(scratch, ['restore', 'small', '--target', store, '--conflict', 'overwrite'], 4, 'refusedByRule');
      await refused(scratch, ['restore', 'small', '--target', path.join(store, 'inside')], 4, 'refusedByRule');
      await refused(scratch, ['restore', 'small', '--target', path.join(source, 'file')], 2, 'badValue');
    });
  });

  describe('over what is there', () => {
    const mine = { file: 'mine', other: 'other', 'sub/mine': 'mine' };

    it('is exit 4 without --conflict where the target is not empty, and changes nothing', async () => {
      const target = newTarget(mine);
      await refused(scratch, ['restore', 'small', '--target', target], 4, 'targetNotEmpty');
      await refused(scratch, ['restore', 'small', '--target', target, '--conflict', 'refuse'], 4, 'targetNotEmpty');
      assert.equal(read(target, 'file'), 'mine');
      assert.equal(existsSync(path.join(target, 'sub', 'inner')), false);
    });

    it('leaves with skip what is there, names it, and adds the rest', async () => {
      const target = newTarget(mine);
      const document = await restore(scratch, 'small', target, 0, ['--conflict', 'skip']);
      assert.deepEqual(
        [read(target, 'file'), read(target, 'other'), read(target, 'sub/inner'), read(target, 'sub/mine')],
        ['mine', 'other', 'inner', 'mine'],
      );
      assert.deepEqual([document.files, document.skipped.map((found) => found.path)], [2, ['file']]);
    });

    it('replaces with overwrite what has the same name, and leaves the rest', async () => {
      const target = newTarget(mine);
      symlinkSync('/etc/hostname', path.join(target, 'link'));
      await restore(scratch, 'small', target, 0, ['--conflict', 'overwrite']);
      assert.deepEqual([read(target, 'file'), read(target, 'other'), read(target, 'sub/mine')], ['stored', 'other', 'mine']);
      assert.equal(readlinkSync(path.join(target, 'link')), 'file');
    });

    it('puts with rename what is restored beside what is there', async () => {
      const target = newTarget(mine);
      for (const added of ['file (restored)', 'file (restored 2)']) {
        await restore(scratch, 'small', target, 0, ['--conflict', 'rename', '--path', 'file']);
        assert.equal(read(target, added), 'stored');
      }
      assert.equal(read(target, 'file'), 'mine');
    });

    it('M6: follows no link that lies in the target: with overwrite it is replaced, else it is left, and what it points to never changes', async () => {
      for (const conflict of ['skip', 'rename', 'overwrite']) {
        const outside = newTarget({ inner: 'outside', file: 'outside' });
        const target = newTarget();
        symlinkSync(outside, path.join(target, 'sub'));
        symlinkSync(path.join(outside, 'file'), path.join(target, 'file'));
        const result = await scratch.cli(['restore', 'small', '--target', target, '--conflict', conflict, '--json']);
        restoreDocument.parse(result.json);
        assert.deepEqual([readdirSync(outside), read(outside, 'inner'), read(outside, 'file')], [['file', 'inner'], 'outside', 'outside']);
        assert.equal(lstatSync(path.join(target, 'sub')).isSymbolicLink(), conflict !== 'overwrite', conflict);
        assert.equal(lstatSync(path.join(target, 'file')).isSymbolicLink(), conflict !== 'overwrite', conflict);
        if (conflict === 'rename') assert.equal(read(target, 'sub (restored)', 'inner'), 'inner');
      }
    });

    it('replaces a file by a folder and leaves a folder where a file would come, as the mode says', async () => {
      const target = newTarget({ sub: 'a file', 'file/inside': 'a folder' });
      const result = await scratch.cli(['restore', 'small', '--target', target, '--conflict', 'overwrite', '--json']);
      const document = restoreDocument.parse(result.json);
      assert.equal(result.status, 6, result.stdout);
      assert.deepEqual(
        document.skipped.map((found) => found.path),
        ['file'],
      );
      assert.equal(read(target, 'sub', 'inner'), 'inner');
      assert.equal(read(target, 'file', 'inside'), 'a folder');
    });

    it('writes with --in-place over the sources, once it is said how', async () => {
      const inPlace = newTarget({ a: 'first', b: 'first' });
      chmodSync(path.join(inPlace, 'a'), 0o640);
      await createPolicy(scratch, 'in place', [inPlace]);
      await backUp(scratch, 'in place');
      writeFileSync(path.join(inPlace, 'a'), 'spoilt');
      rmSync(path.join(inPlace, 'b'));
      writeFileSync(path.join(inPlace, 'new'), 'new');
      await refused(scratch, ['restore', 'in place', '--in-place'], 4, 'targetNotEmpty');
      await refused(scratch, ['restore', 'in place', '--in-place', '--path', 'a'], 4, 'targetNotEmpty');
      const missing = await scratch.json(restoreDocument, ['restore', 'in place', '--in-place', '--path', 'b']);
      assert.deepEqual([missing.files, read(inPlace, 'a'), read(inPlace, 'b')], [1, 'spoilt', 'first']);
      rmSync(path.join(inPlace, 'b'));
      const document = await scratch.json(restoreDocument, ['restore', 'in place', '--in-place', '--conflict', 'overwrite']);
      assert.equal(document.files, 2);
      assert.deepEqual([read(inPlace, 'a'), read(inPlace, 'b'), read(inPlace, 'new')], ['first', 'first', 'new']);
      assert.equal(statSync(path.join(inPlace, 'a')).mode & 0o777, 0o640);
    });
  });

  describe('while it runs', () => {
    it('shows how it goes on a terminal, and Ctrl-C cancels it: exit 130, no half file and no temporary one', async function () {
      const big = scratch.makeFolder('big');
      const content = randomBytes(2 ** 20);
      for (let index = 0; index < 160; index += 1) {
        content.writeUInt32LE(index);
        writeFileSync(path.join(big, `file ${index}`), content);
        content.writeUInt32LE(index * 7919, 2 ** 19);
      }
      await createPolicy(scratch, 'big', [big]);
      await backUp(scratch, 'big');
      const target = newTarget();
      const run = runOnTerminal(scratch, ['restore', 'big', '--target', target]);
      if (run === undefined) skipWithout('the second reader’s Python', this);
      await run.shows(/Restoring big/);
      run.type('\u0003');
      const { status, drawn } = await run.done;
      // A machine that had everything restored before the key was pressed has nothing to cancel.
      if (status !== 0) {
        assert.equal(status, 130, drawn);
        const [action] = await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '1']);
        assert.deepEqual([action?.kind, action?.state], ['restore', 'cancelled']);
      }
      assert.deepEqual(temporaries(target), []);
      for (const name of readdirSync(target)) {
        assert.ok(readFileSync(path.join(target, name)).equals(readFileSync(path.join(big, name))), name);
      }
      const again = await scratch.json(restoreDocument, ['restore', 'big', '--target', target, '--conflict', 'overwrite']);
      assert.equal(again.files, 160);
      assert.deepEqual(compareTrees(big, target).differences, []);
    });

    it('verifies and restores what is asked for while a backup of the same policy runs', async () => {
      const running = scratch.startCli(['backup', 'big', 'sample', '--json']);
      const target = newTarget();
      await restore(scratch, 'small', target);
      assert.equal((await running.done).status, 0);
      assert.equal(restorePointOf(await backUp(scratch, 'small')).length, 36);
    });
  });
});
