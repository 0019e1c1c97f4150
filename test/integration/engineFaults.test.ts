import assert from 'node:assert/strict';
import { closeSync, existsSync, ftruncateSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupJob, BackupResult } from '../../daemon/engine/jobs.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { CountingStore } from '../support/countingStore.ts';
import { EngineBench } from '../support/engineBench.ts';
import { type Effect, FaultyStore } from '../support/faultyStore.ts';
import { MemoryStore } from '../support/memoryStore.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';

/** What the catalog would know: the length of every object that was put, so that a hit is looked at as an upload is. */
function lengthKeeping(bench: EngineBench, lengths: Map<string, number>): Partial<BackupJob> {
  return {
    ledger: {
      uploading: async ({ key, length }) => void lengths.set(key, length),
      uploaded: async () => undefined,
      hits: async (packs) => {
        const gone: string[] = [];
        for (const id of packs) {
          const hex = Buffer.from(id).toString('hex');
          const key = [...lengths.keys()].find((one) => one.endsWith(hex)) ?? '';
          if ((await bench.store.head(key))?.size !== lengths.get(key)) gone.push(hex);
        }
        if (gone.length > 0) throw new HoldfastError('objectMissing', 'Failed to rely on packs.', { details: { packs: gone } });
      },
    },
  };
}

/** The next run of a policy, as the daemon makes it: once more without the packs that turn out to be gone. */
async function nextRun(bench: EngineBench, lengths: Map<string, number>): Promise<BackupResult> {
  const parentIndexes = bench.parentIndexes;
  try {
    return await bench.backup(lengthKeeping(bench, lengths));
  } catch (error) {
    const packs = HoldfastError.is(error, 'objectMissing') ? error.details?.['packs'] : undefined;
    if (!Array.isArray(packs)) throw error;
    bench.parentIndexes = parentIndexes;
    bench.nextIndexSequence += 10;
    return await bench.backup({ ...lengthKeeping(bench, lengths), unusablePacks: packs.map((pack) => Buffer.from(String(pack), 'hex')) });
  }
}

describe('a store that fails while a backup puts', () => {
  for (const effect of ['fail', 'lostAnswer', 'truncated'] as const satisfies readonly Effect[]) {
    it(`S3 S5: (${effect}) at each put leaves no half restore point, and the next run goes on with what is there`, async function () {
      this.timeout(60_000);
      for (let call = 1; ; call += 1) {
        const inner = new MemoryStore();
        using bench = new EngineBench(inner);
        const random = new SeededRandom(testSeed());
        writeFileSync(join(bench.source, 'data'), random.bytes(300_000));
        writeFileSync(join(bench.source, 'text'), random.text(50_000));
        const lengths = new Map<string, number>();
        const store = new FaultyStore(inner, [{ verb: 'put', effect, atCall: call }], testSeed());
        const job = { ...lengthKeeping(bench, lengths), store };
        if (store.hits === 0 && call > 4) break;
        const error = await bench.failingBackup(job);
        assert.equal(error.code, effect === 'truncated' ? 'objectMissing' : 'storeFailed');
        const manifests = inner.keys().filter((key) => key.includes('/restore-points/'));
        const isManifestPut = call === 4 && effect !== 'fail';
        assert.equal(manifests.length, isManifestPut ? 1 : 0, `put ${call}`);
        const result = await nextRun(bench, lengths);
        const target = bench.target();
        const restored = await bench.restore(target);
        assert.deepEqual([restored.damaged, compareTrees(bench.source, target).differences], [[], []], `put ${call}`);
        // What came through and is named by the index of the stopped run is not put a second time.
        if (call === 4) assert.equal(result.statistics.storedBytes, 0);
      }
    });
  }

  it('X4: a full store stops the run with its own error, before and behind a pack', async () => {
    for (const call of [1, 3]) {
      using bench = new EngineBench();
      writeFileSync(join(bench.source, 'data'), new SeededRandom(call).bytes(100_000));
      const store = new FaultyStore(bench.store, [{ verb: 'put', effect: 'fail', code: 'storeFull', fromCall: call }]);
      const error = await bench.failingBackup({ store });
      assert.deepEqual([error.code, error.details], ['storeFull', undefined]);
      assert.equal((await bench.backup()).hasWarnings, false);
    }
  });

  it('a gate that refuses before the manifest leaves none, and its details reach the caller', async () => {
    const store = new MemoryStore();
    using bench = new EngineBench(store);
    writeFileSync(join(bench.source, 'data'), 'x');
    const error = await bench.failingBackup({
      gate: async () => {
        throw new HoldfastError('objectMissing', 'Failed to commit.', { details: { packs: ['one'] }, fix: 'Again.' });
      },
    });
    assert.deepEqual(
      [error.code, error.message, error.details, error.fix],
      ['objectMissing', 'Failed to commit.', { packs: ['one'] }, 'Again.'],
    );
    assert.deepEqual(
      store.keys().filter((key) => key.includes('/restore-points/')),
      [],
    );
  });
});

