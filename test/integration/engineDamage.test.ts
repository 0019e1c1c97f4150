import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RestoreResult } from '../../daemon/engine/jobs.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { CountingStore } from '../support/countingStore.ts';
import { EngineBench, temporaryNames } from '../support/engineBench.ts';
import { FaultyStore, type Effect } from '../support/faultyStore.ts';
import { MemoryStore } from '../support/memoryStore.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';

/** Files over several runs, so that they lie in several packs. */
async function threeRuns(bench: EngineBench): Promise<ReadonlyMap<string, Uint8Array>> {
  const random = new SeededRandom(testSeed());
  const files = new Map<string, Uint8Array>();
  for (let run = 0; run < 3; run += 1) {
    for (let index = 0; index < 6; index += 1) {
      const bytes = index === 0 ? random.bytes(2_500_000) : random.text(random.between(1, 20_000));
      files.set(`file ${run} ${index}`, bytes);
      writeFileSync(join(bench.source, `file ${run} ${index}`), bytes);
    }
    await bench.backup();
  }
  return files;
}

/** Every file is there as it was, or is named and not there. Returns the names of those that are not. */
function assertWholeOrNamed(files: ReadonlyMap<string, Uint8Array>, target: string, result: RestoreResult): string[] {
  const named = new Set([...result.damaged, ...result.skipped].map(({ path }) => path));
  const isFolderDamaged = named.has('.') || result.damaged.some(({ path }) => path.startsWith('/'));
  const missing: string[] = [];
  for (const [name, bytes] of files) {
    const path = join(target, name);
    if (existsSync(path)) {
      assert.ok(readFileSync(path).equals(bytes), `${name} came back with other bytes`);
      assert.equal(named.has(name), false, name);
    } else {
      missing.push(name);
      assert.ok(named.has(name) || isFolderDamaged, `${name} is missing and not named`);
    }
  }
  assert.deepEqual(temporaryNames(target), []);
  return missing;
}

const flip = (at: number) => (bytes: Uint8Array) => bytes.map((byte, index) => (index === at % bytes.length ? byte ^ 0x10 : byte));
const segment = 131_072 + 16;
const sizeOf = (store: MemoryStore, key: string): number => store.objects.get(key)?.at(-1)?.body?.length ?? 0;
const packsBySize = (store: MemoryStore): string[] =>
  store
    .keys()
    .filter((key) => key.includes('/packs/'))
    .toSorted((a, b) => sizeOf(store, b) - sizeOf(store, a));

