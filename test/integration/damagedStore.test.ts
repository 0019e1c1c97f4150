import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { backUp, createPolicy, restore, restorePointOf } from '../support/cliExpect.ts';
import {
  errorDocument,
  importDocument,
  passkeyDocument,
  restoreDocument,
  restorePointDocument,
  verifyDocument,
} from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ScratchState } from '../support/daemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';

const kinds = ['pack', 'index', 'manifest', 'keyring'] as const;
type Kind = (typeof kinds)[number];
const folders: Readonly<Record<Kind, string>> = { pack: '/packs/', index: '/indexes/', manifest: '/restore-points/', keyring: '/keyring/' };

const damages = ['flip', 'truncate', 'lengthen', 'empty', 'delete', 'swap', 'replace'] as const;
type Damage = (typeof damages)[number];

const batches = 3;
const filesInBatch = 12;

/** Changes one object as `damage` says; what it needs of another object of its kind it takes from `other`. */
function apply(damage: Damage, object: string, other: string, random: SeededRandom): void {
  const bytes = readFileSync(object);
  switch (damage) {
    case 'flip': {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return writeFileSync(object, bytes);
    }
    case 'truncate':
      return truncateSync(object, random.below(bytes.length));
    case 'lengthen':
      return appendFileSync(object, random.bytes(random.between(1, 70_000)));
    case 'empty':
      return truncateSync(object, 0);
    case 'delete':
      return rmSync(object);
    case 'swap':
      writeFileSync(object, readFileSync(other));
      return writeFileSync(other, bytes);
    case 'replace':
      return writeFileSync(object, readFileSync(other));
  }
}

