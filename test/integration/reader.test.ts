import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import * as z from 'zod';
import { backUp, createPolicy, restorePointOf } from '../support/cliExpect.ts';
import { entryDocument, restorePointDocument } from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ScratchState } from '../support/daemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { masterKeyOf } from '../support/keyMaterial.ts';
import { readerPython, readerScript } from '../support/readerPython.ts';
import { makeRecoverable } from '../support/recoverableStore.ts';
import { makeSampleTree } from '../support/sampleTree.ts';
import { skipWithout } from '../support/skipWithout.ts';

const listed = z.array(
  z.looseObject({
    policyId: z.string(),
    sequence: z.int(),
    objectId: z.string(),
    finished: z.string(),
    sources: z.array(z.looseObject({ id: z.string(), kind: z.string(), label: z.string() })),
    files: z.int(),
  }),
);
const trees = z.array(z.looseObject({ objectId: z.string(), sources: z.array(z.looseObject({ id: z.string(), root: z.string() })) }));
const report = z.looseObject({ ok: z.boolean(), problems: z.array(z.unknown()) });

function sorted(rows: readonly string[]): readonly string[] {
  return rows.toSorted((a, b) => (a < b ? -1 : 1));
}

describe('what the real command line stores', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  let store: string;
  const sources = new Map<string, readonly string[]>();
  const ids: string[] = [];

  before(async function () {
    if (readerPython() === undefined) skipWithout('the second reader’s Python', this);
    scratch = new ScratchState();
    store = await scratch.setUp();
    const random = new SeededRandom(testSeed());
    const sample = path.join(scratch.folder, 'sample');
    makeSampleTree(sample, { seed: testSeed(), bigBytes: 9 * 2 ** 20 });
    sources.set('sample', [sample]);
    const several = ['one', 'two/one'].map((name) => scratch.makeFolder(name));
    for (const [index, folder] of several.entries()) {
      writeFileSync(path.join(folder, `file ${index}`), random.text(200_000));
      for (let number = 0; number < 1500; number += 1) writeFileSync(path.join(folder, `many ${number}`), `${number % 700}`);
    }
    sources.set('several', several);
    const changing = scratch.makeFolder('changing');
    mkdirSync(path.join(changing, 'empty'));
    writeFileSync(path.join(changing, 'kept'), random.bytes(3_000_000));
    writeFileSync(path.join(changing, 'goes'), 'goes');
    sources.set('changing', [changing]);
    for (const [policy, folders] of sources) await createPolicy(scratch, policy, folders);
    ids.push(restorePointOf(await backUp(scratch, 'changing')));
    writeFileSync(path.join(changing, 'goes'), 'changed');
    copyFileSync(path.join(changing, 'kept'), path.join(changing, 'copied'));
    linkSync(path.join(changing, 'kept'), path.join(changing, 'linked'));
    symlinkSync('nowhere', path.join(changing, 'dangling'));
    for (const policy of ['changing', 'sample', 'several', 'changing']) ids.push(restorePointOf(await backUp(scratch, policy)));
  });
  after(async () => await scratch?.[Symbol.asyncDispose]());

  const points = async (): Promise<readonly z.infer<typeof restorePointDocument>[]> =>
    await scratch.json(z.array(restorePointDocument), ['rp', 'list']);

  /** Runs the reader on the store; it has nothing of ours but the folder and the passphrase. */
  async function read<Shape>(shape: z.ZodType<Shape>, ...args: readonly string[]): Promise<Shape> {
    const all = ['-B', readerScript, '--store', store, '--passphrase-file', scratch.passphraseFile, ...args];
    const { stdout, stderr } = await promisify(execFile)(readerPython() ?? '', all, { maxBuffer: 64 * 2 ** 20 });
    assert.equal(stderr, '');
    return shape.parse(JSON.parse(stdout));
  }

  it('D8: is listed by the second reader as by our own list: restore points, sources and numbers of files', async () => {
    const theirs = await read(listed, 'list');
    const ours = await points();
    assert.deepEqual(
      sorted(theirs.map(({ policyId, sequence, objectId, finished }) => [policyId, sequence, objectId, finished].join(' '))),
      sorted(ours.map((point) => [point.policyId, point.sequence, point.id.replaceAll('-', ''), point.uploadEndTime].join(' '))),
    );
    assert.equal(theirs.length, 5);
    for (const { objectId, sources: folders } of theirs) {
      const point = ours.find(({ id }) => id.replaceAll('-', '') === objectId);
      assert.deepEqual(sorted(folders.map(({ label }) => label)), sorted(sources.get(point?.policy ?? '') ?? []));
    }
    for (const { id, policy } of ours) {
      const entries = await scratch.json(z.array(entryDocument), ['rp', 'files', id, '--recursive']);
      const files = entries.filter(({ kind }) => kind === 'file').length;
      assert.equal(theirs.find(({ objectId }) => objectId === id.replaceAll('-', ''))?.files, files, policy);
    }
  });

  it('D8: has the same trees where nothing changed, and others where something did', async () => {
    const found = await read(trees, 'dump-trees');
    const rootOf = (index: number): string =>
      found.find(({ objectId }) => objectId === ids[index]?.replaceAll('-', ''))?.sources[0]?.root ?? assert.fail('not found');
    assert.notEqual(rootOf(0), rootOf(1));
    assert.equal(rootOf(1), rootOf(4));
  });

  it('D8: is read, decrypted and checked by the second reader to the last pack without a problem', async () => {
    for (const { policyId, sequence, policy } of await points()) {
      const verified = await read(report, 'verify', '--policy', policyId, '--sequence', String(sequence));
      assert.deepEqual([verified.ok, verified.problems], [true, []], policy);
    }
  });

  it('D8: is restored by the second reader to the same bytes, names, modes, owners, times, links and holes', async () => {
    const found = await read(listed, 'list');
    for (const { policyId, sequence, id, policy } of (await points()).filter((point) => point.id !== ids[0])) {
      const target = path.join(scratch.folder, `read ${id}`);
      const restored = await read(report, 'restore', '--policy', policyId, '--sequence', String(sequence), '--target', target);
      assert.deepEqual([restored.ok, restored.problems], [true, []], policy);
      for (const source of found.find(({ objectId }) => objectId === id.replaceAll('-', ''))?.sources ?? []) {
        const { differences, files } = compareTrees(source.label, path.join(target, source.id));
        assert.deepEqual(differences, [], policy);
        assert.ok(files > 0);
      }
    }
  });

  it('D8: what a command printed is listed with its name and restored by the second reader too', async () => {
    const printed = scratch.makeFolder('printed');
    writeFileSync(path.join(printed, 'rows'), new SeededRandom(testSeed()).bytes(2_500_000));
    await createPolicy(scratch, 'db', [], ['--command', `shop.sql=cat ${path.join(printed, 'rows')}`, '--command', 'empty=true']);
    const id = restorePointOf(await backUp(scratch, 'db'));
    const found = (await read(listed, 'list')).find(({ objectId }) => objectId === id.replaceAll('-', ''));
    assert.deepEqual(
      found?.sources.map(({ kind, label }) => [kind, label]),
      [
        ['command', 'shop.sql'],
        ['command', 'empty'],
      ],
    );
    const place = ['--policy', found?.policyId ?? '', '--sequence', '1'];
    assert.deepEqual((await read(report, 'verify', ...place)).problems, []);
    const target = path.join(scratch.folder, 'read what was printed');
    assert.deepEqual((await read(report, 'restore', ...place, '--target', target)).problems, []);
    const outputs = found?.sources.map((source) => readFileSync(path.join(target, source.id, 'output'))) ?? [];
    assert.ok(outputs[0]?.equals(readFileSync(path.join(printed, 'rows'))));
    assert.equal(outputs[1]?.length, 0);
  });

  it('D8 D4: a copy of the catalog is opened by the second reader from the DR passphrase alone, and its packs with a passkey as well', async () => {
    const catalogPath = path.join(scratch.folder, 'copy.sqlite');
    const database = new DatabaseSync(catalogPath);
    database.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, content BLOB) STRICT');
    const insert = database.prepare('INSERT INTO rows (content) VALUES (?)');
    const random = new SeededRandom(testSeed());
    database.exec('BEGIN');
    for (let row = 0; row < 3000; row += 1) insert.run(random.text(200));
    database.exec('COMMIT');
    database.close();
    const drPassphrase = 'seven-words-that-nobody-else-has-thought-of';
    using masterKey = await masterKeyOf(store, scratch.passphrase);
    const created = '2026-01-02T03:04:05.678Z';
    const bundleId = await makeRecoverable({ store, masterKey, drPassphrase, catalogPath, created });
    const drFile = path.join(scratch.folder, 'dr passphrase');
    writeFileSync(drFile, `${drPassphrase}\n`, { mode: 0o600 });
    const dr = ['--dr-passphrase-file', drFile];

    const rows = z.array(z.looseObject({ bundleId: z.string(), created: z.string(), ownerTag: z.string(), restorePoints: z.int() }));
    const [row] = await read(rows, ...dr, 'bundles');
    assert.deepEqual([row?.bundleId, row?.created, row?.ownerTag, row?.restorePoints], [bundleId, created, 'holds', 5]);
    const target = path.join(scratch.folder, 'read catalog');
    const alone = ['-B', readerScript, '--store', store, ...dr, 'catalog', '--target', target];
    await promisify(execFile)(readerPython() ?? '', alone);
    assert.ok(readFileSync(target).equals(readFileSync(catalogPath)));
    const [point] = (await points()).filter(({ policy }) => policy === 'several');
    const place = ['--policy', point?.policyId ?? '', '--sequence', String(point?.sequence)];
    const verified = await read(report, ...dr, 'verify', ...place);
    assert.deepEqual([verified.ok, verified.problems], [true, []]);
  });
});