/** Ports and threads of this process that are open. */
const openPorts = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

describe('a cancelled run', () => {
  it('of a backup ends at any call of store, ledger and gate, lists nothing, ends its threads, and the next one goes on', async function () {
    this.timeout(60_000);
    const before = openPorts();
    const steps: string[] = [];
    for (let step = 1; ; step += 1) {
      const inner = new MemoryStore();
      using bench = new EngineBench(inner);
      writeFileSync(join(bench.source, 'data'), new SeededRandom(testSeed()).bytes(200_000));
      const cancel = new AbortController();
      let at = 0;
      const pass = (what: string): void => {
        at += 1;
        if (at !== step) return;
        steps.push(what);
        cancel.abort();
      };
      const store = new CountingStore(inner, ({ verb }) => {
        if (verb === 'put') pass('put');
      });
      const error = await bench
        .backup({
          store,
          signal: cancel.signal,
          ledger: { uploading: async () => pass('uploading'), uploaded: async () => pass('uploaded'), hits: async () => undefined },
          gate: async () => pass('gate'),
        })
        .then(
          () => undefined,
          (reason: unknown) => reason,
        );
      if (steps.length < step) break;
      const manifests = inner.keys().filter((key) => key.includes('/restore-points/')).length;
      // Once the manifest is in the store the restore point is whole, and a cancel comes too late.
      if (manifests === 0) assert.ok(HoldfastError.is(error, 'cancelled'), `${steps.at(-1)} ${step}: ${String(error)}`);
      else assert.deepEqual([error, steps.filter((what) => what === 'put').length], [undefined, 4]);
      bench.parentIndexes = [];
      await bench.backup({ nextIndexSequence: 100 });
      if (step % 4 !== 0) continue;
      const target = bench.target();
      await bench.restore(target);
      assert.deepEqual(compareTrees(bench.source, target).differences, []);
    }
    assert.equal(steps.length >= 12, true, steps.join());
    assert.equal(openPorts(), before);
  });

  it('of a backup ends in the middle of a file that takes minutes to read', async () => {
    using bench = new EngineBench();
    const file = openSync(join(bench.source, 'huge'), 'w');
    ftruncateSync(file, 2 ** 42);
    closeSync(file);
    const cancel = new AbortController();
    const error = await bench.failingBackup({
      signal: cancel.signal,
      onProgress: ({ phase }) => {
        if (phase === 'reading') cancel.abort();
      },
    });
    assert.equal(error.code, 'cancelled');
  });

  it('of a restore ends at any read of the store, and leaves whole files under their names and nothing else', async function () {
    this.timeout(60_000);
    using bench = new EngineBench();
    const random = new SeededRandom(testSeed());
    const files = new Map<string, Uint8Array>();
    for (let index = 0; index < 8; index += 1) {
      const bytes = random.bytes(index === 0 ? 3_000_000 : 20_000);
      files.set(`file ${index}`, bytes);
      writeFileSync(join(bench.source, `file ${index}`), bytes);
    }
    await bench.backup();
    const before = openPorts();
    for (let call = 1; ; call += 1) {
      const cancel = new AbortController();
      const store = new CountingStore(bench.store, (_call, index) => {
        if (index + 1 === call) cancel.abort();
      });
      const target = bench.target();
      const error = await bench.restore(target, { store, signal: cancel.signal }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (store.calls.length < call) break;
      assert.ok(HoldfastError.is(error, 'cancelled'), `call ${call}: ${String(error)}`);
      if (!existsSync(target)) continue;
      for (const name of readdirSync(target)) assert.ok(readFileSync(join(target, name)).equals(files.get(name) ?? Buffer.alloc(0)), name);
    }
    assert.equal(openPorts(), before);
  });

  it('that is cancelled before it begins does nothing', async () => {
    using bench = new EngineBench();
    const store = new CountingStore(bench.store);
    const signal = AbortSignal.abort(new HoldfastError('cancelled', 'Failed to back up: it was cancelled.'));
    await assert.rejects(bench.backup({ store, signal }), (error) => HoldfastError.is(error, 'cancelled'));
    assert.equal(store.calls.length, 0);
  });
});
