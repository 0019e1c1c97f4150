import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { root } from '../support/cli.ts';
import { importDocument, restoreDocument, restorePointDocument } from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';
import { readerPython } from '../support/readerPython.ts';
import { skipWithout } from '../support/skipWithout.ts';

/** All below a folder that a restore could have changed: names, kinds and contents. */
function snapshot(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const file = path.join(folder, name);
      const facts = lstatSync(file);
      return `${name} ${facts.mode} ${facts.mtimeMs} ${facts.isFile() ? readFileSync(file, 'utf8') : ''}`;
    });
}

describe('trees that try to get out of the target', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  let outside: string;
  let points: readonly z.infer<typeof restorePointDocument>[];

  before(async function () {
    const python = readerPython();
    if (python === undefined) skipWithout('the second reader’s Python', this);
    scratch = new ScratchState();
    outside = scratch.makeFolder('outside');
    writeFileSync(path.join(outside, 'kept'), 'kept');
    const store = path.join(scratch.folder, 'store');
    const script = path.join(root, 'test', 'support', 'hostileStore.py');
    execFileSync(python, ['-B', script, store, scratch.passphrase, outside]);
    const spec = path.join(scratch.folder, 'spec.json');
    writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: store }));
    const importing = ['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile];
    const imported = await scratch.json(importDocument, importing);
    assert.deepEqual([imported.restorePoints, imported.damaged], [10, []]);
    points = await scratch.json(z.array(restorePointDocument), ['rp', 'list']);
  });
  after(async () => await scratch?.[Symbol.asyncDispose]());

  const idOf = (sequence: number): string => points.find((point) => point.sequence === sequence)?.id ?? assert.fail(`no ${sequence}`);

  /** Restores into a folder beside `outside`, and demands that nothing but the target changed. */
  async function restoreBeside(name: string, sequence: number, conflict?: string): Promise<z.infer<typeof restoreDocument> | undefined> {
    const ground = scratch.makeFolder('ground');
    const target = path.join(ground, name);
    mkdirSync(target, { recursive: true });
    const before = [snapshot(outside), readdirSync(ground), readdirSync(scratch.folder)];
    const flags = conflict === undefined ? [] : ['--conflict', conflict];
    const result = await scratch.cli(['restore', idOf(sequence), '--target', target, '--json', ...flags]);
    assert.deepEqual([snapshot(outside), readdirSync(ground), readdirSync(scratch.folder)], before, `restore point ${sequence}`);
    assert.ok([0, 5, 6].includes(result.status ?? -1), `${sequence}: ${result.stdout}`);
    const document = restoreDocument.parse(result.json);
    assert.equal(result.status, document.damaged.length > 0 ? 5 : result.status);
    return document;
  }

  const names = [
    'names',
    'folders',
    'links',
    'over links',
    'two of one name',
    'hard links',
    'set-user-id',
    'labels',
    'root',
    'single file',
  ];
  for (const [index, attempt] of names.entries()) {
    it(`M6: write nothing outside of it by ${attempt}, and what is harmless comes back`, async () => {
      const sequence = index + 1;
      const document = await restoreBeside(attempt, sequence);
      const found = readdirSync(path.join(scratch.folder, 'ground', attempt), { recursive: true, encoding: 'utf8' });
      if (attempt === 'labels') assert.equal(found.filter((name) => path.basename(name) === 'file').length, 8, found.join());
      else if (attempt !== 'single file' && attempt !== 'root') assert.ok(found.includes('file'), found.join());
      for (const name of found) assert.ok(!name.split(path.sep).includes('..'));
      if (['names', 'folders', 'two of one name', 'root', 'single file'].includes(attempt)) {
        assert.ok((document?.damaged.length ?? 0) > 0, 'what is refused is named');
      }
    });
  }

  for (const conflict of ['skip', 'overwrite', 'rename']) {
    it(`M6: write nothing through links that an earlier restore left, with --conflict ${conflict}`, async () => {
      const name = `links with ${conflict}`;
      await restoreBeside(name, 3);
      assert.ok(lstatSync(path.join(scratch.folder, 'ground', name, 'folder')).isSymbolicLink());
      await restoreBeside(name, 4, conflict);
      await restoreBeside(name, 3, conflict);
      await restoreBeside(name, 4, conflict);
    });
  }

  it('M6: list, compare, verify, dump and print them without a fault of the program', async () => {
    for (const { id } of points) {
      for (const args of [
        ['rp', 'files', id, '--recursive'],
        ['rp', 'verify', id, '--read-data'],
        ['rp', 'diff', id, idOf(1)],
        ['rp', 'cat', id, '../outside/planted'],
      ]) {
        const result = await scratch.cli([...args, '--json']);
        assert.ok([0, 2, 5].includes(result.status ?? -1), `${args.join(' ')}: ${result.stdout}`);
        assert.ok(!/TypeError|RangeError|undefined/.test(result.stdout), result.stdout);
      }
      const dumped = await scratch.cli(['rp', 'dump', id, '--format', 'tar']);
      assert.ok([0, 5].includes(dumped.status ?? -1), dumped.stderr);
    }
    assert.equal(existsSync(path.join(outside, 'planted')), false);
  });
});
