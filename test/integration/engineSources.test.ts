import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { runBackup } from '../../daemon/engine/backup/backup.ts';
import type { BackupResult } from '../../daemon/engine/jobs.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { EngineBench, testThreads } from '../support/engineBench.ts';
import { SeededRandom } from '../support/random.ts';

/** Backs up, and calls `change` when the walk has seen all files of a small source and no worker has read one yet. */
async function backupChanging(bench: EngineBench, change: () => void): Promise<BackupResult> {
  let threads = 0;
  const result = await runBackup(bench.job(), {
    ...testThreads,
    get workerUrl() {
      threads += 1;
      // The first thread is the walker's; the next are asked for by its first batch.
      if (threads === 2) change();
      return testThreads.workerUrl;
    },
  });
  bench.results.push(result);
  return result;
}

/** Whether the busy writer left a file so at any one time: pieces of one version, then pieces of the version before. */
function isOneMoment(bytes: Buffer, length: number): boolean {
  const versions: (number | undefined)[] = [];
  for (let at = 0; at < bytes.length; at += busyPiece) {
    const piece = bytes.subarray(at, at + busyPiece);
    if (!piece.equals(Buffer.alloc(piece.length, piece[0]))) return false;
    if (piece[0] !== versions.at(-1)) versions.push(piece[0]);
  }
  const [newer = 0, older = 0] = versions;
  return bytes.length === length && (versions.length === 1 || (versions.length === 2 && newer === (older + 1) % busyVersions));
}

const busyPiece = 50_000;
const busyVersions = 251;
const isRoot = process.getuid?.() === 0;

