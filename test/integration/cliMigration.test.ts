import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, openSync, closeSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { cliMain } from '../support/cli.ts';
import { backUp, createPolicy, refused, restore, restorePointOf } from '../support/cliExpect.ts';
import { policyDocument, restorePointDocument, verifyDocument } from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ScratchState } from '../support/daemon.ts';
import { readerPython, readerScript } from '../support/readerPython.ts';
import { skipWithout } from '../support/skipWithout.ts';

const exported = z.looseObject({
  policyId: z.string(),
  policy: z.string(),
  fingerprint: z.string().regex(/^[0-9a-f]{4}(-[0-9a-f]{4}){4}$/),
  expiresAt: z.string().nullable(),
  generations: z.int(),
  output: z.string().nullable(),
  importData: z.string().nullable(),
});
const imported = z.looseObject({
  policy: policyDocument,
  fingerprint: z.string(),
  added: z.int(),
  gone: z.int(),
  damaged: z.array(z.looseObject({ path: z.string(), reason: z.string() })),
});
const points = z.array(restorePointDocument);
const checked = z.intersection(verifyDocument, z.looseObject({ ownerTagChecked: z.boolean(), notes: z.array(z.string()) }));

/** Every file of a store by its path, as text of its bytes' size and time of change. */
function factsOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => [name, statSync(path.join(folder, name))] as const)
    .filter(([, facts]) => facts.isFile())
    .map(([name, facts]) => `${name} ${facts.size} ${facts.mtimeMs}`)
    .toSorted();
}

