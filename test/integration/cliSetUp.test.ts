import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { backUp, createPolicy, filesOf, refused, restorePointOf } from '../support/cliExpect.ts';
import { checksDocument, locationDocument, passkeyDocument, policyDocument } from '../support/cliShapes.ts';
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

const words = (line: string): string[] => line.split(' ');
const creating = (name: string, where: string): string[] => ['policy', 'create', name, '--source', where, '--location', 'store'];

describe('holdfast: passkeys, locations and policies', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let store: string;
  let source: string;

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
    source = scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
    mkdirSync(path.join(source, 'sub'));
    writeFileSync(path.join(source, 'sub', 'inner.log'), 'a log');
  });
  after(() => scratch[Symbol.asyncDispose]());

  const passkeys = async (): Promise<readonly z.infer<typeof passkeyDocument>[]> =>
    await scratch.json(z.array(passkeyDocument), ['passkey', 'list']);
  const secret = (name: string, text: string): string => {
    const file = path.join(scratch.folder, name);
    writeFileSync(file, `${text}\n`);
    return file;
  };

  describe('passkeys', () => {
    it('lists the first one as ready and in use', async () => {
      const [first, ...others] = await passkeys();
      assert.deepEqual([first?.name, first?.inUse, first?.state, others.length], ['passphrase', true, 'ready', 0]);
    });

    it('asks for a passphrase once more before it adds one, and takes it from --step-up-file', async () => {
      const second = secret('second', 'a second passphrase for tests');
      // Unlocking counts as a step-up for five minutes; a lock ends that, and what follows has no passphrase of its own.
      await scratch.json(z.unknown(), ['stop']);
      const unlocked = await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile]);
      assert.equal(unlocked.status, 0, unlocked.stderr);
      const added = await scratch.json(passkeyDocument, ['passkey', 'add', 'passphrase', 'second', '--passphrase-file', second]);
      assert.deepEqual([added.name, added.inUse, added.kind], ['second', false, 'passphrase']);
      await refused(scratch, ['passkey', 'add', 'passphrase', 'second', '--passphrase-file', second], 2, 'nameTaken');
      await refused(scratch, ['passkey', 'add', 'passphrase', 'latest', '--passphrase-file', second], 2, 'badValue');
      await refused(scratch, ['passkey', 'add', 'passphrase', 'third', '--passphrase-file', '-'], 2, 'badValue', { input: '\n' });
    });

    it('verifies a passkey with its own passphrase and no other', async () => {
      const verified = await scratch.json(passkeyDocument, [
        'passkey',
        'verify',
        'second',
        '--passphrase-file',
        `${scratch.folder}/second`,
      ]);
      assert.equal(verified.state, 'ready');
      assert.notEqual(verified.verifiedAt, null);
      await refused(scratch, ['passkey', 'verify', 'second', '--passphrase-file', scratch.passphraseFile], 3, 'wrongSecret');
      await refused(scratch, ['passkey', 'verify', 'nobody', '--passphrase-file', scratch.passphraseFile], 2, 'unknownName');
    });

    it('refuses to retire what is in use, and asks before it retires another', async () => {
      await refused(scratch, ['passkey', 'retire', 'passphrase', '--yes'], 4, 'refusedByRule');
      await refused(scratch, ['passkey', 'retire', 'second'], 2, 'confirmationNeeded');
    });

    it('rotates a passkey: the new one takes the name, the old one opens until it is retired', async () => {
      const used = await scratch.json(passkeyDocument, ['passkey', 'use', 'second']);
      assert.equal(used.inUse, true);
      const rotated = await scratch.json(z.looseObject({ passkey: passkeyDocument, previous: passkeyDocument }), [
        'passkey',
        'rotate',
        'second',
        '--passphrase-file',
        secret('rotated', 'the passphrase after the rotation'),
      ]);
      assert.deepEqual([rotated.passkey.name, rotated.passkey.inUse], ['second', true]);
      assert.match(rotated.previous.name ?? '', /^second@\d{4}-\d\d-\d\d/);
      const old = rotated.previous.name ?? '';
      await scratch.json(z.unknown(), ['lock']);
      await refused(scratch, ['unlock', '--passkey', 'second', '--passphrase-file', `${scratch.folder}/second`], 2, 'unknownName').catch(
        // While locked names are sealed, so only ids are known; either answer keeps the old passphrase out of the new slot.
        () => refused(scratch, ['unlock', '--passkey', 'second', '--passphrase-file', `${scratch.folder}/second`], 3, 'wrongSecret'),
      );
      assert.equal((await scratch.cli(['unlock', '--passphrase-file', `${scratch.folder}/second`])).status, 0);
      const retired = await scratch.json(passkeyDocument, ['passkey', 'retire', old, '--yes']);
      assert.equal(retired.state, 'retired');
      await scratch.json(z.unknown(), ['lock']);
      const shut = await scratch.cli(['unlock', '--passphrase-file', `${scratch.folder}/second`]);
      assert.equal(shut.status, 3);
      assert.equal((await scratch.cli(['unlock', '--passphrase-file', `${scratch.folder}/rotated`])).status, 0);
    });

    it('puts every change of passkeys into the keyrings of the location', () => {
      const [installation = ''] = readdirSync(store).filter((name) => name.length === 36);
      assert.ok(readdirSync(path.join(store, installation, 'keyring')).length >= 4);
    });

    it('is exit 3 where a step-up is needed and nothing gives it', async () => {
      await scratch.json(z.unknown(), ['lock']);
      await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile]);
      const daemon = scratch.daemonPid();
      assert.ok(daemon !== undefined);
      const error = await scratch.cli(['passkey', 'use', 'passphrase', '--json', '--step-up-file', `${scratch.folder}/second`]);
      // Unlocking counted: the file that would be wrong was not even read.
      assert.equal(error.status, 0, error.stdout);
    });
  });

  describe('locations', () => {
    it('lists them with their shapes, by names, ids and prefixes of ids', async () => {
      const [location] = await scratch.json(z.array(locationDocument), ['loc', 'list']);
      assert.deepEqual([location?.name, location?.kind], ['store', 'filesystem']);
      assert.ok((location?.heldBytes ?? 0) > 0);
      const id = z.string().parse(location?.['locationId']);
      for (const name of ['store', id, id.slice(0, 8)]) await scratch.json(checksDocument, ['location', 'validate', name]);
      await refused(scratch, ['location', 'validate', 'nowhere'], 2, 'unknownName');
    });

    it('adds nothing whose checks fail: the document is the checks, exit 1', async () => {
      const file = path.join(scratch.folder, 'a file');
      writeFileSync(file, '');
      for (const where of [file, path.join(scratch.folder, 'no parent', 'folder')]) {
        const checks = await scratch.json(checksDocument, ['location', 'add', 'filesystem', 'bad', '--path', where], { status: 1 });
        const failed = checks.filter(({ result }) => result === 'fail');
        assert.equal(failed.length, 1);
        assert.notEqual(failed[0]?.fix, null);
      }
      const names = (await scratch.json(z.array(locationDocument), ['location', 'list'])).map(({ name }) => name);
      assert.deepEqual(names, ['store']);
    });

    it('refuses a name that is taken and the same store under a second name', async () => {
      await refused(scratch, ['location', 'add', 'filesystem', 'store', '--path', scratch.makeFolder('other')], 2, 'nameTaken');
    });

    it('says that a folder is not immutable when it adds one', async () => {
      const result = await scratch.cli(['location', 'add', 'filesystem', 'spare', '--path', path.join(scratch.folder, 'spare')]);
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
      const result = await scratch.cli(['location', 'edit', 'renamed', '--path', store, '--json']);
      assert.ok(result.status === 1 || result.status === 4, result.stdout);
      const [still] = (await scratch.json(z.array(locationDocument), ['location', 'list'])).filter(({ name }) => name === 'renamed');
      assert.equal(still?.['path'], moved);
      await refused(scratch, ['location', 'edit', 'renamed', '--rename', 'store'], 2, 'nameTaken');
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
        ['{"kind":"s3","bucket":"b","region":"r"}', 'notInThisVersion'],
      ];
      await using fresh = new ScratchState();
      for (const [text, code] of specs) {
        const file = path.join(fresh.folder, 'spec.json');
        writeFileSync(file, text);
        await refused(fresh, ['import-stored', '--location-spec', file, '--passphrase-file', fresh.passphraseFile], 2, code);
      }
      await refused(fresh, ['import-stored', '--location-spec', path.join(fresh.folder, 'none'), '--passphrase-file', '-'], 2, 'badValue');
    });
  });

  describe('policies', () => {
    it('creates one that runs by hand, with its rules, and says so', async () => {
      writeFileSync(path.join(scratch.folder, 'patterns'), '# a comment\n*.tmp\n\nbuild/\n');
      const policy = await scratch.json(policyDocument, [
        ...words('policy create files --location store --exclude *.log --gitignore --max-file-size 1MiB'),
        '--source',
        source,
        '--exclude-file',
        path.join(scratch.folder, 'patterns'),
      ]);
      assert.deepEqual(policy.exclude, ['*.log', '*.tmp', 'build/']);
      assert.deepEqual([policy.gitignore, policy.maxFileSize, policy.oneFileSystem, policy.includeCaches], [true, 1_048_576, false, false]);
      assert.deepEqual([policy.name, policy.location, policy.paused, policy.restorePoints], ['files', 'store', false, 0]);
      assert.deepEqual(
        policy.sources.map((one) => one.path),
        [source],
      );
    });

    it('takes a source relative to where it was typed', async () => {
      const policy = await scratch.json(policyDocument, ['policy', 'create', 'relative', '--source', 'source', '--location', 'store'], {
        cwd: scratch.folder,
      });
      assert.equal(policy.sources[0]?.path, source);
    });

    it('refuses a source that is missing, or is no folder and no file', async () => {
      await refused(scratch, creating('bad', path.join(source, 'nothing')), 1, 'sourceMissing');
      await refused(scratch, creating('bad', '/dev/null'), 2, 'badValue');
      await refused(scratch, creating('files', source), 2, 'nameTaken');
      await refused(scratch, [...creating('bad', source).slice(0, -1), 'nowhere'], 2, 'unknownName');
      await refused(scratch, [...creating('bad', source), '--source', source], 2, 'badValue');
      await refused(scratch, [...creating('bad', source), '--max-file-size', 'much'], 2, 'badValue');
      await refused(scratch, [...creating('bad', source), '--exclude-file', path.join(source, 'nothing')], 2, 'badValue');
    });

    it('shows and lists policies by name, id and prefix', async () => {
      const shown = await scratch.json(policyDocument, ['policy', 'show', 'files']);
      for (const name of [shown.policyId, shown.policyId.slice(0, 8)]) {
        assert.equal((await scratch.json(policyDocument, ['policy', 'show', name])).name, 'files');
      }
      const listed = await scratch.json(z.array(policyDocument), ['policy', 'list']);
      assert.deepEqual(
        listed.map(({ name }) => name),
        ['files', 'relative'],
      );
    });

    it('leaves out what the rules leave out, and the state directory and the stores always', async () => {
      const wide = await scratch.json(policyDocument, ['policy', 'create', 'wide', '--source', scratch.folder, '--location', 'store']);
      assert.equal(wide.name, 'wide');
      const all = await filesOf(scratch, restorePointOf(await backUp(scratch, 'wide')));
      assert.ok(all.has('source/file'));
      assert.deepEqual(
        [...all.keys()].filter((name) => /^(state|store)\//.test(name)),
        [],
      );
      writeFileSync(path.join(source, '.gitignore'), 'ignored\n');
      writeFileSync(path.join(source, 'ignored'), '');
      writeFileSync(path.join(source, 'large'), Buffer.alloc(1_048_577));
      mkdirSync(path.join(source, 'cached'));
      writeFileSync(path.join(source, 'cached', 'CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55\n');
      writeFileSync(path.join(source, 'cached', 'data'), '');
      const some = await filesOf(scratch, restorePointOf(await backUp(scratch, 'files')));
      assert.deepEqual([...some.keys()].toSorted(), ['.gitignore', 'cached', 'cached/CACHEDIR.TAG', 'file', 'sub']);
      const edited = await scratch.json(
        policyDocument,
        words('policy edit files --no-gitignore --include-caches --exclude sub/ --rename edited'),
      );
      assert.deepEqual([edited.name, edited.gitignore, edited.includeCaches, edited.maxFileSize], ['edited', false, true, 1_048_576]);
      const now = await filesOf(scratch, restorePointOf(await backUp(scratch, 'edited')));
      assert.deepEqual([...now.keys()].toSorted(), ['.gitignore', 'cached', 'cached/CACHEDIR.TAG', 'cached/data', 'file', 'ignored']);
    });

    it('keeps a location that a policy uses (exit 4), and restore points of a deleted policy', async () => {
      await refused(scratch, ['location', 'remove', 'store', '--yes'], 4, 'stillInUse');
      await refused(scratch, ['policy', 'delete', 'wide'], 2, 'confirmationNeeded');
      const deleted = await scratch.json(policyDocument, ['policy', 'delete', 'wide', '--yes']);
      assert.equal(deleted.name, 'wide');
      await refused(scratch, ['policy', 'show', 'wide'], 2, 'unknownName');
      const points = await scratch.json(z.array(z.looseObject({ policy: z.string() })), ['restore-point', 'list']);
      assert.equal(points.filter((point) => point.policy === 'wide').length, 1);
    });

    it('M7: backs up anew under a name that was deleted, and mixes nothing up', async () => {
      await createPolicy(scratch, 'wide', [source]);
      const document = await backUp(scratch, 'wide');
      assert.equal(document.files, 6);
      const points = await scratch.json(z.array(z.looseObject({ policy: z.string(), sequence: z.int() })), [
        'rp',
        'list',
        '--policy',
        'wide',
      ]);
      assert.deepEqual(
        points.map(({ sequence }) => sequence),
        [1],
      );
    });
  });

  describe('a location in trouble', () => {
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
      await scratch.json(locationDocument, ['location', 'add', 'filesystem', 'other', '--path', other]);
      const away = `${store} away`;
      renameSync(store, away);
      cpSync(other, store, { recursive: true });
      try {
        const result = await scratch.cli(['backup', 'relative', '--json']);
        assert.ok(result.status === 1 || result.status === 4, result.stdout);
        assert.match(result.stdout, /Failed to .*store/i);
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
      await scratch.json(locationDocument, ['location', 'add', 'filesystem', 'small', '--path', folder]);
      const big = scratch.makeFolder('big');
      writeFileSync(path.join(big, 'ballast'), (await import('node:crypto')).randomBytes(60 * 2 ** 20));
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