describe('a source that changes while it is read', () => {
  it('X9: files that grew, shrank or were written anew are stored as they are now; what vanished or is no file any more is named', async () => {
    using bench = new EngineBench();
    const at = (name: string): string => join(bench.source, name);
    for (const name of [
      'grows',
      'shrinks',
      'written anew',
      'replaced',
      'vanishes',
      'to fifo',
      'to link',
      'to folder',
      'emptied',
      'stays',
    ]) {
      writeFileSync(at(name), `${name} as it was`);
    }
    writeFileSync(join(bench.root, 'secret'), 'not of the source');
    const result = await backupChanging(bench, () => {
      appendFileSync(at('grows'), ' and more');
      truncateSync(at('shrinks'), 3);
      writeFileSync(at('written anew'), 'WRITTEN ANEW AS IT IS');
      writeFileSync(join(bench.root, 'other'), 'another file');
      renameSync(join(bench.root, 'other'), at('replaced'));
      truncateSync(at('emptied'), 0);
      for (const name of ['vanishes', 'to fifo', 'to link', 'to folder']) rmSync(at(name));
      execFileSync('mkfifo', [at('to fifo')]);
      symlinkSync(join(bench.root, 'secret'), at('to link'));
      mkdirSync(at('to folder'));
    });
    assert.equal(result.hasWarnings, true);
    const named = [...result.skipped.map(({ path }) => path), ...result.warnings].join('\n');
    for (const name of ['vanishes', 'to fifo', 'to link', 'to folder']) assert.match(named, new RegExp(`source/${name}\\b`));
    assert.equal(result.skipped.length + result.warnings.length, 4);
    assert.match(result.skipped.find(({ path }) => path.endsWith('fifo'))?.reason ?? '', /something that is no file/);
    const target = bench.target();
    const restored = await bench.restore(target);
    assert.deepEqual([restored.damaged, restored.skipped], [[], []]);
    const found = Object.fromEntries(readdirSync(target).map((name) => [name, readFileSync(join(target, name), 'utf8')]));
    assert.deepEqual(found, {
      emptied: '',
      grows: 'grows as it was and more',
      replaced: 'another file',
      shrinks: 'shr',
      stays: 'stays as it was',
      'written anew': 'WRITTEN ANEW AS IT IS',
    });
  });

  it('X9: a big file that shrinks under its readers is named, and comes back as long as what was read of it', async function () {
    this.timeout(60_000);
    using bench = new EngineBench();
    const path = join(bench.source, 'big');
    // Real data, above the size that is read in parts.
    const piece = Buffer.alloc(8 * 2 ** 20, 'some text that compresses well\n');
    const handle = openSync(path, 'w');
    for (let index = 0; index < 9; index += 1) writeSync(handle, piece);
    closeSync(handle);
    const result = await backupChanging(bench, () => truncateSync(path, 66 * 2 ** 20));
    assert.match(result.warnings.join(), /big changed while it was read/);
    const target = bench.target();
    const restored = await bench.restore(target);
    assert.deepEqual(restored.damaged, []);
    assert.equal(readFileSync(join(target, 'big')).length, 66 * 2 ** 20);
  });

  it('X9: a file that never rests is whole or named as changed, never torn and silent', async function () {
    this.timeout(60_000);
    using bench = new EngineBench();
    const names = Array.from({ length: 6 }, (_, index) => `busy ${index}`);
    const length = 3_000_000;
    for (const name of names) writeFileSync(join(bench.source, name), Buffer.alloc(length));
    const writer = new Worker(
      `const { openSync, writeSync } = require('node:fs');
       const { workerData, parentPort } = require('node:worker_threads');
       let isOver = false;
       parentPort.on('message', () => { isOver = true; });
       const handles = workerData.paths.map((path) => openSync(path, 'r+'));
       let version = 1;
       const round = () => {
         if (isOver) { parentPort.close(); return; }
         const bytes = Buffer.alloc(${busyPiece}, version % ${busyVersions});
         for (const handle of handles) for (let at = 0; at < ${length}; at += bytes.length) writeSync(handle, bytes, 0, bytes.length, at);
         version += 1;
         setImmediate(round);
       };
       round();`,
      { eval: true, workerData: { paths: names.map((name) => join(bench.source, name)) } },
    );
    try {
      for (let run = 0; run < 2; run += 1) {
        const result = await bench.backup();
        const target = bench.target();
        assert.deepEqual((await bench.restore(target)).damaged, []);
        for (const name of names) {
          const bytes = readFileSync(join(target, name));
          if (!isOneMoment(bytes, length)) assert.match(result.warnings.join('\n'), new RegExp(`${name} changed while it was read`));
        }
      }
    } finally {
      writer.postMessage('end', []);
      await new Promise((resolve) => writer.once('exit', resolve));
    }
  });

  it('X9: a file that was changed within the last moments is read again by the next run, whatever its times say', async () => {
    using bench = new EngineBench();
    const path = join(bench.source, 'file');
    writeFileSync(path, 'one');
    await bench.backup();
    writeFileSync(path, 'two');
    const second = await bench.backup();
    assert.equal(second.statistics.unchangedFiles, 0);
    const target = bench.target();
    await bench.restore(target);
    assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'two');
  });
});

