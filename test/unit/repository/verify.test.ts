import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ChunkRows } from '../../../daemon/repository/chunkRows.ts';
import { PackDirectory } from '../../../daemon/repository/packDirectory.ts';
import { IndexView, type BlockRow } from '../../../daemon/repository/indexView.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { rebuildIndex } from '../../../daemon/repository/rebuildIndex.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import { verifyRestorePoint, type VerifyReport } from '../../../daemon/repository/verify.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { openIndexContent, plantIndex } from '../../support/conformance/openIndexContent.ts';
import { FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';
import { bytesOf, writeSampleRepository, type SampleRepository } from '../../support/sampleRepository.ts';

const keys = keysNamed('verify');
const keySource = keySourceOf(keys);

async function sample(): Promise<{ readonly store: MemoryStore; readonly repository: SampleRepository }> {
  const store = new MemoryStore();
  return { store, repository: await writeSampleRepository(store, keys) };
}

function verify(store: MemoryStore, key: string, readData: boolean, signal?: AbortSignal): Promise<VerifyReport> {
  return verifyRestorePoint(store, key, keySource, { readData, ...(signal === undefined ? {} : { signal }) });
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

function folder(name: string, child: Uint8Array): Entry {
  return { name: Buffer.from(name), kind: 'directory', mode: 0o700, child };
}

function file(name: string, size: number, content: NonNullable<Entry['content']>): Entry {
  return { name: Buffer.from(name), kind: 'file', mode: 0, size, content };
}

describe('verify', () => {
  it('finds nothing in a restore point that is whole', async () => {
    const { store, repository } = await sample();
    for (const readData of [false, true]) {
      const report = await verify(store, repository.written.key, readData);
      assert.deepEqual(report.damaged, []);
      assert.deepEqual(report.objects, []);
      assert.equal(report.ok, true);
      assert.equal(report.checkedObjects, 1 + 1 + 2);
      assert.equal(report.ownerTagChecked, true);
    }
    assert.ok(
      (await verify(store, repository.written.key, true)).checkedBytes > (await verify(store, repository.written.key, false)).checkedBytes,
    );
  });

  it('notes what is no fault: another version in place of the recorded one, and an owner whose tag nobody could check', async () => {
    const store = new MemoryStore({ versions: true });
    const repository = await writeSampleRepository(store, keys);
    for (const readData of [false, true]) assert.deepEqual((await verify(store, repository.written.key, readData)).notes, []);
    for (const pack of repository.fixture.packKeys) {
      const body = Uint8Array.from(store.objects.get(pack)?.[0]?.body ?? []);
      store.objects.delete(pack);
      store.plant(pack, body);
    }
    const notes = repository.fixture.packKeys.map((pack) => `The recorded version of ${pack} is gone; another one has its place.`);
    const mover = keySourceOf({ ...keys, owner: undefined });
    for (const readData of [false, true]) {
      const report = await verify(store, repository.written.key, readData);
      assert.deepEqual([report.ok, report.notes.toSorted()], [true, notes.toSorted()]);
      const unchecked = await verifyRestorePoint(store, repository.written.key, mover, { readData });
      assert.equal(unchecked.ownerTagChecked, false);
      assert.ok(unchecked.notes.includes('Whether the owner wrote this restore point was not checked: only a migration key is held.'));
    }
  });

  it('names every file of a missing pack once, without reading data', async () => {
    const { store, repository } = await sample();
    const [first = ''] = repository.fixture.packKeys;
    await store.delete(first, null);
    for (const readData of [false, true]) {
      const report = await verify(store, repository.written.key, readData);
      assert.equal(report.ok, false);
      assert.deepEqual(
        report.objects.map(({ key }) => key),
        [first],
      );
      const paths = report.damaged.map(({ path }) => path);
      assert.equal(new Set(paths).size, paths.length);
      for (const path of ['a.txt', 'two', 'big', 'sparse', 'linked-1', 'linked-2', 'with-stream', 'odd/line\\nbreak']) {
        assert.ok(paths.includes(path), path);
      }
      assert.ok(!paths.some((path) => path.startsWith('many/') || path === 'hole' || path === 'empty' || path === 'link'));
    }
  });

  it('C5: with data read, a flipped bit anywhere in a pack is found, and only files that need those bytes are named', async () => {
    const { store, repository } = await sample();
    const [first = '', second = ''] = repository.fixture.packKeys;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(first, second), fc.nat(65_535), async (key, at) => {
        store.damage(key, (bytes) => flip(bytes, at));
        const report = await verify(store, repository.written.key, true);
        store.damage(key, (bytes) => flip(bytes, at));
        assert.deepEqual(
          report.objects.map((object) => object.key),
          [key],
        );
        assert.equal(report.ok, false);
        // Header bits harm no file: a range read makes the header anew.
        if (at < 192) assert.deepEqual(report.damaged, []);
        else assert.ok(report.damaged.length > 0);
      }),
      { numRuns: 15 },
    );
  });

  it('names only the file whose segment is damaged in a pack of several', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const files = [0, 1, 2].map(
      (index): Entry => ({
        name: Buffer.from(`file-${index}`),
        kind: 'file',
        mode: 0o600,
        size: 200_000,
        content: fixture.ids(bytesOf(index, 200_000)),
      }),
    );
    const pack = await fixture.cutPack();
    const { key } = await fixture.commit([fixture.source(files)]);
    store.damage(pack, (bytes) => flip(bytes, 192 + 10));
    const report = await verify(store, key, true);
    assert.deepEqual(
      report.damaged.map(({ path }) => path),
      ['file-0'],
    );
    store.damage(pack, (bytes) => bytes.slice(0, -1));
    assert.equal((await verify(store, key, false)).damaged.length, 3);
  });

  it('is content with a second copy, and still names the damaged object', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const content = bytesOf(1, 3000);
    fixture.chunk(content);
    const first = await fixture.cutPack();
    await fixture.cutIndex();
    const entry: Entry = { name: Buffer.from('f'), kind: 'file', mode: 0o600, size: 3000, content: fixture.ids(content) };
    const { key } = await fixture.commit([fixture.source([entry])]);
    store.damage(first, (bytes) => flip(bytes, 300));
    const report = await verify(store, key, true);
    assert.deepEqual(report.damaged, []);
    assert.deepEqual(
      report.objects.map((object) => object.key),
      [first],
    );
    assert.equal(report.ok, false);
  });

  it('names the folder whose node is damaged, and goes on with the rest', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const lost = fixture.folder([{ name: Buffer.from('x'), kind: 'fifo', mode: 0 }]);
    const pack = await fixture.cutPack();
    const kept = fixture.folder([{ name: Buffer.from('y'), kind: 'fifo', mode: 0 }]);
    const { key } = await fixture.commit([fixture.source([folder('kept', kept), folder('lost', lost)])]);
    store.damage(pack, (bytes) => flip(bytes, 200));
    for (const readData of [false, true]) {
      const report = await verify(store, key, readData);
      assert.deepEqual(
        report.damaged.map(({ path }) => path),
        ['lost'],
      );
    }
  });

  it('names a file that a manifest’s indexes do not hold, or whose lengths do not add up', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const good = fixture.ids(Buffer.from('0123456789'));
    const entries = [file('good', 10, good), file('long', 11, good), file('lost', 10, { form: 'ids', ids: Buffer.alloc(32, 5) })];
    const { key } = await fixture.commit([fixture.source(entries)]);
    const report = await verify(store, key, false);
    assert.deepEqual(
      report.damaged.map(({ path }) => path),
      ['long', 'lost'],
    );
    assert.deepEqual(report.objects, []);
  });

  it('names only the files of chunks that do not have their ids, though the pack is authentic', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const ids = fixture.block([Buffer.from('0123456789'), Buffer.from('right bytes')], 'data', [Buffer.alloc(32, 9)]);
    const [wrong = Buffer.alloc(0), right = Buffer.alloc(0)] = ids;
    const { key } = await fixture.commit([
      fixture.source([file('right', 11, { form: 'ids', ids: right }), file('wrong', 10, { form: 'ids', ids: wrong })]),
    ]);
    assert.equal((await verify(store, key, false)).ok, true);
    const report = await verify(store, key, true);
    assert.deepEqual(
      report.damaged.map(({ path }) => path),
      ['wrong'],
    );
    assert.equal(report.objects.length, 1);
  });

  it('finds an index that does not agree with the directory of its pack', async () => {
    const describe: readonly ((directory: PackDirectory) => PackDirectory)[] = [
      ({ blocks }) => new PackDirectory(blocks.map((block) => ({ ...block, codec: 'zstd' }))),
      ({ blocks }) => new PackDirectory(blocks.map((block, index) => (index === 0 ? { ...block, offset: 1 } : block))),
      ({ blocks }) =>
        new PackDirectory(
          blocks.map((block) => {
            const chunks = new ChunkRows();
            for (let at = 0; at < block.chunks.count; at += 1) chunks.push(block.chunks.id(at), block.chunks.offsetInRaw(at), 1);
            return { ...block, chunks };
          }),
        ),
    ];
    for (const change of describe) {
      const store = new MemoryStore();
      const fixture = new FixtureRepository(store, keys);
      const content = fixture.ids(bytesOf(1, 1000));
      const pack = await fixture.cutPack(change);
      const { key } = await fixture.commit([fixture.source([file('f', 1000, content)])]);
      const report = await verify(store, key, true);
      const [object] = report.objects;
      assert.deepEqual([report.ok, object?.key, object?.reason.includes('where an index says')], [false, pack, true]);
    }
  });

  it('C5: holds a pack against every index that names it, and its files against those that are right', async () => {
    for (const [member, at] of [
      ['salt', 40 + 16],
      ['key epoch', 40 + 52],
      ['key generation', 40 + 48],
      ['SHA-256', 40 + 64],
      ['stored length', 40 + 58],
    ] as const) {
      const store = new MemoryStore();
      const fixture = new FixtureRepository(store, keys);
      const root = fixture.source([file('f', 1000, fixture.ids(bytesOf(1, 1000)))]);
      const pack = await fixture.cutPack();
      await fixture.cutIndex();
      const [right] = fixture.manifest([]).indexes;
      assert.ok(right !== undefined);
      const content = openIndexContent(store, right.key, keys);
      content.writeUInt8(content.readUInt8(at) ^ 2, at);
      const wrong = plantIndex(store, keys, content, 9);
      for (const [sequence, indexes] of [
        [1, [right, wrong]],
        [2, [wrong, right]],
      ] as const) {
        const previous = sequence === 1 ? null : Buffer.alloc(32, 1);
        const { key } = await fixture.commit([root], { indexes, sequence, previous });
        const report = await verify(store, key, true);
        assert.deepEqual([member, report.ok, report.damaged, report.objects.map((object) => object.key)], [member, false, [], [pack]]);
        assert.ok(report.objects[0]?.reason.includes(`an index records another ${member}`) === true, report.objects[0]?.reason);
      }
    }
  });

  it('M3: ends with a finding where all sources together have too many entries', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const sources = [fixture.source([file('a', 1, fixture.ids(Buffer.of(1)))]), fixture.source([file('b', 1, fixture.ids(Buffer.of(2)))])];
    const { key } = await fixture.commit(sources);
    const limited = (maxEntries: number): Promise<VerifyReport> =>
      verifyRestorePoint(store, key, keySource, { readData: true, maxEntries });
    // Each source has its own entry and the file's.
    assert.deepEqual((await limited(4)).damaged, []);
    const [damage] = (await limited(3)).damaged;
    assert.deepEqual([damage?.source, damage?.reason.includes('more than 3 entries')], [null, true]);
  });

  it('names a file whose list says other lengths, and a source without one root', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const chunks = Array.from({ length: 70 }, (_, index) => bytesOf(index, 10));
    const list = fixture.list(
      chunks,
      chunks.map((_, index) => (index === 3 ? 11 : 10)),
    );
    const rootless = fixture.sourceOf(fixture.folder([]));
    const { key } = await fixture.commit([fixture.source([file('f', 700, list)]), rootless]);
    const report = await verify(store, key, false);
    assert.deepEqual(
      report.damaged.map(({ source, path }) => [source === rootless.id, path]),
      [
        [false, 'f'],
        [true, ''],
      ],
    );
  });

  it('reports a manifest that cannot be used as the whole, and passes on what the store says of itself', async () => {
    const { store, repository } = await sample();
    const { key } = repository.written;
    store.damage(key, (bytes) => flip(bytes, 1000));
    const report = await verify(store, key, true);
    assert.deepEqual([report.ok, report.damaged[0]?.source, report.objects[0]?.key], [false, null, key]);
    store.damage(key, (bytes) => flip(bytes, 1000));
    store.head = () => Promise.reject(new HoldfastError('storeUnreachable', 'The store is gone.'));
    await assert.rejects(verify(store, key, false), (error) => HoldfastError.is(error, 'storeUnreachable'));
  });

  it('stops when told to, and tells how far it is', async () => {
    const { store, repository } = await sample();
    const controller = new AbortController();
    const seen: number[] = [];
    await verifyRestorePoint(store, repository.written.key, keySource, {
      readData: true,
      onProgress: (progress) => {
        seen.push(progress.checkedObjects);
        assert.equal(progress.totalObjects, 4);
      },
    });
    assert.deepEqual(seen, [3, 4]);
    controller.abort();
    await assert.rejects(verify(store, repository.written.key, true, controller.signal));
  });
});