describe('a restore from a damaged store', () => {
  let bench: EngineBench;
  let files: ReadonlyMap<string, Uint8Array>;
  let store: MemoryStore;
  let whole: ReadonlyMap<string, Uint8Array>;

  before(async () => {
    store = new MemoryStore();
    bench = new EngineBench(store);
    files = await threeRuns(bench);
    whole = new Map(store.keys().map((key) => [key, Uint8Array.from(store.objects.get(key)?.at(-1)?.body ?? [])]));
  });
  after(() => bench[Symbol.dispose]());
  afterEach(() => {
    for (const [key, body] of whole) store.damage(key, () => body);
  });

  for (const [what, change] of [
    ['C5: a flipped bit in a pack', flip(300_000)],
    ['C6: a pack cut at a segment', (bytes: Uint8Array): Uint8Array => bytes.subarray(0, 192 + 3 * segment)],
    ['C6: a pack without its last byte', (bytes: Uint8Array): Uint8Array => bytes.subarray(0, -1)],
    ['C6: a pack with something appended', (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.alloc(16)])],
    [
      'C6: two segments of a pack in each other’s place',
      (bytes: Uint8Array): Uint8Array => {
        const [head, one, two, rest] = [
          bytes.subarray(0, 192),
          bytes.subarray(192, 192 + segment),
          bytes.subarray(192 + segment, 192 + 2 * segment),
          bytes.subarray(192 + 2 * segment),
        ];
        return Buffer.concat([head, two, one, rest]);
      },
    ],
    [
      'C6: a segment doubled over the next',
      (bytes: Uint8Array): Uint8Array =>
        Buffer.concat([bytes.subarray(0, 192 + segment), bytes.subarray(192, 192 + segment), bytes.subarray(192 + 2 * segment)]),
    ],
    ['C5: a pack of nothing but zeros', (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.length)],
  ] as const) {
    it(`${what} costs the files in it, which are named; all others come back`, async () => {
      const [pack] = packsBySize(store);
      store.damage(pack ?? '', change);
      const target = bench.target();
      const result = await bench.restore(target);
      const missing = assertWholeOrNamed(files, target, result);
      assert.equal(missing.length > 0 && missing.length <= 6, true, missing.join());
    });
  }

  it('C7: two packs in each other’s place cost their files only, also where they are of one length', async () => {
    const [one = '', two = ''] = packsBySize(store);
    const bodies = [one, two].map((key) => Buffer.from(store.objects.get(key)?.at(-1)?.body ?? []));
    store.damage(one, () => bodies[1] ?? Buffer.alloc(0));
    store.damage(two, () => bodies[0] ?? Buffer.alloc(0));
    const target = bench.target();
    const missing = assertWholeOrNamed(files, target, await bench.restore(target));
    assert.equal(missing.length > 0 && missing.length <= 12, true);
  });

  it('C5 C6 C7: whatever single object is damaged at random, every file is whole or named', async function () {
    this.timeout(60_000);
    const seed = testSeed();
    const random = new SeededRandom(seed);
    const keys = store.keys().filter((key) => !key.includes('/restore-points/'));
    for (let round = 0; round < 6; round += 1) {
      const key = keys[round % keys.length] ?? '';
      const before = Buffer.from(store.objects.get(key)?.at(-1)?.body ?? []);
      const kind = random.below(4);
      store.damage(key, (bytes) => {
        if (kind === 0) return flip(random.below(bytes.length))(bytes);
        if (kind === 1) return bytes.subarray(0, random.between(1, bytes.length - 1));
        if (kind === 2) return Buffer.concat([bytes, random.bytes(100)]);
        return random.bytes(bytes.length);
      });
      const target = bench.target();
      assertWholeOrNamed(files, target, await bench.restore(target));
      store.damage(key, () => before);
    }
    const target = bench.target();
    assert.deepEqual(assertWholeOrNamed(files, target, await bench.restore(target)), []);
  });

  it('C5: takes the other copy of a chunk where there is one', async () => {
    const [pack = ''] = packsBySize(store);
    // A run that counts the pack as gone stores its chunks again.
    await bench.backup({ unusablePacks: [Buffer.from(pack.slice(-32), 'hex')], readAllAgain: true });
    store.damage(pack, flip(300_000));
    const target = bench.target();
    assert.deepEqual(assertWholeOrNamed(files, target, await bench.restore(target)), []);
  });

  it('S1 S5: reads that fail or answer other bytes cost files that are named, never wrong ones', async function () {
    this.timeout(60_000);
    for (const effect of ['fail', 'truncated', 'flipped', 'longer', 'otherBytes'] as const satisfies readonly Effect[]) {
      const job = await bench.restoreJob(bench.target());
      const faulty = new FaultyStore(store, [{ verb: 'get', effect, probability: 0.3 }], testSeed());
      const target = job.targets[0]?.folder ?? '';
      const result = await bench.restore(target, { store: faulty });
      assertWholeOrNamed(files, target, result);
    }
  });

  it('a store that is away ends the restore, leaves whole files only, and the next one goes on', async () => {
    const calls = new CountingStore(store);
    await bench.restore(bench.target(), { store: calls });
    for (let call = 1; call <= calls.count('get'); call += 6) {
      const faulty = new FaultyStore(store, [{ verb: 'get', effect: 'fail', code: 'storeUnreachable', fromCall: call }]);
      const target = bench.target();
      const error = await bench.restore(target, { store: faulty }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(HoldfastError.is(error, 'storeUnreachable'), String(error));
      if (!existsSync(target)) continue;
      for (const name of readdirSync(target)) assert.ok(readFileSync(join(target, name)).equals(files.get(name) ?? Buffer.alloc(0)), name);
      const result = await bench.restore(target, { conflict: 'skip' });
      assertWholeOrNamedAfterSkip(files, target, result);
    }
  });
});

/** What the first attempt brought is skipped by the second, and still whole. */
function assertWholeOrNamedAfterSkip(files: ReadonlyMap<string, Uint8Array>, target: string, result: RestoreResult): void {
  assert.deepEqual(result.damaged, []);
  for (const [name, bytes] of files) assert.ok(readFileSync(join(target, name)).equals(bytes), name);
  assert.deepEqual(temporaryNames(target), []);
}
