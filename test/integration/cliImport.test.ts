import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import type { CliOptions } from '../support/cli.ts';
import { backUp, createPolicy, refused, restore, restorePointOf } from '../support/cliExpect.ts';
import {
  changeDocument,
  type ImportDocument,
  importDocument,
  locationDocument,
  passkeyDocument,
  policyDocument,
  restorePointDocument,
  statusDocument,
  verifyDocument,
} from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ScratchState } from '../support/daemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { makeSampleTree } from '../support/sampleTree.ts';

/** What came back has to be what was there; states of retired ones are as the newest manifest knows them. */
async function factsOf(on: ScratchState): Promise<readonly unknown[]> {
  const points = await on.json(z.array(restorePointDocument), ['rp', 'list', '--include-retired']);
  return points.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

describe('holdfast import-stored', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  let store: string;
  let spec: string;
  let source: string;
  let installationId: string;
  let secondFile: string;

  before(async () => {
    scratch = new ScratchState();
    store = await scratch.setUp();
    spec = path.join(scratch.folder, 'spec.json');
    writeFileSync(spec, JSON.stringify({ kind: 'filesystem', path: store }));
    source = path.join(scratch.folder, 'source');
    makeSampleTree(source, { seed: testSeed(), bigBytes: 2 ** 20 });
    await createPolicy(scratch, 'sample', [source], ['--exclude', '*.none', '--gitignore']);
    await backUp(scratch, 'sample', 0, ['--description', 'the first']);
    const retired = restorePointOf(await backUp(scratch, 'sample'));
    await scratch.json(z.unknown(), ['rp', 'retire', retired, '--yes']);
    secondFile = path.join(scratch.folder, 'second');
    writeFileSync(secondFile, 'the second passphrase of these tests\n');
    await scratch.json(passkeyDocument, ['passkey', 'add', 'passphrase', 'second', '--passphrase-file', secondFile]);
    writeFileSync(path.join(source, 'added'), 'added');
    await backUp(scratch, 'sample');
    await createPolicy(scratch, 'other', [path.join(source, 'many')]);
    await backUp(scratch, 'other');
    installationId = (await scratch.json(statusDocument, ['status'])).installationId ?? '';
  });
  after(() => scratch[Symbol.asyncDispose]());

  const importInto = async (
    fresh: ScratchState,
    flags: readonly string[] = [],
    options: CliOptions & { readonly status?: number } = {},
  ): Promise<ImportDocument> => await fresh.json(importDocument, ['import-stored', '--location-spec', spec, ...flags], options);

  it('X8: brings every restore point back from an empty state directory, with each passphrase of the keyring', async () => {
    const expected = await factsOf(scratch);
    for (const file of [scratch.passphraseFile, secondFile]) {
      await using fresh = new ScratchState();
      const document = await importInto(fresh, ['--passphrase-file', file]);
      assert.deepEqual([document.installationId, document.policies, document.restorePoints, document.damaged], [installationId, 2, 4, []]);
      const { live, retired, later, pinned, location, passkeys } = document;
      assert.deepEqual([live, retired, later, pinned, location, passkeys], [3, 1, 0, 0, 'store', ['passphrase-1', 'passphrase-2']]);
      assert.deepEqual(await factsOf(fresh), expected);
      assert.equal((await fresh.json(statusDocument, ['status'])).state, 'unlocked');
    }
  });

  it('X8: leaves everything as it was for what comes after: policies paused, the same trees, restores, locks and further runs', async () => {
    await using fresh = new ScratchState();
    await importInto(fresh, ['--passphrase-file', '-', '--location-name', 'found again'], { input: `${scratch.passphrase}\n` });
    const policies = await fresh.json(z.array(policyDocument), ['policy', 'list']);
    assert.deepEqual(
      policies.map(({ name, paused, sources, gitignore, exclude, location }) => [
        name,
        paused,
        sources[0]?.path,
        gitignore,
        exclude,
        location,
      ]),
      [
        ['other', true, path.join(source, 'many'), false, [], 'found again'],
        ['sample', true, source, true, ['*.none'], 'found again'],
      ],
    );
    const [location] = await fresh.json(z.array(locationDocument), ['location', 'list']);
    assert.deepEqual([location?.name, location?.kind], ['found again', 'filesystem']);
    const passkeys = await fresh.json(z.array(passkeyDocument), ['passkey', 'list']);
    assert.deepEqual([passkeys.length, passkeys.filter(({ inUse }) => inUse).length], [2, 1]);
    const target = path.join(fresh.folder, 'target');
    await restore(fresh, 'sample', target);
    assert.deepEqual(compareTrees(source, target).differences, []);
    assert.equal((await fresh.json(verifyDocument, ['rp', 'verify', 'sample', '--read-data'])).ok, true);
    assert.deepEqual(await fresh.json(z.array(changeDocument), ['rp', 'diff', 'sample', '--with-source']), []);
    // On a copy of the store, so that the tests after this one find what they expect.
    await fresh.json(z.unknown(), ['lock']);
    await refused(fresh, ['rp', 'list'], 3, 'locked');
    assert.equal((await fresh.cli(['unlock', '--passphrase-file', secondFile])).status, 0);
  });

  it('X8: finds the same tree ids: the next run of an imported policy stores nothing that is stored', async () => {
    await using fresh = new ScratchState();
    const copy = path.join(fresh.folder, 'copy of the store');
    cpSync(store, copy, { recursive: true, preserveTimestamps: true });
    const copySpec = path.join(fresh.folder, 'spec.json');
    writeFileSync(copySpec, JSON.stringify({ kind: 'filesystem', path: copy }));
    await fresh.json(importDocument, ['import-stored', '--location-spec', copySpec, '--passphrase-file', scratch.passphraseFile]);
    const before = new Set(readdirSync(copy, { recursive: true, encoding: 'utf8' }));
    const document = await backUp(fresh, 'sample');
    const added = readdirSync(copy, { recursive: true, encoding: 'utf8' }).filter((name) => !before.has(name));
    assert.deepEqual(
      added.filter((name) => name.includes('/packs/')),
      [],
      'no chunk is stored twice',
    );
    const [newest] = await fresh.json(z.array(restorePointDocument), ['rp', 'list', '--limit', '1']);
    assert.deepEqual([newest?.id, newest?.sequence], [restorePointOf(document), 4]);
    assert.deepEqual(await fresh.json(z.array(changeDocument), ['rp', 'diff', 'latest']), []);
  });

  it('brings back with --at what was stored by then, and tells people how much', async () => {
    const points = await scratch.json(z.array(restorePointDocument), ['rp', 'list', '--policy', 'sample', '--include-retired']);
    const second = points.find(({ sequence }) => sequence === 2);
    await using fresh = new ScratchState();
    const result = await fresh.cli([
      'import-stored',
      '--location-spec',
      spec,
      '--at',
      second?.uploadEndTime ?? '',
      '--passphrase-file',
      scratch.passphraseFile,
    ]);
    assert.equal(result.status, 0, result.stdout + result.stderr);
    assert.match(result.stdout, new RegExp(`^Imported installation ${installationId}: 1 policy \\(paused\\), 2 restore points, `));
    const listed = await fresh.json(z.array(restorePointDocument), ['rp', 'list']);
    assert.deepEqual(
      listed.map(({ sequence }) => sequence),
      [2, 1],
    );
  });

  it('is exit 3 with a wrong passphrase, and leaves the state directory as empty as it was', async () => {
    await using fresh = new ScratchState();
    const wrong = ['import-stored', '--location-spec', spec, '--passphrase-file', '-'];
    await refused(fresh, wrong, 3, 'wrongSecret', { input: 'wrong\n' });
    assert.equal((await fresh.json(statusDocument, ['status'])).state, 'notSetUp');
    assert.equal((await importInto(fresh, ['--passphrase-file', scratch.passphraseFile])).restorePoints, 4);
  });

  it('asks for an empty state directory, a spec and a passphrase, exit 2', async () => {
    await refused(scratch, ['import-stored', '--location-spec', spec, '--passphrase-file', scratch.passphraseFile], 2, 'alreadySetUp');
    await using fresh = new ScratchState();
    await refused(fresh, ['import-stored', '--location-spec', spec], 2, 'usage');
    await refused(fresh, ['import-stored', '--passphrase-file', fresh.passphraseFile], 2, 'usage');
  });

  it('is exit 1 or 2 where there is no store, or another installation is asked for', async () => {
    await using fresh = new ScratchState();
    const empty = path.join(fresh.folder, 'empty.json');
    writeFileSync(empty, JSON.stringify({ kind: 'filesystem', path: fresh.makeFolder('empty') }));
    await refused(fresh, ['import-stored', '--location-spec', empty, '--passphrase-file', fresh.passphraseFile], 1, 'storeUnreachable');
    const other = '00000000-0000-4000-8000-000000000000';
    const asked = ['import-stored', '--location-spec', spec, '--installation', other, '--passphrase-file', fresh.passphraseFile];
    await refused(fresh, asked, 2, 'unknownName');
  });

  it('asks which installation where a location holds several, and takes an id or a prefix of one', async () => {
    await using fresh = new ScratchState();
    const copy = path.join(fresh.folder, 'copy');
    cpSync(store, copy, { recursive: true, preserveTimestamps: true });
    const second = '11111111-2222-4333-8444-555555555555';
    mkdirSync(path.join(copy, second, 'keyring'), { recursive: true });
    writeFileSync(path.join(copy, second, 'keyring', `${'1'.padStart(16, '0')}-${'0'.repeat(32)}`), 'junk');
    const copySpec = path.join(fresh.folder, 'spec.json');
    writeFileSync(copySpec, JSON.stringify({ kind: 'filesystem', path: copy }));
    const importing = ['import-stored', '--location-spec', copySpec, '--passphrase-file', scratch.passphraseFile];
    const error = await refused(fresh, importing, 2, 'ambiguousName');
    assert.deepEqual(
      z
        .array(z.string())
        .parse(error.details?.['installations'])
        .toSorted((a, b) => (a < b ? -1 : 1)),
      [installationId, second].toSorted((a, b) => (a < b ? -1 : 1)),
    );
    const document = await fresh.json(importDocument, [...importing, '--installation', installationId.slice(0, 8)]);
    assert.equal(document.restorePoints, 4);
  });

  it('C9: goes on past junk keyrings, names them, exit 5, and has everything', async () => {
    await using fresh = new ScratchState();
    const copy = path.join(fresh.folder, 'copy');
    cpSync(store, copy, { recursive: true, preserveTimestamps: true });
    const keyrings = path.join(copy, installationId, 'keyring');
    const [one = ''] = readdirSync(keyrings);
    for (let junk = 0; junk < 20; junk += 1) {
      const name = `${(900 + junk).toString(16).padStart(16, '0')}-${String(junk).padStart(32, '0')}`;
      if (junk % 2 === 0) writeFileSync(path.join(keyrings, name), Buffer.alloc(junk * 3000, junk));
      else cpSync(path.join(keyrings, one), path.join(keyrings, name));
    }
    const copySpec = path.join(fresh.folder, 'spec.json');
    writeFileSync(copySpec, JSON.stringify({ kind: 'filesystem', path: copy }));
    const document = await fresh.json(
      importDocument,
      ['import-stored', '--location-spec', copySpec, '--passphrase-file', scratch.passphraseFile],
      { status: 5 },
    );
    assert.equal(document.restorePoints, 4);
    assert.ok(document.damaged.length >= 10, JSON.stringify(document.damaged));
    for (const { path: key } of document.damaged) assert.match(key, /keyring/);
  });
});