describe('holdfast policy export and policy import', function () {
  this.timeout(120_000);
  let owner: ScratchState;
  let other: ScratchState;
  let store: string;
  let source: string;
  let file: string;
  let ownerId: string;

  /** An installation of its own that has the owner's store as a location too. */
  const newcomer = async (): Promise<ScratchState> => {
    const scratch = new ScratchState();
    const secret = path.join(scratch.folder, 'another passphrase');
    writeFileSync(secret, 'quite another passphrase, nothing like it\n');
    await scratch.json(z.unknown(), ['init', '--passphrase-file', secret]);
    await scratch.json(z.unknown(), ['location', 'add', 'filesystem', 'theirs', '--path', store]);
    return scratch;
  };
  const importInto = (into: ScratchState, flags: readonly string[] = []): Promise<z.infer<typeof imported>> =>
    into.json(imported, ['policy', 'import', '--import-data-file', file, '--location', 'theirs', ...flags]);

  before(async () => {
    owner = new ScratchState();
    store = await owner.setUp();
    source = owner.makeFolder('source');
    mkdirSync(path.join(source, 'deep'));
    writeFileSync(path.join(source, 'one.txt'), 'the first');
    writeFileSync(path.join(source, 'deep', 'two.txt'), 'the second'.repeat(1000));
    await createPolicy(owner, 'work', [source]);
    await createPolicy(owner, 'private', [path.join(source, 'deep')]);
    await backUp(owner, 'work');
    const retired = restorePointOf(await backUp(owner, 'work'));
    await owner.json(z.unknown(), ['rp', 'retire', retired, '--yes']);
    await backUp(owner, 'work');
    await backUp(owner, 'private');
    ownerId = z.looseObject({ installationId: z.string() }).parse((await owner.cli(['status', '--json'])).json).installationId;
    file = path.join(owner.folder, 'work.import');
    const document = await owner.json(exported, ['policy', 'export', 'work', '--output', file]);
    assert.deepEqual(
      [document.policy, document.generations, document.output, document.importData, document.expiresAt],
      ['work', 1, file, null, null],
    );
    other = await newcomer();
  });
  after(async () => {
    await owner[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  it('K5: the import data is in a file for its user alone, which it makes anew, or in a pipe, and never in a file by redirection', async () => {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await refused(owner, ['policy', 'export', 'work', '--output', file], 2, 'badValue');
    const piped = await owner.cli(['policy', 'export', 'work']);
    assert.equal(piped.status, 0, piped.stderr);
    assert.match(piped.stdout, /^-----BEGIN HOLDFAST IMPORT DATA-----\n[^-]+\n-----END HOLDFAST IMPORT DATA-----\n$/);
    assert.match(piped.stderr, /It is a secret/);
    assert.equal(piped.stderr.includes(piped.stdout.split('\n')[1] ?? '?'), false);
    const asJson = await owner.json(exported, ['policy', 'export', 'work', '--expires-in', '1h']);
    assert.ok(asJson.importData?.startsWith('-----BEGIN'));
    assert.ok(asJson.expiresAt !== null && Date.parse(asJson.expiresAt) > Date.now());
    const redirected = path.join(owner.folder, 'redirected');
    const out = openSync(redirected, 'w');
    const env = { ...process.env, HOLDFAST_STATE: owner.state, HOLDFAST_STEP_UP_FILE: owner.passphraseFile };
    const run = spawnSync(process.execPath, [cliMain, 'policy', 'export', 'work'], {
      stdio: ['ignore', out, 'pipe'],
      env,
      timeout: 60_000,
    });
    closeSync(out);
    assert.equal(run.status, 2, String(run.stderr));
    assert.equal(readFileSync(redirected).length, 0);
  });

  it('exporting asks for the passphrase once more, after what a rule refuses', async () => {
    await owner.json(z.unknown(), ['lock']);
    await refused(owner, ['policy', 'export', 'work'], 3, 'locked');
    assert.equal((await owner.cli(['unlock', '--passphrase-file', owner.passphraseFile])).status, 0);
    const wrong = path.join(owner.folder, 'wrong');
    writeFileSync(wrong, 'not the passphrase of anything here\n');
    await refused(owner, ['policy', 'export', 'nobody'], 2, 'unknownName', { env: { HOLDFAST_STEP_UP_FILE: wrong } });
  });

  it('a name that is taken, an own policy, another store, a text that was altered, cut or has expired: each has its own way out', async () => {
    const fresh = other;
    const folder = fresh.makeFolder('mine');
    const elsewhere = fresh.makeFolder('elsewhere');
    await fresh.json(z.unknown(), ['location', 'add', 'filesystem', 'elsewhere', '--path', elsewhere]);
    assert.equal((await fresh.cli(['policy', 'create', 'work', '--source', folder, '--location', 'elsewhere'])).status, 0);
    const line = ['policy', 'import', '--location', 'theirs', '--import-data-file'];
    await refused(fresh, [...line, file], 2, 'nameTaken');
    await refused(fresh, ['policy', 'import', '--import-data-file', file, '--location', 'elsewhere', '--name', 'x'], 4, 'refusedByRule');
    await refused(fresh, ['policy', 'import', '--import-data-file', file, '--location', 'nowhere'], 2, 'unknownName');
    await refused(fresh, [...line, file, '--keep-alive'], 2, 'notInThisVersion');
    await refused(fresh, [...line, file, '--poll', '5s'], 2, 'badValue');
    await refused(owner, ['policy', 'import', '--import-data-file', file, '--location', 'store', '--name', 'x'], 4, 'refusedByRule');
    const text = readFileSync(file, 'ascii');
    const written = (name: string, content: string): string => {
      const made = path.join(fresh.folder, name);
      writeFileSync(made, content);
      return made;
    };
    const at = 120;
    const altered = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    assert.match((await refused(fresh, [...line, written('altered', altered)], 2, 'badValue')).message, /altered/);
    assert.match((await refused(fresh, [...line, written('cut', text.slice(0, 300))], 2, 'badValue')).message, /cut/);
    assert.match((await refused(fresh, [...line, written('none', 'hello')], 2, 'badValue')).message, /does not begin/);
    await refused(fresh, [...line, path.join(fresh.folder, 'not there')], 2, 'badValue');
    assert.deepEqual(await fresh.json(points, ['rp', 'list']), []);
    const document = await importInto(fresh, ['--name', 'their work']);
    assert.equal(document.policy.name, 'their work');
    await restore(fresh, 'their work', path.join(fresh.folder, 'back'));
    for (const name of ['work', 'their work']) await fresh.json(z.unknown(), ['policy', 'delete', name, '--yes']);
  });

  it('the restore points of one policy come onto the list, verify and restore, with nothing of another policy and nothing written', async () => {
    const before = factsOf(path.join(store, ownerId));
    const document = await importInto(other);
    assert.deepEqual(
      [document.policy.name, document.added, document.gone, document.damaged, document.policy.restorePoints],
      ['work', 2, 0, [], 2],
    );
    const here = await other.json(points, ['rp', 'list']);
    const there = await owner.json(points, ['rp', 'list', '--policy', 'work']);
    assert.deepEqual(
      here.map(({ id }) => id),
      there.map(({ id }) => id),
    );
    assert.ok(here.every((point) => point['imported'] === true && point.policy === 'work'));
    for (const point of await owner.json(points, ['rp', 'list', '--policy', 'private'])) {
      await refused(other, ['restore', point.id, '--target', path.join(other.folder, 'never')], 2, 'unknownName');
    }
    for (const { id } of here) {
      const report = await other.json(checked, ['rp', 'verify', id, '--read-data']);
      assert.equal(report.ok, true);
      assert.equal(report.ownerTagChecked, false);
      assert.match(report.notes.join('\n'), /tag of its owner was not checked/);
    }
    const target = path.join(other.folder, 'restored');
    await restore(other, 'work', target);
    assert.deepEqual(compareTrees(source, target).differences, []);
    assert.equal((await other.cli(['rp', 'cat', 'work', 'one.txt'])).stdout, 'the first');
    assert.equal((await owner.json(checked, ['rp', 'verify', 'work'])).ownerTagChecked, true);
    assert.deepEqual(factsOf(path.join(store, ownerId)), before, 'nothing of the owner was touched');
  });

  it('an imported policy has no right to back up, to retire, to keep or to restore over what is here, and is locked with the rest', async () => {
    await importInto(other);
    const [point] = await other.json(points, ['rp', 'list']);
    assert.ok(point !== undefined);
    for (const args of [
      ['backup', 'work'],
      ['policy', 'edit', 'work', '--source', source],
      ['policy', 'pause', 'work'],
      ['policy', 'export', 'work'],
      ['rp', 'retire', point.id, '--yes'],
      ['rp', 'pin', point.id],
      ['restore', point.id, '--in-place'],
    ]) {
      await refused(other, args, 4, 'refusedByRule');
    }
    await refused(other, ['backup', '--all'], 2, 'unknownName');
    await refused(other, ['location', 'remove', 'theirs', '--yes'], 4, 'stillInUse');
    await other.json(z.unknown(), ['lock']);
    await refused(other, ['restore', point.id, '--target', path.join(other.folder, 'locked')], 3, 'locked');
    const secret = path.join(other.folder, 'another passphrase');
    assert.equal((await other.cli(['unlock', '--passphrase-file', secret])).status, 0);
    await restore(other, point.id, path.join(other.folder, 'again'));
    await other.json(z.unknown(), ['stop']);
    assert.equal((await other.cli(['unlock', '--passphrase-file', secret])).status, 0);
    await restore(other, point.id, path.join(other.folder, 'and again'));
  });

  it('importing once more brings the list up to date, with what came and what was retired', async () => {
    await importInto(other);
    const [newest] = await owner.json(points, ['rp', 'list', '--policy', 'work']);
    assert.ok(newest !== undefined);
    writeFileSync(path.join(source, 'three.txt'), 'the third');
    await owner.json(z.unknown(), ['rp', 'retire', newest.id, '--yes']);
    const made = restorePointOf(await backUp(owner, 'work'));
    const document = await importInto(other, ['--poll', '1h']);
    assert.deepEqual([document.added, document.gone], [1, 1]);
    const ids = (await other.json(points, ['rp', 'list'])).map(({ id }) => id);
    assert.equal(ids[0], made);
    assert.equal(ids.includes(newest.id), false);
    const shown = z.looseObject({ imported: z.looseObject({ pollSeconds: z.int(), installationId: z.string(), problem: z.null() }) });
    const policy = await other.json(shown, ['policy', 'show', 'work']);
    assert.deepEqual([policy.imported.pollSeconds, policy.imported.installationId], [3600, ownerId]);
  });

  it('D8: the second reader opens that one policy with the import data and the page of the format, and nothing else of the store', async function () {
    const python = readerPython();
    if (python === undefined) return skipWithout('the second reader’s Python', this);
    const read = async (...args: readonly string[]): Promise<unknown> => {
      const all = ['-B', readerScript, '--store', store, '--import-data-file', file, ...args];
      return JSON.parse((await promisify(execFile)(python, all)).stdout);
    };
    const here = await owner.json(points, ['rp', 'list', '--include-retired']);
    const listed = z.array(z.looseObject({ sequence: z.int() })).parse(await read('list'));
    const work = here.filter(({ policy }) => policy === 'work');
    assert.deepEqual(new Set(listed.map(({ sequence }) => sequence)), new Set(work.map(({ sequence }) => sequence)));
    assert.equal(listed.length, work.length);
    const target = path.join(owner.folder, 'read by the second reader');
    const report = JSON.stringify(await read('restore', '--policy', work[0]?.policyId ?? '', '--target', target));
    assert.match(report, /ownerTag/);
    const [only = ''] = readdirSync(target);
    assert.deepEqual(compareTrees(source, path.join(target, only)).differences, []);
    const foreign = here.find(({ policy }) => policy === 'private')?.policyId ?? '';
    await assert.rejects(read('verify', '--policy', foreign));
  });

  it('deleting an imported policy takes its restore points and its key away, and nothing that is stored', async () => {
    const fresh = other;
    await importInto(fresh);
    const before = factsOf(path.join(store, ownerId));
    const [point] = await fresh.json(points, ['rp', 'list']);
    assert.ok(point !== undefined);
    await refused(fresh, ['policy', 'delete', 'work'], 2, 'confirmationNeeded');
    await fresh.json(z.unknown(), ['policy', 'delete', 'work', '--yes']);
    assert.deepEqual(await fresh.json(points, ['rp', 'list', '--include-retired']), []);
    await refused(fresh, ['restore', point.id, '--target', path.join(fresh.folder, 'gone')], 2, 'unknownName');
    assert.deepEqual(factsOf(path.join(store, ownerId)), before);
    await fresh.json(z.unknown(), ['location', 'remove', 'theirs', '--yes']);
    await fresh.json(z.unknown(), ['location', 'add', 'filesystem', 'theirs', '--path', store]);
    assert.equal((await importInto(fresh)).policy.name, 'work');
  });

  it('a damaged manifest is named, and the other restore points come', async () => {
    await using fresh = new ScratchState();
    await fresh.json(z.unknown(), ['init', '--passphrase-file', fresh.passphraseFile]);
    const copy = path.join(fresh.folder, 'copy');
    cpSync(store, copy, { recursive: true, preserveTimestamps: true });
    await fresh.json(z.unknown(), ['location', 'add', 'filesystem', 'theirs', '--path', copy]);
    const { policyId } = await owner.json(exported, ['policy', 'export', 'work']);
    const folder = path.join(copy, ownerId, 'policies', policyId, 'restore-points');
    const names = readdirSync(folder).toSorted();
    const newest = path.join(folder, names.at(-1) ?? '');
    const bytes = readFileSync(newest);
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
    chmodSync(newest, 0o600);
    rmSync(newest);
    writeFileSync(newest, bytes);
    const result = await fresh.cli(['policy', 'import', '--import-data-file', file, '--location', 'theirs', '--json']);
    assert.equal(result.status, 5, result.stderr);
    const document = imported.parse(result.json);
    assert.equal(document.damaged.length, 1);
    assert.ok(document.added > 0);
    await restore(fresh, 'work', path.join(fresh.folder, 'rest'));
  });
});
