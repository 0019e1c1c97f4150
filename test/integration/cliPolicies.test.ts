import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { backUp, createPolicy, filesOf, refused, restorePointOf } from '../support/cliExpect.ts';
import { type PolicyDocument, policyDocument } from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';

const words = (line: string): string[] => line.split(' ');
const creating = (name: string, where: string): string[] => ['policy', 'create', name, '--source', where, '--location', 'store'];

describe('holdfast policy', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let source: string;
  const policies = async (): Promise<readonly PolicyDocument[]> => await scratch.json(z.array(policyDocument), ['policy', 'list']);

  before(async () => {
    scratch = new ScratchState();
    await scratch.setUp();
    source = scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
    mkdirSync(path.join(source, 'sub'));
    writeFileSync(path.join(source, 'sub', 'inner.log'), 'a log');
  });
  after(() => scratch[Symbol.asyncDispose]());

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

  it('says that it runs by hand only, and what to type next', async () => {
    const result = await scratch.cli([...creating('with spaces', source), '--one-file-system', '--include-caches']);
    assert.equal(result.status, 0, result.stderr);
    assert.match(
      result.stdout,
      /^Created the policy with spaces: 1 source to store, by hand only\.\nIt keeps 10 latest, [^\n]*\.\nRun it with holdfast backup 'with spaces'\.\n$/,
    );
    const policy = await scratch.json(policyDocument, ['policy', 'show', 'with spaces']);
    assert.deepEqual([policy.oneFileSystem, policy.includeCaches, policy.gitignore, policy.maxFileSize], [true, true, false, null]);
    const quiet = await scratch.cli(['policy', 'delete', 'with spaces', '--yes', '--quiet']);
    assert.deepEqual([quiet.status, quiet.stdout, quiet.stderr], [0, '', '']);
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
    assert.deepEqual(
      (await policies()).map(({ name }) => name),
      ['files', 'relative'],
    );
    await refused(scratch, ['policy', 'show', 'nothing'], 2, 'unknownName');
    await refused(scratch, ['policy', 'show', shown.policyId.slice(0, 3)], 2, 'unknownName');
  });

  it('says who is meant where a name is near to one', async () => {
    const error = await refused(scratch, ['policy', 'show', 'file'], 2, 'unknownName');
    assert.match(error.fix ?? '', /Did you mean "files"\?/);
  });

  it('shows and lists for people', async () => {
    const list = await scratch.cli(['policy', 'list']);
    assert.match(list.stdout, /^NAME +SOURCES +LOCATION +POINTS +RUNS +LAST RUN\nfiles +\/\S+\/source +store +0 +by hand +never\n/);
    const show = await scratch.cli(['policy', 'show', 'files']);
    for (const line of [
      /^Policy: +files$/m,
      /^Id: +[0-9a-f-]{36}$/m,
      /^Sources: +\/\S+\/source$/m,
      /^Location: +store$/m,
      /^Left out: +\*\.log\n +\*\.tmp\n +build\/$/m,
      /^Rules: +\.gitignore files are honoured, files up to 1\.00 MiB$/m,
      /^Runs: +by hand$/m,
      /^Restore points: +0$/m,
    ]) {
      assert.match(show.stdout, line);
    }
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
    const document = await backUp(scratch, 'files');
    // Named, and no warning: the exit status was 0.
    assert.deepEqual(
      document.skipped.map((one) => one.path),
      [path.join(source, 'large')],
    );
    const some = await filesOf(scratch, restorePointOf(document));
    assert.deepEqual([...some.keys()].toSorted(), ['.gitignore', 'cached', 'cached/CACHEDIR.TAG', 'file', 'sub']);
    const edited = await scratch.json(
      policyDocument,
      words('policy edit files --no-gitignore --include-caches --exclude sub/ --rename edited'),
    );
    assert.deepEqual([edited.name, edited.gitignore, edited.includeCaches, edited.maxFileSize], ['edited', false, true, 1_048_576]);
    // What is given replaces what was: the sources keep what is stored of them.
    await refused(scratch, ['policy', 'edit', 'edited'], 2, 'usage');
    await refused(scratch, ['policy', 'edit', 'nothing', '--gitignore'], 2, 'unknownName');
    await refused(scratch, ['policy', 'edit', 'edited', '--rename', 'wide'], 2, 'nameTaken');
    await refused(scratch, ['policy', 'edit', 'edited', '--location', 'nowhere'], 2, 'unknownName');
    await refused(scratch, ['policy', 'edit', 'edited', '--source', path.join(source, 'nothing')], 1, 'sourceMissing');
    const now = await filesOf(scratch, restorePointOf(await backUp(scratch, 'edited')));
    assert.deepEqual([...now.keys()].toSorted(), ['.gitignore', 'cached', 'cached/CACHEDIR.TAG', 'cached/data', 'file', 'ignored']);
  });

  it('keeps a location that a policy uses (exit 4), and restore points of a deleted policy', async () => {
    await refused(scratch, ['location', 'remove', 'store', '--yes'], 4, 'stillInUse');
    const error = await refused(scratch, ['policy', 'delete', 'wide'], 2, 'confirmationNeeded');
    assert.match(error.fix ?? '', /--yes/);
    await refused(scratch, ['policy', 'delete', 'nothing', '--yes'], 2, 'unknownName');
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
