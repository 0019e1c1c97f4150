import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { ObjectStore } from '../../../daemon/locations/objectStore.ts';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { encodeLiveList } from '../../../daemon/repository/liveList.ts';
import { type OpenedManifest, openManifest } from '../../../daemon/repository/manifest.ts';
import type { Manifest } from '../../../daemon/repository/manifestTypes.ts';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import { Reach } from '../../../daemon/repository/reach.ts';
import { verifyRestorePoint } from '../../../daemon/repository/verify.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { CountingStore } from '../../support/countingStore.ts';
import { type FixtureManifest, FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { assertRejected } from '../../support/refusals.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';
import { bytesOf } from '../../support/sampleRepository.ts';

const keys = keysNamed('reach');
const keySource = keySourceOf(keys);
const signal = new AbortController().signal;

function idIn(key: string): Uint8Array {
  const name = parseObjectKey(key);
  if (name === undefined) throw new Error(key);
  return name.objectId;
}

function file(name: string, entry: Partial<Entry>): Entry {
  return { name: Buffer.from(name), kind: 'file', mode: 0o644, ...entry };
}

function folder(name: string, child: Uint8Array): Entry {
  return { name: Buffer.from(name), kind: 'directory', mode: 0o755, child };
}

/** What a manifest says of its place in the chain. */
function after(sequence: number, changes: Partial<Manifest> = {}): Partial<Manifest> {
  return { sequence, previous: sequence === 1 ? null : bytesOf(sequence, 32), ...changes };
}

async function opened(store: ObjectStore, { key }: FixtureManifest): Promise<OpenedManifest> {
  const stored = await store.get(key);
  assert.ok(stored !== undefined);
  return openManifest(stored.body, keySource, { key, storeId: store.storeId }, 'a manifest');
}

async function reachOf(store: ObjectStore, ...points: readonly FixtureManifest[]): Promise<Reach> {
  const reach = new Reach(store, keySource);
  for (const point of points) await reach.add([await opened(store, point)], signal);
  return reach;
}

/** Those of these packs that are reached. */
async function reachedOf(reach: Reach, packs: readonly string[]): Promise<readonly string[]> {
  const { reached } = await reach.packs(signal);
  return packs.filter((key) => reached.has(idIn(key)));
}

function spoil(store: MemoryStore, key: string): void {
  store.damage(key, (bytes) => bytes.fill(0, 4096));
}

/** What an entry may consist of; each is put into a pack of its own by `cut`, which gives the pack's key. */
type Kind = (fixture: FixtureRepository, cut: () => Promise<string>) => Promise<Entry>;

const one = bytesOf(1, 500);
const two = bytesOf(2, 600);

const kinds: Readonly<Record<string, Kind>> = {
  'the chunks of a file': async (fixture, cut) => {
    const entry = file('f', { size: 1100, content: fixture.ids(one, two) });
    await cut();
    return entry;
  },
  'a list of chunks, its nodes and what they name': async (fixture, cut) => {
    const content = fixture.list(Array.from({ length: 90 }, (_value, index) => bytesOf(index, 300)));
    await cut();
    return file('f', { size: 27_000, content });
  },
  'chunks in two packs': async (fixture, cut) => {
    const first = fixture.chunk(one);
    await cut();
    const second = fixture.chunk(two);
    await cut();
    return file('f', { size: 1100, content: { form: 'ids', ids: Buffer.concat([first, second]) } });
  },
  'the further streams of a file': async (fixture, cut) => {
    const content = fixture.ids(one);
    await cut();
    return file('f', { size: 0, streams: [{ name: Buffer.from('side'), size: 500, content }] });
  },
  'the data of a sparse file': async (fixture, cut) => {
    const content = fixture.ids(one);
    await cut();
    return file('f', { size: 10_000, content, extents: [{ offset: 4096, length: 500 }] });
  },
  'the nodes of a folder': async (fixture, cut) => {
    const child = fixture.folder([file('empty', { size: 0 })]);
    await cut();
    return folder('d', child);
  },
  'all nodes of a large folder': async (fixture, cut) => {
    const child = fixture.folder(Array.from({ length: 3000 }, (_value, index) => file(`file ${index}`, { size: 0 })));
    await cut();
    return folder('d', child);
  },
  'what lies deep in folders': async (fixture, cut) => {
    let child = fixture.folder([file('f', { size: 500, content: fixture.ids(one) })]);
    await cut();
    for (let depth = 0; depth < 20; depth += 1) child = fixture.folder([folder('d', child)]);
    await cut();
    return folder('d', child);
  },
};

describe('what restore points reach', () => {
  for (const [what, make] of Object.entries(kinds)) {
    it(`is ${what}, and nothing beside it`, async () => {
      const store = new MemoryStore();
      const fixture = new FixtureRepository(store, keys);
      const cuts: string[] = [];
      const entry = await make(fixture, async () => {
        const key = await fixture.cutPack();
        cuts.push(key);
        return key;
      });
      fixture.chunk(bytesOf(3, 400));
      const beside = await fixture.cutPack();
      const point = await fixture.commit([fixture.source([entry])]);
      const reach = await reachOf(store, point);
      assert.equal(reach.unreadable, undefined);
      assert.deepEqual(
        await reachedOf(reach, fixture.packKeys),
        fixture.packKeys.filter((key) => key !== beside),
      );
      const { named } = await reach.packs(signal);
      assert.deepEqual(
        fixture.packKeys.filter((key) => named.has(idIn(key))),
        fixture.packKeys,
      );
      assert.ok(cuts.length > 0 && !cuts.includes(beside));
    });
  }

  it('is the root of a source that is a single file', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const content = fixture.ids(one);
    const data = await fixture.cutPack();
    const point = await fixture.commit([fixture.sourceOf(fixture.folder([file('f', { size: 500, content })]))]);
    assert.deepEqual(await reachedOf(await reachOf(store, point), fixture.packKeys), [data, fixture.packKeys[1]]);
  });

  it('is the list of live restore points that lies in a chunk', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const live = Array.from({ length: 300 }, (_value, index) => ({
      sequence: index + 1,
      objectId: bytesOf(index, 16),
      versionId: null,
      sha256: bytesOf(index, 32),
    }));
    const id = fixture.chunk(encodeLiveList(live), 'list');
    const list = await fixture.cutPack();
    const source = fixture.source([]);
    const with300 = await fixture.commit([source], after(301, { live: { id, count: 300 } }));
    assert.ok((await reachedOf(await reachOf(store, with300), [list])).length === 1);
    const without = await fixture.commit([source], after(302));
    assert.deepEqual(await reachedOf(await reachOf(store, without), [list]), []);
  });

  it('is every copy of a chunk, whichever pinned index names it', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    fixture.chunk(one);
    const copy = await fixture.cutPack();
    await fixture.cutIndex();
    fixture.chunk(one);
    fixture.chunk(two);
    const another = await fixture.cutPack();
    const content = fixture.ids(one);
    const point = await fixture.commit([fixture.source([file('f', { size: 500, content })])]);
    assert.equal(fixture.indexes.length, 2);
    assert.deepEqual(await reachedOf(await reachOf(store, point), [copy, another]), [copy, another]);
  });

  it('is told by a chunk’s id and not by its kind: a copy that another kind has under the same id counts too', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const id = fixture.chunk(one);
    await fixture.cutPack();
    await fixture.cutIndex();
    fixture.block([two], 'tree', [id]);
    const other = await fixture.cutPack();
    const point = await fixture.commit([fixture.source([file('f', { size: 500, content: { form: 'ids', ids: id } })])]);
    assert.deepEqual(await reachedOf(await reachOf(store, point), [other]), [other]);
  });

  it('names no pack and no index that only an index outside of them names', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    fixture.chunk(one);
    const outside = await fixture.cutPack();
    const outsideIndex = await fixture.cutIndex();
    const source = fixture.source([]);
    await fixture.cutPack();
    await fixture.cutIndex();
    const [, index] = fixture.indexes;
    assert.ok(index !== undefined);
    const reach = await reachOf(store, await fixture.commit([source], { indexes: [index] }));
    const { named, reached } = await reach.packs(signal);
    assert.deepEqual([named.has(idIn(outside)), reached.has(idIn(outside))], [false, false]);
    assert.deepEqual([reach.pinsIndex(index.objectId), reach.pinsIndex(idIn(outsideIndex))], [true, false]);
  });

  it('counts as unused what reached packs hold beside it, and nothing of packs that go whole', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const [id] = fixture.block([one]);
    assert.ok(id !== undefined);
    const wasted = bytesOf(9, 3000);
    fixture.block([wasted, bytesOf(10, 2000)]);
    await fixture.cutPack();
    fixture.block([bytesOf(11, 7000)]);
    await fixture.cutPack();
    const source = fixture.source([file('f', { size: 500, content: { form: 'ids', ids: id } })]);
    const first = await fixture.commit([source]);
    const second = await fixture.commit([source], after(2));
    // Noise does not compress: a block is as long as its chunks, give or take what its codec adds.
    const { unusedBytes } = await (await reachOf(store, first, second)).packs(signal);
    assert.ok(unusedBytes > 4500 && unusedBytes < 5200, String(unusedBytes));
  });

  it('grows by what is added, and is counted anew then', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const points: FixtureManifest[] = [];
    for (const [number, bytes] of [one, two].entries()) {
      const content = fixture.ids(bytes);
      await fixture.cutPack();
      points.push(await fixture.commit([fixture.source([file('f', { size: bytes.length, content })])], after(number + 1)));
    }
    const [first, second] = points;
    assert.ok(first !== undefined && second !== undefined);
    fixture.chunk(bytesOf(3, 400));
    const beside = await fixture.cutPack();
    const third = await fixture.commit([fixture.source([file('g', { size: 0 })])], after(3));
    const reach = await reachOf(store, first);
    const before = await reach.packs(signal);
    assert.equal(await reach.packs(signal), before, 'what is known is not counted again');
    assert.deepEqual(await reachedOf(reach, fixture.packKeys), fixture.packKeys.slice(0, 2));
    await reach.add([await opened(store, second)], signal);
    assert.deepEqual(await reachedOf(reach, fixture.packKeys), fixture.packKeys.slice(0, 4));
    await reach.add([await opened(store, third)], signal);
    assert.deepEqual(
      await reachedOf(reach, fixture.packKeys),
      fixture.packKeys.filter((key) => key !== beside),
    );
    assert.equal(reach.unreadable, undefined);
  });

  it('reads what several restore points share once', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const shared = fixture.folder([file('f', { size: 500, content: fixture.ids(one) })]);
    await fixture.cutPack();
    const points: FixtureManifest[] = [];
    for (let sequence = 1; sequence <= 3; sequence += 1) {
      const source = fixture.source([folder('shared', shared), file(`own ${sequence}`, { size: 0 })]);
      await fixture.cutPack();
      points.push(await fixture.commit([source], after(sequence)));
    }
    const manifests = await Promise.all(points.map((point) => opened(store, point)));
    const counting = new CountingStore(store);
    const reach = new Reach(counting, keySource);
    for (const manifest of manifests) await reach.add([manifest], signal);
    const reads = new Map<string, number>();
    for (const { key } of counting.calls) reads.set(key, (reads.get(key) ?? 0) + 1);
    for (const { key } of fixture.indexes) assert.equal(reads.get(key), 1, key);
    const sharedReads = reads.get(fixture.packKeys[0] ?? '') ?? 0;
    await reach.add(manifests, signal);
    assert.deepEqual([sharedReads > 0, counting.calls.filter(({ key }) => key === fixture.packKeys[0]).length], [true, sharedReads]);
  });

  it('M3 M4: comes to its end where a tree has one folder under very many names', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    let child = fixture.folder([file('f', { size: 500, content: fixture.ids(one) })]);
    for (let depth = 0; depth < 60; depth += 1) child = fixture.folder([folder('a', child), folder('b', child)]);
    const reach = await reachOf(store, await fixture.commit([fixture.source([folder('d', child)])]));
    assert.deepEqual([reach.unreadable, await reachedOf(reach, fixture.packKeys)], [undefined, fixture.packKeys]);
  });

  it('S5: is all that is named where a tree can not be read, then and from then on', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    fixture.chunk(bytesOf(3, 400));
    await fixture.cutPack();
    const inner = fixture.folder([file('f', { size: 0 })]);
    const spoiled = await fixture.cutPack();
    const bad = await fixture.commit([fixture.source([folder('d', inner)])]);
    const good = await fixture.commit([fixture.source([file('g', { size: 0 })])], after(2));
    spoil(store, spoiled);
    const reach = await reachOf(store, bad, good);
    assert.ok(HoldfastError.is(reach.unreadable, 'damaged'), String(reach.unreadable));
    assert.deepEqual(await reachedOf(reach, fixture.packKeys), fixture.packKeys);
    assert.equal((await reach.packs(signal)).unusedBytes, 0);
    const alone = await reachOf(store, good);
    assert.equal(alone.unreadable, undefined);
    assert.equal((await reachedOf(alone, fixture.packKeys)).length, 1);
  });

  it('S9: the same where the pack of a tree, or of a list, is gone', async () => {
    for (const what of ['tree', 'list'] as const) {
      const store = new MemoryStore();
      const fixture = new FixtureRepository(store, keys);
      const entry =
        what === 'tree'
          ? folder('d', fixture.folder([]))
          : file('f', { size: 27_000, content: fixture.list(Array.from({ length: 90 }, (_value, index) => bytesOf(index, 300))) });
      const gone = await fixture.cutPack();
      const point = await fixture.commit([fixture.source([entry])]);
      await store.delete(gone, null);
      const reach = await reachOf(store, point);
      assert.ok(HoldfastError.is(reach.unreadable, 'objectMissing'), what);
      assert.deepEqual(await reachedOf(reach, fixture.packKeys), fixture.packKeys);
    }
  });

  it('needs no data to be there: it is named, and not read', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const content = fixture.ids(one);
    const data = await fixture.cutPack();
    const point = await fixture.commit([fixture.source([file('f', { size: 500, content })])]);
    await store.delete(data, null);
    const reach = await reachOf(store, point);
    assert.deepEqual([reach.unreadable, await reachedOf(reach, [data])], [undefined, [data]]);
  });

  it('S5: is not told where an index can not be read or is gone', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const point = await fixture.commit([fixture.source([])]);
    const [index] = fixture.indexes;
    assert.ok(index !== undefined);
    const manifest = await opened(store, point);
    spoil(store, index.key);
    await assertRejected(() => new Reach(store, keySource).add([manifest], signal), 'storedHash');
    await store.delete(index.key, null);
    await assert.rejects(new Reach(store, keySource).add([manifest], signal), { code: 'objectMissing' });
  });

  it('S1: is not told where the store is away: nothing counts as unreadable then', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const point = await fixture.commit([fixture.source([])]);
    const manifest = await opened(store, point);
    for (const type of ['index', 'pack'] as const) {
      const away = new CountingStore(store, ({ key }) => {
        if (parseObjectKey(key)?.type === type) throw new HoldfastError('storeUnreachable', 'Failed to read: the drive is gone.');
      });
      const reach = new Reach(away, keySource);
      await assert.rejects(reach.add([manifest], signal), { code: 'storeUnreachable' });
      assert.equal(reach.unreadable, undefined);
    }
  });

  it('stops when it is told to', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const point = await fixture.commit([fixture.source([])]);
    const manifest = await opened(store, point);
    const stop = new AbortController();
    const counting = new CountingStore(store, ({ key }) => {
      if (parseObjectKey(key)?.type === 'pack') stop.abort(new HoldfastError('cancelled', 'Cancelled.'));
    });
    const reach = new Reach(counting, keySource);
    await assert.rejects(reach.add([manifest], stop.signal), { code: 'cancelled' });
    assert.equal(reach.unreadable, undefined);
  });

  /** For each restore point the contents of its files (by number, some of them the same), cut into packs and indexes after so many files. */
  const lives = fc.array(
    fc.record({
      files: fc.array(fc.nat({ max: 12 }), { maxLength: 6 }),
      asLists: fc.boolean(),
      cutAfter: fc.integer({ min: 1, max: 3 }),
      isKept: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  );

  it('is enough: with all packs and indexes deleted that are not reached, every restore point is whole, down to its data', async () => {
    await fc.assert(
      fc.asyncProperty(lives, fc.boolean(), async (points, together) => {
        const store = new MemoryStore();
        const fixture = new FixtureRepository(store, keys);
        const kept: FixtureManifest[] = [];
        for (const [number, { files, asLists, cutAfter, isKept }] of points.entries()) {
          const entries: Entry[] = [];
          for (const [at, content] of files.entries()) {
            const chunks = Array.from({ length: asLists ? 70 : 2 }, (_value, chunk) => bytesOf(content * 100 + chunk, 20));
            const name = `${String(at)} ${String(content)}`;
            entries.push(file(name, { size: chunks.length * 20, content: asLists ? fixture.list(chunks) : fixture.ids(...chunks) }));
            if ((at + 1) % cutAfter === 0) await fixture.cutPack();
          }
          const source = fixture.source([folder('d', fixture.folder(entries)), file(`own ${String(number)}`, { size: 0 })]);
          const point = await fixture.commit([source], after(number + 1));
          if (isKept) kept.push(point);
        }
        const manifests = await Promise.all(kept.map((point) => opened(store, point)));
        const reach = new Reach(store, keySource);
        if (together) await reach.add(manifests, signal);
        else for (const manifest of manifests.toReversed()) await reach.add([manifest], signal);
        const { reached, named } = await reach.packs(signal);
        for (const key of store.keys()) {
          const name = parseObjectKey(key);
          if (name?.type === 'pack' && !reached.has(name.objectId)) await store.delete(key, null);
          if (name?.type === 'index' && !reach.pinsIndex(name.objectId)) await store.delete(key, null);
          if (name?.type === 'pack' && reached.has(name.objectId)) assert.ok(named.has(name.objectId));
        }
        for (const { key } of kept) {
          const report = await verifyRestorePoint(store, key, keySource, { readData: true });
          assert.ok(report.ok, JSON.stringify(report));
        }
        if (kept.length === 0)
          assert.deepEqual(
            store.keys().filter((key) => parseObjectKey(key)?.type === 'pack'),
            [],
          );
      }),
      { numRuns: 40 },
    );
  });

  /** Packs of one chunk each, some of them the same, and after which of them an index is cut. */
  const copies = fc.array(fc.record({ content: fc.nat({ max: 4 }), cutsIndex: fc.boolean() }), { minLength: 1, maxLength: 6 });

  it('is no more than that: every pack that an index gives as a place of a chunk that is needed, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(copies, fc.uniqueArray(fc.nat({ max: 4 }), { maxLength: 3 }), async (packs, wanted) => {
        const store = new MemoryStore();
        const fixture = new FixtureRepository(store, keys);
        const ids = new Map<number, Buffer>();
        const expected: string[] = [];
        let inIndex = new Set<number>();
        for (const { content, cutsIndex } of packs) {
          ids.set(content, fixture.chunk(bytesOf(content, 200)));
          const key = await fixture.cutPack();
          // Within one index an id keeps its first place.
          if (wanted.includes(content) && !inIndex.has(content)) expected.push(key);
          inIndex.add(content);
          if (!cutsIndex) continue;
          await fixture.cutIndex();
          inIndex = new Set();
        }
        const dataPacks = [...fixture.packKeys];
        const entries = wanted.flatMap((content) => {
          const id = ids.get(content);
          return id === undefined ? [] : [file(String(content), { size: 200, content: { form: 'ids', ids: id } })];
        });
        const reach = await reachOf(store, await fixture.commit([fixture.source(entries)]));
        assert.deepEqual(await reachedOf(reach, dataPacks), expected);
      }),
      { numRuns: 60 },
    );
  });
});
