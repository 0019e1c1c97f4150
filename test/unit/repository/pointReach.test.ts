import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { encodeLiveList } from '../../../daemon/repository/liveList.ts';
import { type OpenedManifest, openManifest } from '../../../daemon/repository/manifest.ts';
import type { Manifest } from '../../../daemon/repository/manifestTypes.ts';
import { packKey, parseObjectKey } from '../../../daemon/repository/names.ts';
import { PointReach } from '../../../daemon/repository/pointReach.ts';
import { Reach } from '../../../daemon/repository/reach.ts';
import { CountingStore } from '../../support/countingStore.ts';
import { type FixtureManifest, FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { assertRejected } from '../../support/refusals.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';
import { bytesOf } from '../../support/sampleRepository.ts';

const keys = keysNamed('point reach');
const keySource = keySourceOf(keys);
const { signal } = new AbortController();
const all = (): boolean => true;

const file = (name: string, entry: Partial<Entry>): Entry => ({ name: Buffer.from(name), kind: 'file', mode: 0o644, ...entry });
const folder = (name: string, child: Uint8Array): Entry => ({ name: Buffer.from(name), kind: 'directory', mode: 0o755, child });
const after = (sequence: number): Partial<Manifest> => ({ sequence, previous: sequence === 1 ? null : bytesOf(sequence, 32) });

async function opened(store: MemoryStore, { key }: FixtureManifest): Promise<OpenedManifest> {
  const stored = await store.get(key);
  assert.ok(stored !== undefined);
  return openManifest(stored.body, keySource, { key, storeId: store.storeId }, 'a manifest');
}

async function packsOf(reach: PointReach, manifest: OpenedManifest): Promise<readonly string[]> {
  const packs = await reach.packsOf(manifest);
  return packs.map(({ objectId }) => packKey(keys.installationId, keys.policyId, objectId)).toSorted();
}

/** What restore points hold: of each folder whether the next point has it as it is, and its files. */
const world = fc.record({
  points: fc.array(
    fc.array(fc.record({ name: fc.nat(5), chunks: fc.array(fc.nat(12), { maxLength: 4 }), cutsPack: fc.boolean(), isList: fc.boolean() }), {
      maxLength: 5,
    }),
    { minLength: 1, maxLength: 5 },
  ),
  depth: fc.integer({ min: 0, max: 3 }),
  /** Of what may be remembered: nothing, next to nothing, all. */
  keptNumbers: fc.constantFrom(0, 100, 1_000_000),
});

describe('what each restore point reaches', () => {
  it('is what all that is reached is for it alone, whatever is remembered of the others (property)', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ points, depth, keptNumbers }) => {
        const store = new MemoryStore();
        const fixture = new FixtureRepository(store, keys);
        const manifests: OpenedManifest[] = [];
        const stored = new Map<number, Buffer>();
        for (const [at, files] of points.entries()) {
          const entries = new Map<string, Entry>();
          for (const { name, chunks, cutsPack, isList } of files) {
            const ids = chunks.map((chunk) => {
              const id = stored.get(chunk) ?? fixture.chunk(bytesOf(chunk, 300 + chunk));
              stored.set(chunk, id);
              return id;
            });
            const many = isList ? fixture.list(Array.from({ length: 70 }, (_value, index) => bytesOf(index + name * 100, 200))) : undefined;
            const content = many ?? { form: 'ids' as const, ids: Buffer.concat(ids) };
            const isEmpty = many === undefined && ids.length === 0;
            entries.set(`f${name}`, file(`f${name}`, { size: isEmpty ? 0 : 20_000, ...(isEmpty ? {} : { content }) }));
            if (cutsPack) await fixture.cutPack();
          }
          let child = fixture.folder([...entries.values()]);
          for (let level = 0; level < depth; level += 1) child = fixture.folder([folder('d', child), file(`e${level}`, { size: 0 })]);
          manifests.push(await opened(store, await fixture.commit([fixture.source([folder('d', child)])], after(at + 1))));
        }
        const reach = await PointReach.open({ store, keys: keySource, manifests, isThere: all, keptNumbers, signal });
        for (const manifest of manifests) {
          const alone = new Reach(store, keySource);
          await alone.add([manifest], signal);
          const { reached } = await alone.packs(signal);
          const expected = fixture.packKeys.filter((key) => {
            const name = parseObjectKey(key);
            return name?.type === 'pack' && reached.has(name.objectId);
          });
          // Twice: what is remembered must be what was read.
          for (let time = 0; time < 2; time += 1) {
            const found = await packsOf(reach, manifest);
            assert.deepEqual(
              expected.filter((key) => !found.includes(key)),
              [],
            );
          }
        }
        const last = manifests.at(-1);
        assert.ok(last !== undefined);
        // It pins every index, so that for it nothing can be had from others.
        const whole = new Reach(store, keySource);
        await whole.add([last], signal);
        assert.equal((await packsOf(reach, last)).length, (await whole.packs(signal)).reached.size);
      }),
      { numRuns: 25 },
    );
  });

  it('is the list of live restore points that lies in a chunk, and the further streams of a file', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const rows = Array.from({ length: 300 }, (_value, index) => ({
      sequence: index + 1,
      objectId: bytesOf(index, 16),
      versionId: null,
      sha256: bytesOf(index, 32),
    }));
    const id = fixture.chunk(encodeLiveList(rows), 'list');
    await fixture.cutPack();
    const streams = [{ name: Buffer.from('side'), size: 500, content: fixture.ids(bytesOf(1, 500)) }];
    await fixture.cutPack();
    fixture.chunk(bytesOf(3, 400));
    const beside = await fixture.cutPack();
    const source = fixture.source([file('f', { size: 0, streams })]);
    const point = await opened(store, await fixture.commit([source], { ...after(301), live: { id, count: 300 } }));
    const reach = await PointReach.open({ store, keys: keySource, manifests: [point], isThere: all, signal });
    assert.deepEqual(await packsOf(reach, point), fixture.packKeys.filter((key) => key !== beside).toSorted());
  });

  it('is every copy of a chunk that is there, and all of them where none is', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const bytes = bytesOf(1, 500);
    fixture.chunk(bytes);
    const first = await fixture.cutPack();
    await fixture.cutIndex();
    const content = fixture.ids(bytes);
    const second = await fixture.cutPack();
    const point = await opened(store, await fixture.commit([fixture.source([file('f', { size: 500, content })])]));
    const reachedWithout = async (gone: readonly string[]): Promise<readonly string[]> => {
      const isThere = (packId: Uint8Array): boolean => !gone.includes(packKey(keys.installationId, keys.policyId, packId));
      const reach = await PointReach.open({ store, keys: keySource, manifests: [point], isThere, signal });
      return (await packsOf(reach, point)).filter((key) => key === first || key === second);
    };
    assert.deepEqual(await reachedWithout([]), [first, second].toSorted());
    assert.deepEqual(await reachedWithout([first]), [second]);
    assert.deepEqual(await reachedWithout([second]), [first]);
    assert.deepEqual(await reachedWithout([first, second]), [first, second].toSorted());
  });

  it('reads what several restore points share once', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const shared = fixture.folder(
      Array.from({ length: 40 }, (_value, at) => folder(`d${at}`, fixture.folder([file(`f${at}`, { size: 0 })]))),
    );
    await fixture.cutPack();
    const manifests: OpenedManifest[] = [];
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      const source = fixture.source([folder('shared', shared), file(`own ${sequence}`, { size: 0 })]);
      manifests.push(await opened(store, await fixture.commit([source], after(sequence))));
    }
    const counting = new CountingStore(store);
    const reach = await PointReach.open({ store: counting, keys: keySource, manifests, isThere: all, signal });
    const reads: number[] = [];
    for (const manifest of manifests) {
      const before = counting.calls.filter(({ key }) => key === fixture.packKeys[0]).length;
      await reach.packsOf(manifest);
      reads.push(counting.calls.filter(({ key }) => key === fixture.packKeys[0]).length - before);
    }
    assert.ok((reads[0] ?? 0) > 0);
    assert.deepEqual(reads.slice(1), [0, 0, 0]);
  });

  it('M3 M4: comes to its end where a tree has one folder under very many names, with little memory too', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    let child = fixture.folder([file('f', { size: 500, content: fixture.ids(bytesOf(1, 500)) })]);
    for (let depth = 0; depth < 60; depth += 1) child = fixture.folder([folder('a', child), folder('b', child)]);
    const point = await opened(store, await fixture.commit([fixture.source([folder('d', child)])]));
    for (const keptNumbers of [0, 400, 1_000_000]) {
      const reach = await PointReach.open({ store, keys: keySource, manifests: [point], isThere: all, keptNumbers, signal });
      assert.deepEqual(await packsOf(reach, point), fixture.packKeys);
    }
  });

  it('S5: is not known where a tree can not be read', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const inner = fixture.folder([file('f', { size: 0 })]);
    const spoiled = await fixture.cutPack();
    const bad = await opened(store, await fixture.commit([fixture.source([folder('d', inner)])]));
    const good = await opened(store, await fixture.commit([fixture.source([file('g', { size: 0 })])], after(2)));
    store.damage(spoiled, (bytes) => bytes.fill(0, 4096));
    const reach = await PointReach.open({ store, keys: keySource, manifests: [bad, good], isThere: all, signal });
    await assertRejected(() => reach.packsOf(bad), 'segmentTag');
    assert.equal((await packsOf(reach, good)).length, 1);
    await assertRejected(() => reach.packsOf(bad), 'segmentTag');
  });
});