describe('odd sources', () => {
  it('X9: FIFOs, sockets and devices are recorded and named, and are no warning', async () => {
    using bench = new EngineBench();
    writeFileSync(join(bench.source, 'file'), 'x');
    execFileSync('mkfifo', [join(bench.source, 'fifo')]);
    const server = createServer().listen(join(bench.source, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const result = await bench.backup();
      assert.equal(result.hasWarnings, false);
      assert.deepEqual(
        result.skipped.map(({ path, reason, special }) => [path.slice(bench.source.length + 1), reason, special]),
        [
          ['fifo', 'it is a FIFO', true],
          ['socket', 'it is a socket', true],
        ],
      );
      const target = bench.target();
      const restored = await bench.restore(target);
      assert.deepEqual([readdirSync(target), restored.skipped.map(({ special }) => special)], [['file'], [true, true]]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('X9: what this user can not read is named as a warning, and the rest is stored', async () => {
    using bench = new EngineBench();
    writeFileSync(join(bench.source, 'shut'), 'x', { mode: 0 });
    mkdirSync(join(bench.source, 'shut folder'), { mode: 0 });
    writeFileSync(join(bench.source, 'open'), 'y');
    const result = await bench.backup();
    // Nothing is shut for root.
    assert.deepEqual([result.skipped.length, result.hasWarnings], isRoot ? [0, false] : [2, true]);
    const target = bench.target();
    await bench.restore(target);
    assert.equal(readFileSync(join(target, 'open'), 'utf8'), 'y');
    assert.equal(existsSync(join(target, 'shut')), isRoot);
  });

  it('leave out folders that are never entered, tagged caches and files that are too large, as the policy says', async () => {
    using bench = new EngineBench();
    for (const folder of ['store', 'tagged', 'false tag']) mkdirSync(join(bench.source, folder));
    writeFileSync(join(bench.source, 'store', 'x'), 'x');
    writeFileSync(join(bench.source, 'tagged', 'CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55\n');
    writeFileSync(join(bench.source, 'tagged', 'x'), 'x');
    writeFileSync(join(bench.source, 'false tag', 'CACHEDIR.TAG'), 'nothing');
    writeFileSync(join(bench.source, 'false tag', 'x'), 'x');
    writeFileSync(join(bench.source, 'large'), 'x'.repeat(2000));
    const result = await bench.backup(
      { alwaysExclude: [join(bench.source, 'store'), '/nowhere'] },
      { includeCaches: false, maxFileSize: 1000 },
    );
    const target = bench.target();
    await bench.restore(target);
    const left = readdirSync(target, { recursive: true, encoding: 'utf8' }).toSorted();
    assert.deepEqual(left, ['false tag', 'false tag/CACHEDIR.TAG', 'false tag/x', 'tagged', 'tagged/CACHEDIR.TAG']);
    assert.equal(result.skippedCount, 1);
    await bench.backup({}, { includeCaches: true });
    const second = bench.target();
    await bench.restore(second);
    assert.equal(existsSync(join(second, 'tagged', 'x')), true);
  });

  it('come back as they were, whatever random tree it is', async function () {
    this.timeout(60_000);
    const name = fc
      .string({
        minLength: 1,
        maxLength: 8,
        unit: fc
          .integer({ min: 1, max: 255 })
          .filter((byte) => byte !== 0x2f)
          .map((byte) => String.fromCharCode(byte)),
      })
      .filter((text) => text !== '.' && text !== '..');
    const leaf = fc.record({
      kind: fc.constantFrom('file', 'link', 'sparse', 'hard'),
      size: fc.constantFrom(0, 1, 5000, 131_072, 700_000),
      mode: fc.constantFrom(0o600, 0o644, 0o755),
      time: fc.integer({ min: 1, max: 2e9 }),
    });
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.dictionary(name, fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie('tree')), { maxKeys: 5 }),
    }));
    await fc.assert(
      fc.asyncProperty(tree, fc.integer(), async (nodes, seed) => {
        using bench = new EngineBench();
        make(Buffer.from(bench.source), nodes, new SeededRandom(seed), { last: undefined });
        const result = await bench.backup();
        assert.deepEqual([result.skipped, result.warnings], [[], []]);
        const target = bench.target();
        const restored = await bench.restore(target);
        assert.deepEqual([restored.skipped, restored.damaged, restored.warnings], [[], [], []]);
        assert.deepEqual(compareTrees(bench.source, target).differences, []);
      }),
      { numRuns: 8 },
    );
  });
});

interface Leaf {
  readonly kind: string;
  readonly size: number;
  readonly mode: number;
  readonly time: number;
}
type Tree = { readonly [name: string]: Leaf | Tree };

function isLeaf(node: Leaf | Tree): node is Leaf {
  return typeof node['kind'] === 'string';
}

function make(folder: Buffer, tree: Tree, random: SeededRandom, made: { last: Buffer | undefined }): void {
  for (const [name, node] of Object.entries(tree)) {
    const path = Buffer.concat([folder, Buffer.from('/'), Buffer.from(name, 'latin1')]);
    if (!isLeaf(node)) {
      mkdirSync(path);
      make(path, node, random, made);
    } else if (node.kind === 'link') {
      symlinkSync(`to ${node.size}`, path);
    } else if (node.kind === 'hard' && made.last !== undefined) {
      linkSync(made.last, path);
    } else {
      const handle = openSync(path, 'w', node.mode);
      if (node.kind === 'sparse') ftruncateSync(handle, node.size * 3);
      writeSync(handle, random.bytes(node.size), 0, node.size, node.kind === 'sparse' ? node.size : 0);
      closeSync(handle);
      utimesSync(path, node.time, node.time);
      made.last = path;
    }
  }
}
