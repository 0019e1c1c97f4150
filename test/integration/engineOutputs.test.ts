import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupJob, BackupSource, CommandSource, EngineProgress, OutputSink } from '../../daemon/engine/jobs.ts';
import { outputPipeLength } from '../../daemon/engine/threads/outputPipe.ts';
import { sealedBufferLength } from '../../daemon/engine/threads/sealedBuffers.ts';
import { sealedBufferCount } from '../../daemon/engine/threads/threadCounts.ts';
import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import { keySourceOf } from '../../daemon/repository/keySource.ts';
import { RestorePointReader } from '../../daemon/repository/restorePointReader.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { SourceId } from '../../protocol/ids.ts';
import { EngineBench, temporaryNames } from '../support/engineBench.ts';
import { newId } from '../support/ids.ts';

const whole = null;

const jobOf = (...sources: readonly BackupSource[]): Partial<BackupJob> => ({ sources });

/** Bytes that no compressor shortens; the same number gives the same. */
function noise(number: number, length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, number), Buffer.alloc(16)).update(Buffer.alloc(length));
}

function command(
  label: string,
  print: (output: OutputSink, signal: AbortSignal) => Promise<string | null>,
  id: SourceId = newId<SourceId>(),
): CommandSource {
  return { id, kind: 'command', label, run: print };
}

/** Prints pieces of these lengths, waiting wherever it is asked to. */
function printing(bytes: Uint8Array, pieceLength: number, problem: string | null = whole): CommandSource['run'] {
  return async (output) => {
    for (let at = 0; at < bytes.length; at += pieceLength) await output(bytes.subarray(at, at + pieceLength));
    return problem;
  };
}

/** Counts, and tells who waits for it. */
class Tally {
  count = 0;
  hasEnded = false;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  add(more: number): void {
    this.count += more;
    this.#tell();
  }

  end(): void {
    this.hasEnded = true;
    this.#tell();
  }