describe('a store that is damaged', function () {
  this.timeout(300_000);
  let scratch: ScratchState;
  let store: string;
  let pristine: string;
  let source: string;
  /** Restore points, and the objects that were new with each. */
  const ids: string[] = [];
  const objectsOf: (readonly string[])[] = [];

  const objects = (kind?: Kind): readonly string[] =>
    readdirSync(pristine, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(pristine, path.join(entry.parentPath, entry.name)))
      .filter((name) => (kind === undefined ? true : `/${name}`.includes(folders[kind])))
      .toSorted((a, b) => (a < b ? -1 : 1));
  const heal = (): void => {
    for (const name of readdirSync(store)) rmSync(path.join(store, name), { recursive: true });
    cpSync(pristine, store, { recursive: true, preserveTimestamps: true });
  };

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
    pristine = path.join(scratch.folder, 'pristine');
    source = scratch.makeFolder('source');
    const random = new SeededRandom(testSeed());
    const second = path.join(scratch.folder, 'second');
    writeFileSync(second, 'a second passphrase for these tests\n');
    await scratch.json(passkeyDocument, ['passkey', 'add', 'passphrase', 'second', '--passphrase-file', second]);
    await createPolicy(scratch, 'work', [source]);
    let known = new Set<string>();
    for (let batch = 0; batch < batches; batch += 1) {
      const folder = path.join(source, `batch ${batch}`);
      mkdirSync(folder);
      for (let file = 0; file < filesInBatch; file += 1) {
        writeFileSync(path.join(folder, `file ${file}`), random.bytes(file === 0 ? 700_000 : random.between(1, 40_000)));
      }
      ids.push(restorePointOf(await backUp(scratch, 'work')));
      rmSync(pristine, { recursive: true, force: true });
      cpSync(store, pristine, { recursive: true, preserveTimestamps: true });
      objectsOf.push(objects().filter((name) => !known.has(name)));
      known = new Set(objects());
    }
  });
  after(() => scratch[Symbol.asyncDispose]());
  afterEach(heal);

  const newest = (): string => ids.at(-1) ?? assert.fail();
  const namesOf = (batch: number): readonly string[] => Array.from({ length: filesInBatch }, (_, file) => `batch ${batch}/file ${file}`);
  const isWhole = (target: string, name: string): boolean =>
    existsSync(path.join(target, name)) && readFileSync(path.join(target, name)).equals(readFileSync(path.join(source, name)));
  /** Whether a finding names a file: itself, or a folder that it lies in. */
  const isNamed = (damaged: readonly { readonly path: string }[], name: string): boolean =>
    damaged.some((found) => name === found.path || name.startsWith(`${found.path}/`) || found.path === '' || found.path === source);

  /** Verifies, restores and looks at every file: what came back is right, what did not is named. Gives the batches that came back whole. */
  async function checkRestore(point: string, expected: ReadonlySet<number>, context: string): Promise<void> {
    const verified = await scratch.cli(['rp', 'verify', point, '--read-data', '--json']);
    const target = path.join(scratch.folder, 'target');
    rmSync(target, { recursive: true, force: true });
    const result = await scratch.cli(['restore', point, '--target', target, '--json']);
    const details = `${context}: ${result.stdout}${verified.stdout}`;
    assert.ok([0, 5, 6].includes(result.status ?? -1), details);
    assert.equal(verified.status, 5, details);
    const found = verifyDocument.parse(verified.json);
    assert.equal(found.ok, false, details);
    assert.ok(found.damaged.length > 0, details);
    if ('error' in z.looseObject({}).parse(result.json)) {
      assert.match(errorDocument.parse(result.json).error.code, /^(damaged|tampered|objectMissing)$/, details);
      assert.equal(expected.size, 0, details);
      return;
    }
    const { damaged } = restoreDocument.parse(result.json);
    let isLost = false;
    for (let batch = 0; batch < batches; batch += 1) {
      for (const name of namesOf(batch)) {
        const isBack = isWhole(target, name);
        isLost ||= !isBack;
        if (expected.has(batch)) assert.ok(isBack, `${name} ${details}`);
        else if (!isBack) {
          assert.equal(existsSync(path.join(target, name)), false, `${name} is left half-written ${details}`);
          assert.ok(isNamed(damaged, name), `${name} is not named ${details}`);
        }
      }
    }
    if (isLost) assert.equal(result.status, 5, details);
  }

  for (const kind of ['pack', 'index'] as const) {
    for (const damage of damages) {
      it(`C5 C6 C7: ${damage} of ${kind === 'pack' ? 'a pack' : 'an index'}: every other file comes back, the damaged are named, exit 5`, async () => {
        const random = new SeededRandom(testSeed() + kinds.indexOf(kind) * 100 + damages.indexOf(damage));
        const batch = random.below(batches);
        const own = (objectsOf[batch] ?? []).filter((name) => `/${name}`.includes(folders[kind]));
        const object = own[random.below(own.length)] ?? assert.fail(`no ${kind} in batch ${batch}`);
        const others = objects(kind).filter((name) => !own.includes(name));
        const other = others[random.below(others.length)] ?? assert.fail(`no other ${kind}`);
        apply(damage, path.join(store, object), path.join(store, other), random);
        const touched = new Set([batch, ...(damage === 'swap' ? [objectsOf.findIndex((names) => names.includes(other))] : [])]);
        // The trees of the newest restore point lie in the last batch's packs: without them names are lost too.
        const hasTrees = touched.has(batches - 1);
        const expected = hasTrees ? [] : Array.from({ length: batches }, (_, index) => index).filter((index) => !touched.has(index));
        await checkRestore(newest(), new Set(expected), `${damage} of ${object} (with ${other}), batch ${batch}`);
        heal();
        const healed = await scratch.json(verifyDocument, ['rp', 'verify', newest(), '--read-data']);
        assert.equal(healed.ok, true);
      });
    }
  }

  for (const damage of damages) {
    it(`C5 C6 C7 C8: ${damage} of a manifest: that restore point is named as damaged, exit 5, and every other comes back`, async () => {
      const random = new SeededRandom(testSeed() + 200 + damages.indexOf(damage));
      const hit = random.below(batches);
      const manifest = (index: number): string =>
        path.join(store, (objectsOf[index] ?? []).find((name) => name.includes(folders.manifest)) ?? assert.fail('no manifest'));
      const other = (hit + 1) % batches;
      apply(damage, manifest(hit), manifest(other), random);
      const damaged = new Set(damage === 'swap' ? [hit, other] : [hit]);
      for (const [index, id] of ids.entries()) {
        const verified = await scratch.cli(['rp', 'verify', id, '--json']);
        assert.equal(verified.status, damaged.has(index) ? 5 : 0, verified.stdout);
        const target = path.join(scratch.folder, `manifest target ${index}`);
        rmSync(target, { recursive: true, force: true });
        const result = await scratch.cli(['restore', id, '--target', target, '--json']);
        assert.equal(result.status, damaged.has(index) ? 5 : 0, result.stdout);
        for (let batch = 0; batch <= index && !damaged.has(index); batch += 1) {
          for (const name of namesOf(batch)) assert.ok(isWhole(target, name), name);
        }
      }
      const listed = await scratch.json(z.array(restorePointDocument), ['rp', 'list']);
      assert.deepEqual(
        listed.map(({ id, state }) => [id, state]),
        ids.toReversed().map((id) => [id, damaged.has(ids.indexOf(id)) ? 'damaged' : 'live']),
      );
      heal();
      for (const id of ids) assert.equal((await scratch.json(verifyDocument, ['rp', 'verify', id])).ok, true);
    });
  }

  for (const damage of damages) {
    it(`C5 C6 C7 C8: ${damage} of the newest keyring: nothing is lost, and an import names it, exit 5, and has everything`, async () => {
      const random = new SeededRandom(testSeed() + 300 + damages.indexOf(damage));
      const keyrings = objects('keyring');
      assert.ok(keyrings.length >= 2);
      const [older = '', last = ''] = keyrings.slice(-2);
      apply(damage, path.join(store, last), path.join(store, older), random);
      // Whoever is unlocked has its own copy.
      const target = path.join(scratch.folder, 'keyring target');
      rmSync(target, { recursive: true, force: true });
      await restore(scratch, newest(), target);
      assert.deepEqual(compareTrees(source, target).differences, []);
      await using fresh = new ScratchState();
      const spec = path.join(fresh.folder, 'spec.json');
      writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: store }));
      const result = await fresh.cli(['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile, '--json']);
      if (damage === 'swap') {
        // Both keyrings have each other's names: none is what it says it is, and there is no other.
        assert.equal(result.status, 5, result.stdout);
        assert.equal(errorDocument.parse(result.json).error.code, 'damaged');
        return;
      }
      const document = importDocument.parse(result.json);
      assert.equal(document.restorePoints, batches, result.stdout);
      assert.equal(result.status, 5, result.stdout);
      // An empty file is no object: what it was is missing, which the objects that name it tell.
      const isGone = damage === 'delete' || damage === 'empty';
      if (!isGone)
        assert.ok(
          document.damaged.some((found) => found.path.includes(path.basename(last))),
          result.stdout,
        );
      const back = path.join(fresh.folder, 'target');
      await restore(fresh, newest(), back);
      assert.deepEqual(compareTrees(source, back).differences, []);
    });
  }

  it('C7: objects that lie there twice, under a second name of their own kind, change nothing and are named where an import looks at them', async () => {
    const copied: string[] = [];
    for (const kind of kinds) {
      const [object = ''] = objects(kind);
      const copy = `${object.slice(0, -4)}beef`;
      cpSync(path.join(store, object), path.join(store, copy));
      copied.push(copy);
    }
    const verified = await scratch.json(verifyDocument, ['rp', 'verify', newest(), '--read-data']);
    assert.equal(verified.ok, true);
    await using fresh = new ScratchState();
    const spec = path.join(fresh.folder, 'spec.json');
    writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: store }));
    const importing = ['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile];
    const document = await fresh.json(importDocument, importing, { status: 5 });
    assert.equal(document.restorePoints, batches);
    const named = document.damaged.map((found) => path.basename(found.path));
    // Older keyrings are not looked at where the newest one holds, packs and indexes only where something reaches them.
    for (const copy of copied.filter((name) => name.includes(folders.manifest)))
      assert.ok(named.includes(path.basename(copy)), `${copy} ${named.join()}`);
    const target = path.join(fresh.folder, 'target');
    await restore(fresh, newest(), target);
    assert.deepEqual(compareTrees(source, target).differences, []);
  });
});