describe('rebuilt index', () => {
  it('finds all that lost indexes held, from the packs alone', async () => {
    const { store, repository } = await sample();
    const { written } = repository;
    const reader = await RestorePointReader.open(store, written.key, keySource);
    const rebuilt = await rebuildIndex(store, keys.installationId, keys.policyId, keySource);
    assert.deepEqual([rebuilt.packs, rebuilt.damaged, rebuilt.storeId], [2, [], store.storeId]);
    const [content] = rebuilt.contents;
    const [original] = reader.indexes.views;
    assert.ok(content !== undefined && original !== undefined);
    const view = new IndexView(content, 'the rebuilt index');
    assert.ok(view.idColumn().equals(original.idColumn()));
    for (let chunk = 0; chunk < view.chunkCount; chunk += 1) {
      const block: BlockRow = view.block(view.blockOf(chunk));
      const originalBlock: BlockRow = original.block(original.blockOf(chunk));
      assert.deepEqual({ ...block, pack: 0 }, { ...originalBlock, pack: 0 });
      assert.deepEqual(view.pack(block.pack), original.pack(originalBlock.pack));
    }
  });

  it('leaves out and names packs that are damaged or under another name', async () => {
    const { store, repository } = await sample();
    const [first = '', second = ''] = repository.fixture.packKeys;
    const copy = second.replace(/[0-9a-f]{2}\/[0-9a-f]{32}$/, `00/${'0'.repeat(32)}`);
    store.plant(copy, store.objects.get(second)?.[0]?.body);
    store.damage(first, (bytes) => flip(bytes, 5000));
    const rebuilt = await rebuildIndex(store, keys.installationId, keys.policyId, keySource);
    assert.equal(rebuilt.packs, 1);
    assert.deepEqual(rebuilt.damaged.map(({ key }) => key).toSorted(), [copy, first].toSorted());
    const empty = await rebuildIndex(new MemoryStore(), keys.installationId, keys.policyId, keySource);
    assert.deepEqual(empty.contents, []);
  });
});
