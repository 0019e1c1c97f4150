import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { backUp, createPolicy, refused } from '../support/cliExpect.ts';
import { checksDocument, type LocationDocument, locationDocument } from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';

const isRoot = process.getuid?.() === 0;

/** A small file system in memory; `undefined` where this user may mount none. */
function mountTmpfs(folder: string, size: string): Disposable | undefined {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', [folder]) };
}

const add = (name: string, folder: string): string[] => ['location', 'add', 'filesystem', name, '--path', folder];

describe('holdfast location', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let store: string;
  let source: string;

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
    source = scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
  });
  after(() => scratch[Symbol.asyncDispose]());

  const locations = async (): Promise<readonly LocationDocument[]> => await scratch.json(z.array(locationDocument), ['location', 'list']);

  it('lists them with their shapes, by names, ids and prefixes of ids', async () => {
    const [location] = await scratch.json(z.array(locationDocument), ['loc', 'list']);
    assert.deepEqual([location?.name, location?.kind], ['store', 'filesystem']);
    assert.ok((location?.heldBytes ?? 0) > 0);
    const id = z.string().parse(location?.['locationId']);
    for (const name of ['store', id, id.slice(0, 8)]) await scratch.json(checksDocument, ['location', 'validate', name]);
    await refused(scratch, ['location', 'validate', 'nowhere'], 2, 'unknownName');
    const { stdout } = await scratch.cli(['location', 'list']);
    assert.match(
      stdout,
      /^NAME +KIND +WHERE +HELD +PROTECTION +LIMIT +VALIDATED\nstore +filesystem +\/\S+\/store +[\d.]+ \w+ +not immutable +- +\d{4}-/,
    );
  });

  it('validates for people: a line a check, with the way out where it is not passed', async () => {
    const { status, stdout } = await scratch.cli(['location', 'validate', 'store']);
    assert.equal(status, 0);
    assert.match(stdout, /^pass {2}exists: .+\.$/m);
    for (const line of stdout.trimEnd().split('\n')) assert.match(line, /^(?:(?:pass|warn) {2}\w+: .+\.| {6}\S.*\.)$/);
  });

  it('adds nothing whose checks fail: the document is the checks, exit 1', async () => {
    const file = path.join(scratch.folder, 'a file');
    writeFileSync(file, '');
    for (const where of [file, path.join(scratch.folder, 'no parent', 'folder')]) {
      const checks = await scratch.json(checksDocument, add('bad', where), { status: 1 });
      const failed = checks.filter(({ result }) => result === 'fail');
      assert.equal(failed.length, 1);
      assert.notEqual(failed[0]?.fix, null);
    }
    const shown = await scratch.cli(add('bad', file));
    assert.equal(shown.status, 1);
    assert.match(shown.stdout, /^fail {2}isFolder: [^]*\nNothing was saved\.\n$/m);
    assert.deepEqual(
      (await locations()).map(({ name }) => name),
      ['store'],
    );
  });

  it('refuses a name that is taken or can not be, and a call without its folder', async () => {
    const other = scratch.makeFolder('other');
    await refused(scratch, add('store', other), 2, 'nameTaken');
    await refused(scratch, add('a/b', other), 2, 'badValue');
    await refused(scratch, add('other', ''), 2, 'badValue');
    await refused(scratch, ['location', 'add', 'filesystem', 'other'], 2, 'usage');
    assert.deepEqual(readdirSync(other), []);
  });

  it('refuses the same store under a second name, exit 4', async () => {
    const error = await refused(scratch, add('twice', store), 4, 'refusedByRule');
    assert.deepEqual(error.details, { location: 'store' });
    assert.equal((await locations()).length, 1);
  });

  it('makes the last folder of a path, which is taken from where it was typed, and no other', async () => {
    const made = await scratch.json(locationDocument, add('typed', 'typed folder'), { cwd: scratch.folder });
    assert.equal(made['path'], path.join(scratch.folder, 'typed folder'));
    assert.equal(existsSync(path.join(scratch.folder, 'no parent')), false);
    await scratch.json(locationDocument, ['location', 'remove', 'typed', '--yes']);
    // What was forgotten can be taken up again.
    await scratch.json(locationDocument, add('typed again', path.join(scratch.folder, 'typed folder')));
    await scratch.json(locationDocument, ['location', 'remove', 'typed again', '--yes']);
  });

  it('says that a folder is not immutable when it adds one', async () => {
    const result = await scratch.cli(add('spare', path.join(scratch.folder, 'spare')));
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /not immutable/);
  });

  it('renames a location and follows a store to another path, but not to another store', async () => {
    const moved = path.join(scratch.folder, 'moved');
    renameSync(path.join(scratch.folder, 'spare'), moved);
    const checks = await scratch.json(checksDocument, ['location', 'validate', 'spare'], { status: 1 });
    assert.equal(checks.at(-1)?.result, 'fail');
    const edited = await scratch.json(locationDocument, ['location', 'edit', 'spare', '--path', moved, '--rename', 'renamed']);
    assert.equal(edited.name, 'renamed');
    const other = await scratch.json(checksDocument, ['location', 'edit', 'renamed', '--path', store], { status: 1 });
    assert.deepEqual([other.at(-1)?.check, other.at(-1)?.result], ['marker', 'fail']);
    const still = (await locations()).find(({ name }) => name === 'renamed');
    assert.equal(still?.['path'], moved);
    await refused(scratch, ['location', 'edit', 'renamed', '--rename', 'store'], 2, 'nameTaken');
    await refused(scratch, ['location', 'edit', 'renamed'], 2, 'usage');
    await refused(scratch, ['location', 'edit', 'nowhere', '--rename', 'other'], 2, 'unknownName');
  });

  it('asks before it forgets a location, and leaves what is stored there', async () => {
    await refused(scratch, ['location', 'remove', 'renamed'], 2, 'confirmationNeeded');
    await scratch.json(locationDocument, ['location', 'remove', 'renamed', '--yes']);
    assert.ok(readdirSync(path.join(scratch.folder, 'moved')).length >= 2);
    await refused(scratch, ['location', 'remove', 'renamed', '--yes'], 2, 'unknownName');
  });

  it('M8: takes a profile with nothing but a plain absolute folder', async () => {
    const specs: readonly [string, string][] = [
      ['{"kind":"filesystem","path":"/tmp","command":"touch /tmp/x"}', 'badValue'],
      ['{"kind":"filesystem","path":"/tmp","path":"/etc"}', 'badValue'],
      ['{"kind":"filesystem","path":"a\\u0000b"}', 'badValue'],
      ['{"kind":"filesystem","path":["/tmp"]}', 'badValue'],
      ['{"kind":"filesystem","__proto__":{"path":"/tmp"}}', 'badValue'],
      ['{"kind":"filesystem"}', 'badValue'],
      ['{"kind":"ftp","path":"/tmp"}', 'badValue'],
      ['[]', 'badValue'],
      ['{"kind":"filesystem","path":"/tmp"', 'badValue'],
      [`{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`, 'badValue'],
      ['{"kind":"azureBlob","container":"b"}', 'notInThisVersion'],
      ['{"kind":"s3","bucket":"b","region":"r"}', 'badValue'],
    ];
    await using fresh = new ScratchState();
    for (const [text, code] of specs) {
      const file = path.join(fresh.folder, 'spec.json');
      writeFileSync(file, text);
      await refused(fresh, ['import-stored', '--location-spec', file, '--passphrase-file', fresh.passphraseFile], 2, code);
    }
    await refused(fresh, ['import-stored', '--location-spec', path.join(fresh.folder, 'none'), '--passphrase-file', '-'], 2, 'badValue');
  });

  describe('in trouble', () => {
    before(() => createPolicy(scratch, 'relative', [source]));

    it('is exit 1 while the folder is gone, and goes on when it is back', async () => {
      const away = `${store} away`;
      renameSync(store, away);
      const error = await refused(scratch, ['backup', 'relative'], 1, 'storeUnreachable');
      assert.match(error.message, /store/);
      const checks = await scratch.json(checksDocument, ['location', 'validate', 'store'], { status: 1 });
      assert.equal(checks.at(-1)?.result, 'fail');
      // An empty folder at the place of an unmounted drive is no new store.
      mkdirSync(store);
      await refused(scratch, ['backup', 'relative'], 1, 'storeUnreachable');
      assert.deepEqual(readdirSync(store), []);
      rmSync(store, { recursive: true });
      renameSync(away, store);
      await backUp(scratch, 'relative');
    });

    it('refuses another store at the path of the location', async () => {
      const other = scratch.makeFolder('other store');
      await scratch.json(locationDocument, add('other', other));
      const away = `${store} away`;
      renameSync(store, away);
      cpSync(other, store, { recursive: true });
      try {
        await refused(scratch, ['backup', 'relative'], 1, 'storeUnreachable');
      } finally {
        rmSync(store, { recursive: true });
        renameSync(away, store);
      }
      await backUp(scratch, 'relative');
    });

    it('is exit 1 on a store that can only be read, and leaves no restore point', async function () {
      const before = await scratch.json(z.array(z.unknown()), ['rp', 'list']);
      writeFileSync(path.join(source, 'new'), 'something new');
      if (isRoot) {
        try {
          execFileSync('mount', ['--bind', store, store], { stdio: 'ignore' });
          execFileSync('mount', ['-o', 'remount,ro,bind', store], { stdio: 'ignore' });
        } catch {
          this.skip();
        }
      } else chmodSync(store, 0o500);
      try {
        await refused(scratch, ['backup', 'relative'], 1, 'storeReadOnly');
        const checks = await scratch.json(checksDocument, ['location', 'validate', 'store'], { status: 1 });
        assert.ok(checks.some(({ check, result }) => check === 'writable' && result === 'fail'));
      } finally {
        if (isRoot) execFileSync('umount', [store]);
        else chmodSync(store, 0o700);
      }
      assert.equal((await scratch.json(z.array(z.unknown()), ['rp', 'list'])).length, before.length);
      await backUp(scratch, 'relative');
    });

    it('X4: is exit 1 on a disk that fills up in mid-run, lists nothing, and goes on once there is room', async function () {
      const folder = path.join(scratch.folder, 'small disk');
      using mounted = mountTmpfs(folder, '24m');
      if (mounted === undefined) this.skip();
      await scratch.json(locationDocument, add('small', folder));
      const big = scratch.makeFolder('big');
      writeFileSync(path.join(big, 'ballast'), randomBytes(60 * 2 ** 20));
      const created = await scratch.cli(['policy', 'create', 'full', '--source', big, '--location', 'small']);
      assert.equal(created.status, 0, created.stderr);
      await refused(scratch, ['backup', 'full'], 1, 'storeFull');
      assert.deepEqual(await scratch.json(z.array(z.unknown()), ['rp', 'list', '--policy', 'full']), []);
      execFileSync('mount', ['-o', 'remount,size=128m', folder]);
      await backUp(scratch, 'full');
      const verified = await scratch.json(z.looseObject({ ok: z.boolean() }), ['rp', 'verify', 'full', '--read-data']);
      assert.equal(verified.ok, true);
    });
  });
});