  async until(isReached: () => boolean): Promise<void> {
    while (!isReached()) await this.#changed.promise;
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

async function content(bench: EngineBench, sourceId: SourceId): Promise<Buffer> {
  const reader = await RestorePointReader.open(bench.store, bench.last.manifest.key, keySourceOf(bench.keys));
  const source = reader.manifest.sources.find(({ id }) => id === sourceId);
  assert.ok(source !== undefined);
  const entry = await reader.rootOf(source);
  assert.equal(entry.kind, 'stream');
  const pieces: Uint8Array[] = [];
  for await (const piece of reader.readFile(entry)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('what commands print, as sources', () => {
  it('stores an output of any length and of any bytes, in pieces as they come', async () => {
    using bench = new EngineBench();
    for (const [length, piece] of [
      [0, 1],
      [1, 1],
      [70_000, 65_536],
      [9_000_000, 65_536],
      [9_000_000, 5_000_001],
      [9_000_000, 9_000_000],
    ] as const) {
      const bytes = noise(length % 251, length);
      const source = command('dump', printing(bytes, piece));
      const result = await bench.backup(jobOf(source));
      assert.ok((await content(bench, source.id)).equals(bytes), `${length} in pieces of ${piece}`);
      assert.deepEqual([result.statistics.files, result.statistics.bytes, result.hasWarnings], [1, length, false]);
    }
  });

  it('stores an output that has more chunks than an entry names', async () => {
    using bench = new EngineBench();
    const bytes = noise(3, 110_000_000);
    const source = command('dump', printing(bytes, 1 << 20));
    await bench.backup(jobOf(source));
    assert.ok((await content(bench, source.id)).equals(bytes));
  });

  it('adds nothing but names for an output that is stored already', async () => {
    using bench = new EngineBench();
    const bytes = noise(4, 20_000_000);
    const id = newId<SourceId>();
    await bench.backup(jobOf(command('dump', printing(bytes, 60_000), id)));
    const again = await bench.backup(jobOf(command('dump', printing(bytes, 7_777_777), id)));
    assert.equal(again.statistics.dedupBytes, bytes.length);
    assert.ok(again.statistics.addedBytes < 500_000, String(again.statistics.addedBytes));
  });

  it('takes the same bytes in a file and in an output for the same', async () => {
    using bench = new EngineBench();
    const bytes = noise(5, 5_000_000);
    writeFileSync(join(bench.source, 'file'), bytes);
    const result = await bench.backup(jobOf(bench.sourceOf(), command('dump', printing(bytes, 65_536))));
    assert.equal(result.statistics.dedupBytes, bytes.length);
  });

  it('records it as a source of its kind, and restores it under the name that is asked for', async () => {
    using bench = new EngineBench();
    const before = Date.now();
    const source = command('db.sql', printing(Buffer.from('CREATE'), 3));
    await bench.backup(jobOf(source));
    const { sources } = await bench.manifest();
    assert.deepEqual(
      sources.map(({ kind, label, separator, nameEncoding }) => ({ kind, label, separator, nameEncoding })),
      [{ kind: 'command', label: 'db.sql', separator: '/', nameEncoding: 'bytes' }],
    );
    const target = bench.target();
    const restored = await bench.restore(target, { targets: [{ sourceId: source.id, folder: target, name: 'db.sql' }] });
    assert.deepEqual([restored.files, restored.bytes, restored.damaged], [1, 6, []]);
    assert.equal(readFileSync(join(target, 'db.sql'), 'utf8'), 'CREATE');
    const facts = statSync(join(target, 'db.sql'));
    assert.equal(facts.mode & 0o777, 0o600);
    assert.ok(facts.mtimeMs >= before - 1 && facts.mtimeMs <= Date.now() + 1);
    assert.deepEqual(temporaryNames(target), []);
  });

  it('restores several into one folder, beside the folders of other sources, and into no folder that holds something already', async () => {
    using bench = new EngineBench();
    writeFileSync(join(bench.source, 'file'), 'x');
    const [first, second] = [command('a', printing(Buffer.from('A'), 1)), command('b', printing(Buffer.from('B'), 1))];
    await bench.backup(jobOf(bench.sourceOf(), first, second));
    const target = bench.target();
    const targets = [
      { sourceId: bench.sourceId, folder: join(target, 'source') },
      { sourceId: first.id, folder: target, name: 'a' },
      { sourceId: second.id, folder: target, name: 'b' },
    ];
    const restored = await bench.restore(target, { targets });
    assert.deepEqual([restored.files, restored.damaged, restored.skipped], [3, [], []]);
    assert.equal(['a', 'b', 'source/file'].map((name) => readFileSync(join(target, name), 'utf8')).join(''), 'ABx');
    await assert.rejects(bench.restore(target, { targets: targets.slice(1) }), { code: 'targetNotEmpty' });
  });

  it('keeps nothing of an output whose command failed, names it, and keeps the other sources', async () => {
    using bench = new EngineBench();
    writeFileSync(join(bench.source, 'file'), 'kept');
    const good = command('good', printing(Buffer.from('good'), 4));
    const bad = command('bad', printing(noise(6, 40_000_000), 1 << 20, 'it ended with status 3'));
    const result = await bench.backup(jobOf(bench.sourceOf(), bad, good));
    assert.deepEqual(
      result.roots.map(({ sourceId }) => sourceId),
      [bench.sourceId, good.id],
    );
    assert.deepEqual(result.skipped, [{ path: 'bad', reason: 'its command failed: it ended with status 3', special: false }]);
    assert.deepEqual([result.hasWarnings, result.statistics.files, result.statistics.bytes], [true, 2, 8]);
    // What it had printed is stored, and not counted again where it comes once more.
    const again = await bench.backup(jobOf(command('bad', printing(noise(6, 40_000_000), 1 << 20), bad.id)));
    assert.ok(again.statistics.addedBytes < 5_000_000, String(again.statistics.addedBytes));
    assert.ok((await content(bench, bad.id)).equals(noise(6, 40_000_000)));
  });

  it('makes no restore point where every command failed', async () => {
    using bench = new EngineBench();
    const error = await bench.failingBackup(jobOf(command('dump', async () => 'it ended with status 1')));
    assert.deepEqual([error.code, error.message], ['commandFailed', 'Failed to back up dump: its command failed: it ended with status 1.']);
    const both = await bench.failingBackup(
      jobOf(
        command('a', async () => 'x'),
        command('b', async () => 'y'),
      ),
    );
    assert.equal(both.message, 'Failed to back up a, b: all of its commands failed.');
    const folder = { ...bench.sourceOf(), path: join(bench.root, 'gone'), label: 'gone' };
    assert.equal(
      (
        await bench.failingBackup(
          jobOf(
            folder,
            command('a', async () => 'x'),
          ),
        )
      ).code,
      'sourceMissing',
    );
  });

  it('lets a command go on no faster than its output can be stored', async () => {
    using bench = new EngineBench();
    const { store } = bench;
    const printed = new Tally();
    let stored = 0;
    // It takes nothing before the command has printed what fits into the sealed buffers; one that is not held back goes on in the turns after that.
    const slow: ObjectStore = {
      storeId: store.storeId,
      capabilities: store.capabilities,
      head: (key, options) => store.head(key, options),
      get: (key, options) => store.get(key, options),
      list: (prefix, options) => store.list(prefix, options),
      delete: (key, versionId, options) => store.delete(key, versionId, options),
      put: async (key, body, options) => {
        await printed.until(() => printed.hasEnded || printed.count - stored >= sealedBufferLength * sealedBufferCount);
        for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
        const result = await store.put(key, body, options);
        stored += body.length;
        return result;
      },
    };
    let mostOnItsWay = 0;
    const source = command('dump', async (output) => {
      for (let number = 0; number < 240; number += 1) {
        await output(noise(number, 1 << 20));
        printed.add(1 << 20);
        mostOnItsWay = Math.max(mostOnItsWay, printed.count - stored);
      }
      printed.end();
      return whole;
    });
    const { statistics } = await bench.backup({ ...jobOf(source), store: slow });
    // An open pack, those in sealed buffers, and the pipe.
    const room = sealedBufferLength * (1 + sealedBufferCount) + outputPipeLength;
    assert.ok(mostOnItsWay <= room + 8 * 2 ** 20, `${mostOnItsWay} bytes`);
    assert.equal(statistics.bytes, printed.count);
  });

  it('ends the command and waits for its end when the run is cancelled', async () => {
    using bench = new EngineBench();
    const stop = new AbortController();
    let hasEnded = false;
    const source = command('dump', async (output, signal) => {
      await output(Buffer.from('half'));
      stop.abort(new HoldfastError('cancelled', 'Cancelled.'));
      assert.ok(signal.aborted);
      await new Promise(setImmediate);
      hasEnded = true;
      return 'it was cancelled';
    });
    const error = await bench.failingBackup({ ...jobOf(source), signal: stop.signal });
    assert.deepEqual([error.code, hasEnded], ['cancelled', true]);
  });

  it('ends the command when something else stops the run', async () => {
    using bench = new EngineBench();
    const failing = Promise.withResolvers<void>();
    const source = command('dump', async (output, signal) => {
      signal.addEventListener('abort', () => failing.resolve());
      for (let number = 0; !signal.aborted; number += 1) await Promise.race([output(noise(number % 251, 1 << 20)), failing.promise]);
      return 'it was cancelled';
    });
    const ledger = {
      uploading: () => Promise.reject(new HoldfastError('storeFull', 'Failed to put a pack: the disk is full.')),
      uploaded: async () => undefined,
      hits: async () => undefined,
    };
    const error = await bench.failingBackup({ ...jobOf(source), ledger });
    assert.equal(error.code, 'storeFull');
  });

  it('runs no command in a dry run, and says so', async () => {
    using bench = new EngineBench();
    let runs = 0;
    const source = command('dump', async () => {
      runs += 1;
      return whole;
    });
    const alone = await bench.backup({ ...jobOf(source), dryRun: true });
    assert.deepEqual([runs, alone.hasWarnings, alone.skippedCount], [0, false, 1]);
    assert.deepEqual(alone.skipped, [{ path: 'dump', reason: 'a dry run runs no commands', special: true }]);
  });

  it('says by its phase which command runs', async () => {
    using bench = new EngineBench();
    mkdirSync(join(bench.source, 'folder'));
    const seen: EngineProgress[] = [];
    let during: EngineProgress | undefined;
    const source = command('db.sql', async (output) => {
      during = seen.at(-1);
      await output(Buffer.from('x'));
      return whole;
    });
    await bench.backup({ ...jobOf(bench.sourceOf(), source), onProgress: (progress) => void seen.push(progress) });
    assert.equal(during?.phase, 'command db.sql');
    assert.equal(during?.totalBytes, undefined);
    assert.notEqual(seen.at(-1)?.phase, 'command db.sql');
  });
});
