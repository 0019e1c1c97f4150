import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import tarStream from 'tar-stream';
import * as z from 'zod';
import { cliMain } from '../support/cli.ts';
import { backUp, createPolicy, filesOf, refused, restorePointOf } from '../support/cliExpect.ts';
import {
  actionDocument,
  changeDocument,
  entryDocument,
  fileVersionDocument,
  restorePointDocument,
  startedDocument,
  verifyDocument,
} from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ScratchState } from '../support/daemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { makeSampleTree } from '../support/sampleTree.ts';

type Point = z.infer<typeof restorePointDocument>;

interface TarEntry {
  readonly header: tarStream.Header;
  readonly content: Buffer;
}

/** Reads an archive with a second program: its entries by their names. */
async function readTar(bytes: Buffer): Promise<ReadonlyMap<string, TarEntry>> {
  const entries = new Map<string, TarEntry>();
  const extract = tarStream.extract();
  Readable.from([bytes]).pipe(extract);
  for await (const entry of extract) {
    const pieces: Buffer[] = [];
    for await (const piece of entry) pieces.push(Buffer.from(z.instanceof(Uint8Array).parse(piece)));
    entries.set(entry.header.name, { header: entry.header, content: Buffer.concat(pieces) });
  }
  return entries;
}

describe('holdfast restore-point, file-history and action', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let source: string;
  /** Three restore points of `work`, oldest first. */
  const ids: string[] = [];

  before(async () => {
    scratch = new ScratchState();
    await scratch.setUp();
    source = scratch.makeFolder('work');
    mkdirSync(path.join(source, 'sub'));
    writeFileSync(path.join(source, 'file'), 'first');
    writeFileSync(path.join(source, 'sub', 'stays'), 'stays');
    writeFileSync(path.join(source, 'goes'), 'goes');
    symlinkSync('file', path.join(source, 'becomes'));
    writeFileSync(path.join(source, 'mode'), 'mode');
    await createPolicy(scratch, 'work', [source]);
    ids.push(restorePointOf(await backUp(scratch, 'work', 0, ['--description', 'one'])));
    writeFileSync(path.join(source, 'file'), 'the second');
    rmSync(path.join(source, 'goes'));
    rmSync(path.join(source, 'becomes'));
    mkdirSync(path.join(source, 'becomes'));
    writeFileSync(path.join(source, 'becomes', 'inside'), '');
    chmodSync(path.join(source, 'mode'), 0o600);
    writeFileSync(path.join(source, 'added'), 'added');
    ids.push(restorePointOf(await backUp(scratch, 'work')));
    rmSync(path.join(source, 'file'));
    ids.push(restorePointOf(await backUp(scratch, 'work')));
  });
  after(() => scratch[Symbol.asyncDispose]());

  const id = (index: number): string => ids[index] ?? assert.fail(`no restore point ${index}`);
  const points = async (...flags: string[]): Promise<readonly Point[]> =>
    await scratch.json(z.array(restorePointDocument), ['restore-point', 'list', ...flags]);
  const idsOf = async (...flags: string[]): Promise<readonly string[]> => (await points(...flags)).map((point) => point.id);
  const changes = async (...args: string[]): Promise<Readonly<Record<string, string>>> => {
    const found = await scratch.json(z.array(changeDocument), ['restore-point', 'diff', ...args]);
    return Object.fromEntries(found.map(({ path: changed, change }) => [changed, change]));
  };

  describe('list', () => {
    it('shows the newest first, with every field of the contract', async () => {
      const listed = await points();
      assert.deepEqual(
        listed.map((point) => [point.id, point.policy, point.sequence, point.state]),
        [
          [id(2), 'work', 3, 'live'],
          [id(1), 'work', 2, 'live'],
          [id(0), 'work', 1, 'live'],
        ],
      );
      assert.equal(listed[2]?.description, 'one');
      for (const { startedAt, uploadEndTime } of listed) assert.ok(startedAt <= uploadEndTime);
    });

    it('takes a policy by its name, its id or a prefix, a time from which on, and a limit', async () => {
      await createPolicy(scratch, 'other', [scratch.makeFolder('other')]);
      const other = restorePointOf(await backUp(scratch, 'other'));
      assert.deepEqual(await idsOf('--limit', '2'), [other, id(2)]);
      assert.deepEqual(await idsOf('--policy', 'other'), [other]);
      const [listed] = await points('--policy', 'work');
      const policyId = listed?.policyId ?? '';
      assert.deepEqual(await idsOf('--policy', policyId), await idsOf('--policy', policyId.slice(0, 8)));
      const all = await points('--policy', 'work');
      assert.deepEqual(await idsOf('--policy', 'work', '--since', all[1]?.startedAt ?? ''), [id(2), id(1)]);
      assert.equal((await idsOf('--since', '1h')).length, 4);
      await refused(scratch, ['rp', 'list', '--policy', 'nobody'], 2, 'unknownName');
    });

    it('is a table for people, and says so where there is none', async () => {
      const { stdout } = await scratch.cli(['rp', 'list', '--policy', 'work']);
      const lines = stdout.trimEnd().split('\n');
      assert.match(lines[0] ?? '', /^ID +POLICY +STARTED +FILES +SIZE +ADDED +STATE +NOTE$/);
      assert.equal(lines.length, 4);
      assert.match(lines[3] ?? '', new RegExp(`^${id(0).slice(0, 8)} +work .* live +one$`));
      await using fresh = new ScratchState();
      await fresh.json(z.unknown(), ['init', '--passphrase-file', fresh.passphraseFile]);
      assert.equal((await fresh.cli(['rp', 'list'])).stdout, 'No restore point.\n');
    });
  });

  describe('how a restore point is named', () => {
    it('is by its id, a prefix of it, latest, POLICY for the newest, or POLICY@TIME for the newest then', async () => {
      const [, second] = await points('--policy', 'work');
      const time = second?.uploadEndTime ?? '';
      const names: readonly (readonly [string, string])[] = [
        [id(1), id(1)],
        [id(1).slice(0, 8), id(1)],
        [id(1).toUpperCase(), id(1)],
        ['work', id(2)],
        [`work@${time}`, id(1)],
        ['work@2999-01-01T00:00:00Z', id(2)],
      ];
      for (const [name, meant] of names) {
        const pinned = await scratch.json(restorePointDocument, ['rp', 'pin', name]);
        assert.equal(pinned.id, meant, name);
        await scratch.json(restorePointDocument, ['rp', 'unpin', name]);
      }
      const [newest] = await points();
      assert.equal((await scratch.json(restorePointDocument, ['rp', 'unpin', 'latest'])).id, newest?.id);
    });

    it('is refused, exit 2, where nothing has that name or was there at that time', async () => {
      for (const name of ['nobody', 'ffffffff', 'work@2001-01-01T00:00:00Z', '00000000-0000-0000-0000-000000000000']) {
        await refused(scratch, ['rp', 'files', name], 2, 'unknownName');
      }
    });
  });

  describe('files', () => {
    it('lists a folder, all of it with --recursive, and a single file as itself', async () => {
      const list = async (...args: string[]): Promise<readonly string[]> =>
        (await scratch.json(z.array(entryDocument), ['rp', 'files', id(0), ...args])).map((entry) => entry.path);
      assert.deepEqual(await list(), ['becomes', 'file', 'goes', 'mode', 'sub']);
      assert.deepEqual(await list('--recursive'), ['becomes', 'file', 'goes', 'mode', 'sub', 'sub/stays']);
      assert.deepEqual(await list('sub'), ['sub/stays']);
      assert.deepEqual(await list('sub/stays'), ['sub/stays']);
      assert.deepEqual(await list(path.join(source, 'sub')), ['sub/stays']);
      await refused(scratch, ['rp', 'files', id(0), 'nothing'], 2, 'unknownName');
    });

    it('tells kind, mode, size, time and target of each', async () => {
      const entries = await filesOf(scratch, id(0));
      const facts = ['becomes', 'file', 'sub'].map((name) => {
        const entry = entries.get(name);
        return [entry?.kind, entry?.size, entry?.linkTarget];
      });
      assert.deepEqual(facts, [
        ['link', null, 'file'],
        ['file', 5, null],
        ['dir', null, null],
      ]);
      assert.equal((await filesOf(scratch, id(1))).get('mode')?.mode, 0o600);
    });

    it('lists folders of thousands of names page by page, none twice and none left out', async () => {
      const many = scratch.makeFolder('many');
      for (let index = 0; index < 2500; index += 1) writeFileSync(path.join(many, `name ${index} ${'x'.repeat(80)}`), '');
      await createPolicy(scratch, 'many', [many]);
      await backUp(scratch, 'many');
      const listed = await scratch.json(z.array(entryDocument), ['rp', 'files', 'many']);
      assert.deepEqual(
        listed.map((entry) => entry.path),
        readdirSync(many).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
      const { stdout } = await scratch.cli(['rp', 'files', 'many']);
      assert.equal(stdout.trimEnd().split('\n').length, 2500);
    });

    it('has several sources in a folder each, named by its last component, made unique', async () => {
      const sources = ['a/same', 'b/same', 'c'].map((name) => scratch.makeFolder(name));
      for (const [index, folder] of sources.entries()) writeFileSync(path.join(folder, `file ${index}`), '');
      await createPolicy(scratch, 'several', sources);
      const entries = await filesOf(scratch, restorePointOf(await backUp(scratch, 'several')));
      const names = [...entries.keys()];
      assert.equal(names.filter((name) => !name.includes('/')).length, 3);
      assert.ok(names.includes('c/file 2') && names.includes('same/file 0'), names.join());
      assert.equal(names.filter((name) => /^same[^/]+\/file 1$/.test(name)).length, 1, names.join());
    });
  });

  describe('cat and dump', () => {
    it('prints the bytes of a file and nothing else', async () => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256));
      writeFileSync(path.join(source, 'binary'), bytes);
      await backUp(scratch, 'work');
      const { status, stdoutBytes, stderr } = await scratch.cli(['rp', 'cat', 'work', 'binary']);
      assert.deepEqual([status, stderr, stdoutBytes.equals(bytes)], [0, '', true]);
      assert.equal((await scratch.cli(['rp', 'cat', id(0), 'file'])).stdout, 'first');
      assert.equal((await scratch.cli(['rp', 'cat', id(1), path.join(source, 'file')])).stdout, 'the second');
    });

    it('refuses to print folders, links and what is not there, exit 2', async () => {
      await refused(scratch, ['rp', 'cat', id(0), 'sub'], 2, 'badValue');
      await refused(scratch, ['rp', 'cat', id(0), 'becomes'], 2, 'badValue');
      await refused(scratch, ['rp', 'cat', id(0), 'nothing'], 2, 'unknownName');
      await refused(scratch, ['rp', 'dump', id(0), 'nothing', '--format', 'tar'], 2, 'unknownName');
      await refused(scratch, ['rp', 'dump', id(0)], 2, 'usage');
    });

    it('stops without a fault when its reader has seen enough', () => {
      const command = `"${process.execPath}" "${cliMain}" rp cat work binary | head -c 10 | wc -c; exit "\${PIPESTATUS[0]}"`;
      const out = execFileSync('bash', ['-c', command], { env: { ...process.env, HOLDFAST_STATE: scratch.state }, encoding: 'utf8' });
      assert.equal(out.trim(), '10');
    });

    it('dumps a tree as a tar archive that another program reads back: files, modes, times, links of both kinds, holes', async () => {
      const sample = path.join(scratch.folder, 'sample');
      makeSampleTree(sample, { seed: testSeed(), withInvalidUtf8: false });
      await createPolicy(scratch, 'sample', [sample]);
      const document = await backUp(scratch, 'sample');
      const { status, stdoutBytes, stderr } = await scratch.cli(['rp', 'dump', 'sample', '--format', 'tar']);
      assert.equal(status, 0, stderr);
      const entries = await readTar(stdoutBytes);
      const listed = await filesOf(scratch, restorePointOf(document));
      assert.equal(entries.size, listed.size);
      const big = entries.get('sizes/big');
      assert.ok(big?.content.equals(readFileSync(path.join(sample, 'sizes/big'))));
      assert.deepEqual(
        [entries.get('links/dangling')?.header.type, entries.get('links/dangling')?.header.linkname],
        ['symlink', 'nowhere at all'],
      );
      const hard = ['links/hard/first', 'links/hard/second', 'links/third'].map((name) => entries.get(name)?.header.type);
      assert.deepEqual([hard.filter((type) => type === 'file').length, hard.filter((type) => type === 'link').length], [1, 2]);
      assert.equal(entries.get('modes/755')?.header.mode, 0o755);
      assert.equal(entries.get(`odd names/line\nbreak`)?.header.type, 'file');
      assert.equal(entries.get('sparse/islands')?.content.length, 40 * 2 ** 20);
    });

    it('dumps what tar unpacks to the same tree', function () {
      const unpacked = mkdtempSync(path.join(scratch.folder, 'unpacked-'));
      const command = `"${process.execPath}" "${cliMain}" rp dump sample --format tar | tar --warning=no-timestamp -xpSf - -C "${unpacked}"`;
      execFileSync('bash', ['-o', 'pipefail', '-c', command], { env: { ...process.env, HOLDFAST_STATE: scratch.state } });
      // A tar archive has whole seconds, and its holes are zeros.
      const { differences } = compareTrees(path.join(scratch.folder, 'sample'), unpacked, {
        mtimePrecision: 1_000_000_000n,
        holes: false,
        top: false,
      });
      assert.deepEqual(differences, []);
    });

    it('dumps a part of a tree', async () => {
      const { stdoutBytes } = await scratch.cli(['rp', 'dump', id(0), 'sub', '--format', 'tar']);
      assert.deepEqual([...(await readTar(stdoutBytes)).keys()], ['sub/stays']);
    });
  });

  describe('diff', () => {
    it('says without OTHER what the restore point changed', async () => {
      assert.deepEqual(await changes(id(1)), {
        added: 'added',
        becomes: 'kind',
        'becomes/inside': 'added',
        file: 'modified',
        goes: 'removed',
        mode: 'metadata',
      });
      assert.deepEqual(await changes(id(2)), { file: 'removed' });
    });

    it('has nothing to compare the first one with, exit 2', async () => {
      await refused(scratch, ['rp', 'diff', id(0)], 2, 'unknownName');
    });

    it('says with OTHER what leads from the one to the other, in both directions', async () => {
      assert.deepEqual((await changes(id(2), id(0)))['added'], 'removed');
      assert.deepEqual((await changes(id(0), id(2)))['added'], 'added');
      assert.deepEqual(await changes(id(1), id(1)), {});
      await refused(scratch, ['rp', 'diff', id(1), 'nobody'], 2, 'unknownName');
      await refused(scratch, ['rp', 'diff', id(1), id(2), '--with-source'], 2, 'usage');
    });

    it('says with --with-source what leads to the sources as they are now', async () => {
      await backUp(scratch, 'work');
      assert.deepEqual(await changes('work', '--with-source'), {});
      writeFileSync(path.join(source, 'new'), '');
      writeFileSync(path.join(source, 'added'), 'ADDED');
      utimesSync(path.join(source, 'mode'), 1, 1);
      renameSync(path.join(source, 'sub', 'stays'), path.join(source, 'sub', 'moved'));
      assert.deepEqual(await changes('work', '--with-source'), {
        added: 'modified',
        mode: 'metadata',
        'sub/stays': 'removed',
        'sub/moved': 'added',
        new: 'added',
      });
      const human = await scratch.cli(['rp', 'diff', 'work', '--with-source']);
      assert.equal(human.stdout.trimEnd().split('\n').length, 5);
    });
  });

  describe('verify', () => {
    it('says that all is well, with and without reading the data, and the list remembers it', async () => {
      const quick = await scratch.json(verifyDocument, ['rp', 'verify', id(1)]);
      const deep = await scratch.json(verifyDocument, ['rp', 'verify', id(1), '--read-data']);
      assert.deepEqual([quick.ok, quick.damaged, deep.ok, deep.damaged], [true, [], true, []]);
      assert.ok(deep.checkedObjects > 0 && deep.checkedBytes > quick.checkedBytes);
      const listed = (await points()).find((point) => point.id === id(1));
      assert.equal(listed?.verified?.result, 'ok');
      const human = await scratch.cli(['rp', 'verify', id(1)]);
      assert.match(human.stdout, /^Restore point [0-9a-f]{8}: all is well/);
    });
  });

  describe('retire, pin and unpin', () => {
    it('takes a restore point off the list once it is said that it shall: --yes', async () => {
      await refused(scratch, ['rp', 'retire', id(0)], 2, 'confirmationNeeded');
      const retired = await scratch.json(restorePointDocument, ['rp', 'retire', id(0), '--yes']);
      assert.deepEqual([retired.id, retired.state], [id(0), 'retired']);
      assert.equal((await idsOf('--policy', 'work')).includes(id(0)), false);
      const all = await points('--policy', 'work', '--include-retired');
      assert.equal(all.find((point) => point.id === id(0))?.state, 'retired');
      await refused(scratch, ['rp', 'retire', id(0), '--yes'], 4, 'refusedByRule');
    });

    it('keeps a pinned one, exit 4, whatever is said, until it is unpinned', async () => {
      assert.equal((await scratch.json(restorePointDocument, ['rp', 'pin', id(1)])).pinned, true);
      await refused(scratch, ['rp', 'retire', id(1)], 4, 'refusedByRule');
      await refused(scratch, ['rp', 'retire', id(1), '--yes'], 4, 'refusedByRule');
      assert.equal((await points()).find((point) => point.id === id(1))?.pinned, true);
      assert.equal((await scratch.json(restorePointDocument, ['rp', 'unpin', id(1)])).pinned, false);
      await scratch.json(restorePointDocument, ['rp', 'retire', id(1), '--yes']);
    });

    it('says what it did in one line', async () => {
      const pinned = await scratch.cli(['rp', 'pin', 'work']);
      assert.match(pinned.stdout, /^Pinned the restore point [0-9a-f]{8} of work/);
      const unpinned = await scratch.cli(['rp', 'unpin', 'work']);
      assert.match(unpinned.stdout, /^Unpinned the restore point [0-9a-f]{8} of work\.\n$/);
      assert.equal((await scratch.cli(['rp', 'pin', 'work', '--quiet'])).stdout, '');
      await scratch.cli(['rp', 'unpin', 'work']);
    });

    it('leaves retired ones out of latest, of POLICY and of file-history', async () => {
      const newest = restorePointOf(await backUp(scratch, 'work'));
      await scratch.json(restorePointDocument, ['rp', 'retire', newest, '--yes']);
      const [left] = await idsOf('--policy', 'work');
      assert.notEqual(left, newest);
      assert.equal((await scratch.json(restorePointDocument, ['rp', 'unpin', 'work'])).id, left);
    });
  });

  describe('file-history', () => {
    let historic: string;
    const made: string[] = [];

    before(async () => {
      historic = path.join(scratch.makeFolder('historic'), 'file');
      await createPolicy(scratch, 'historic', [path.dirname(historic)]);
      const step = async (change: () => void): Promise<void> => {
        change();
        made.push(restorePointOf(await backUp(scratch, 'historic')));
      };
      await step(() => undefined);
      await step(() => writeFileSync(historic, 'a'));
      await step(() => undefined);
      await step(() => writeFileSync(historic, 'bb'));
      await step(() => chmodSync(historic, 0o600));
      await step(() => rmSync(historic));
      await step(() => mkdirSync(historic));
    });

    it('names each version by the first restore point that has it so, newest first', async () => {
      const versions = await scratch.json(z.array(fileVersionDocument), ['file-history', historic]);
      assert.deepEqual(
        versions.map(({ restorePointId, size, change }) => [restorePointId, size, change]),
        [
          [made[6], null, 'added'],
          [made[5], null, 'removed'],
          [made[4], 2, 'metadata'],
          [made[3], 2, 'modified'],
          [made[1], 1, 'added'],
        ],
      );
    });

    it('takes a path from where it was typed, and is a table for people', async () => {
      const { status, stdout } = await scratch.cli(['file-history', 'file'], { cwd: path.dirname(historic) });
      assert.equal(status, 0);
      assert.match(stdout, /^RESTORE POINT +TIME +SIZE +CHANGE\n/);
      assert.equal(stdout.trimEnd().split('\n').length, 6);
    });

    it('is exit 2 for a path that no policy protects, and empty for one that is not there', async () => {
      await refused(scratch, ['file-history', '/nowhere/at/all'], 2, 'unknownName');
      assert.deepEqual(await scratch.json(z.array(fileVersionDocument), ['file-history', `${historic}-not`]), []);
    });
  });

  describe('action', () => {
    it('lists what ran, newest first, and shows each with the document of its verb', async () => {
      const { actionId } = await scratch.json(startedDocument, ['rp', 'verify', 'work', '--no-wait']);
      assert.equal((await scratch.cli(['action', 'show', actionId, '--follow'])).status, 0);
      const [newest, ...others] = await scratch.json(z.array(actionDocument), ['action', 'list']);
      assert.deepEqual([newest?.actionId, newest?.kind, newest?.state], [actionId, 'verify', 'complete']);
      assert.ok(others.length > 10);
      for (const { queuedAt, startedAt, finishedAt } of others)
        assert.ok(queuedAt <= (startedAt ?? '') && (startedAt ?? '') <= (finishedAt ?? ''));
      assert.equal((await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '3'])).length, 3);
      const shown = await scratch.json(actionDocument, ['action', 'show', actionId]);
      verifyDocument.parse(shown['result']);
    });

    it('prints with --follow --json a line for every state, the end last, and exits as the action did', async () => {
      const { actionId } = await scratch.json(startedDocument, ['backup', 'work', '--no-wait']);
      const { status, stdout } = await scratch.cli(['action', 'show', actionId, '--follow', '--json']);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => actionDocument.parse(JSON.parse(line)));
      assert.deepEqual([status, lines.at(-1)?.state], [0, 'complete']);
    });

    it('is for people a table and a list of facts', async () => {
      const { stdout } = await scratch.cli(['action', 'list']);
      assert.match(stdout, /^ID +KIND +SUBJECT +STATE +STARTED\n/);
      const [newest] = await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '1']);
      const shown = await scratch.cli(['action', 'show', newest?.actionId ?? '']);
      assert.match(shown.stdout, new RegExp(newest?.actionId ?? '?'));
    });

    it('answers a cancel of what has ended with what it was, and of what is unknown with exit 2', async () => {
      const [newest] = await scratch.json(z.array(actionDocument), ['action', 'list', '--limit', '1']);
      const cancelled = await scratch.json(actionDocument, ['action', 'cancel', newest?.actionId ?? '']);
      assert.equal(cancelled.state, 'complete');
      await refused(scratch, ['action', 'show', 'ffffffff'], 2, 'unknownName');
      await refused(scratch, ['action', 'cancel', 'ffffffff'], 2, 'unknownName');
    });
  });
});
