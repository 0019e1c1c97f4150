import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { sealObject } from '../../../daemon/repository/container.ts';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { encodeBoundHeader } from '../../../daemon/repository/header.ts';
import { IndexView } from '../../../daemon/repository/indexView.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { jsonOf } from '../../../daemon/repository/manifestJson.ts';
import type { Manifest, ManifestSource } from '../../../daemon/repository/manifestTypes.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import { namesOf, walkTree } from '../../../daemon/repository/treeWalk.ts';
import { verifyRestorePoint } from '../../../daemon/repository/verify.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { openIndexContent, plantIndex } from '../../support/conformance/openIndexContent.ts';
import { FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { assertRejected } from '../../support/refusals.ts';
import { entropyFrom, identityOf, keysNamed } from '../../support/repositoryKeys.ts';
import { bytesOf, writeSampleRepository, type SampleRepository } from '../../support/sampleRepository.ts';

const keys = keysNamed('reader');
const keySource = keySourceOf(keys);

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(Uint8Array.from(piece));
  return Buffer.concat(parts);
}

/** The entry at `names` below the source, `[]` being the source itself; `undefined` where there is none. */
async function entryAt(reader: RestorePointReader, source: ManifestSource, names: readonly Uint8Array[]): Promise<Entry | undefined> {
  const tree = reader.treeOf(source);
  let entry = await reader.rootOf(source);
  for (const name of names) {
    const record = entry.child === undefined ? undefined : await tree.lookup(entry.child, name);
    if (record === undefined) return undefined;
    entry = tree.decode(record);
  }
  return entry;
}

function hexPath(names: readonly Uint8Array[]): string {
  return names.map((name) => Buffer.from(name).toString('hex')).join('/');
}

async function sample(versions = false): Promise<{ readonly store: MemoryStore; readonly repository: SampleRepository }> {
  const store = new MemoryStore({ versions });
  return { store, repository: await writeSampleRepository(store, keys) };
}

function flipIn(store: MemoryStore, key: string, at: number): void {
  store.damage(key, (bytes) => {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  });
}

function fifo(name: string): Entry {
  return { name: Buffer.from(name), kind: 'fifo', mode: 0 };
}

function named(name: string, entry: Partial<Entry>): Entry {
  return { name: Buffer.from(name), kind: 'file', mode: 0, size: 0, ...entry };
}

/** A manifest that its owner tagged, whatever it says. */
function sealUnchecked(manifest: Manifest, storeId: StoreId): Uint8Array {
  const identity = identityOf(keys, 'manifest', Buffer.alloc(16, 6), manifest.sequence, storeId);
  const json = Buffer.from(jsonOf(manifest));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const tag = createHmac('sha256', keys.owner ?? '')
    .update(encodeBoundHeader(identity))
    .update(length)
    .update(json)
    .digest();
  return sealObject(keys.manifest, identity, Buffer.concat([length, json, tag]), entropyFrom('unchecked')).bytes;
}

describe('restore point reader', () => {
  it('gives back every file of a restore point byte for byte, holes, lists and links included', async () => {
    const { store, repository } = await sample();
    const reader = await RestorePointReader.open(store, repository.written.key, keySource, { storeId: store.storeId });
    assert.equal(reader.ownerTagChecked, true);
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    const seen = new Map<string, Buffer>();
    let entries = 0;
    for await (const item of walkTree(reader.treeOf(source), source.root)) {
      assert.equal(item.type, 'entry');
      entries += 1;
      if (item.type !== 'entry' || item.entry.kind !== 'file') continue;
      seen.set(hexPath(namesOf(item.folder, item.entry.name)), await collect(reader.readFile(item.entry)));
      if (item.entry.streams !== undefined) {
        const [stream] = item.entry.streams;
        assert.ok(stream?.content !== undefined);
        assert.equal(
          (await collect(reader.readFile({ name: stream.name, size: stream.size, content: stream.content }))).toString(),
          'side',
        );
      }
    }
    assert.equal(entries, repository.entries);
    assert.deepEqual(new Set(seen.keys()), new Set(repository.files.keys()));
    for (const [path, content] of repository.files) assert.ok(seen.get(path)?.equals(content) === true, path);
  });

  it('keeps all that an entry says', async () => {
    const { store, repository } = await sample();
    const reader = await RestorePointReader.open(store, repository.written.key, keySource);
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    const stat = (name: string): Promise<Entry | undefined> => entryAt(reader, source, [Buffer.from(name)]);
    assert.equal((await stat('a.txt'))?.mtime, 1_700_000_000_123_456_789n);
    assert.equal((await stat('linked-1'))?.hardLinkGroup, 7n);
    assert.equal(Buffer.from((await stat('link'))?.linkTarget ?? []).toString(), '../outside');
    assert.deepEqual((await stat('tty'))?.device, { major: 4, minor: 1 });
    assert.equal((await stat('fifo'))?.kind, 'fifo');
    assert.equal((await stat('with-stream'))?.extendedAttributes?.length, 1);
    assert.equal(await stat('not there'), undefined);
    assert.equal(await entryAt(reader, source, [Buffer.from('a.txt'), Buffer.from('below')]), undefined);
    assert.equal((await entryAt(reader, source, []))?.kind, 'directory');
  });

  it('lists folders in pages', async () => {
    const { store, repository } = await sample();
    const reader = await RestorePointReader.open(store, repository.written.key, keySource);
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    const tree = reader.treeOf(source);
    const folder = async (name: string): Promise<Uint8Array> =>
      (await entryAt(reader, source, [Buffer.from(name)]))?.child ?? assert.fail(`${name} is no folder`);
    const names: string[] = [];
    let after: Uint8Array | undefined;
    let pages = 0;
    for (let page = -1; page !== names.length; pages += 1) {
      page = names.length;
      for await (const { name } of tree.entries(await folder('many'), after === undefined ? {} : { after })) {
        if (names.length === page + 100) break;
        names.push(Buffer.from(name).toString());
        after = Buffer.from(name);
      }
    }
    assert.equal(pages, 7, 'and one with nothing more');
    assert.deepEqual(names, Array.from({ length: 600 }, (_, index) => `file-${index}`).toSorted());
    for await (const { name } of tree.entries(await folder('void'))) assert.fail(String(name));
  });

  it('reads any range of a file as a slice of the whole', async () => {
    const { store, repository } = await sample();
    const reader = await RestorePointReader.open(store, repository.written.key, keySource);
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    for (const name of ['big', 'sparse', 'hole', 'two', 'empty']) {
      const entry = await entryAt(reader, source, [Buffer.from(name)]);
      const content = repository.files.get(Buffer.from(name).toString('hex'));
      assert.ok(entry !== undefined && content !== undefined);
      await fc.assert(
        fc.asyncProperty(fc.nat(content.length + 10), fc.nat(content.length + 10), async (offset, length) => {
          const read = await collect(reader.readFile(entry, { offset, length }));
          assert.ok(read.equals(content.subarray(offset, offset + length)));
        }),
        { numRuns: 40 },
      );
    }
  });

  it('takes another copy of a chunk where a pack is damaged or gone', async () => {
    for (const harm of ['flip', 'delete'] as const) {
      const store = new MemoryStore();
      const fixture = new FixtureRepository(store, keys);
      const content = bytesOf(1, 3000);
      fixture.chunk(content);
      const first = await fixture.cutPack();
      await fixture.cutIndex();
      const entry: Entry = { name: Buffer.from('f'), kind: 'file', mode: 0o600, size: 3000, content: fixture.ids(content) };
      const { key } = await fixture.commit([fixture.source([entry])]);
      if (harm === 'flip') flipIn(store, first, 300);
      else await store.delete(first, null);
      const reader = await RestorePointReader.open(store, key, keySource);
      assert.equal([...reader.indexes.locations(Buffer.from(entry.content?.form === 'ids' ? entry.content.ids : []), 'data')].length, 2);
      assert.ok((await collect(reader.readFile(entry))).equals(content));
    }
  });

  it('names the pack that is missing, and gives the other files', async () => {
    const { store, repository } = await sample();
    const [first = ''] = repository.fixture.packKeys;
    await store.delete(first, null);
    const reader = await RestorePointReader.open(store, repository.written.key, keySource);
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    const entry = await entryAt(reader, source, [Buffer.from('a.txt')]);
    assert.ok(entry !== undefined);
    await assert.rejects(collect(reader.readFile(entry)), (error) => {
      assert.ok(HoldfastError.is(error, 'objectMissing'));
      assert.ok(error.message.includes(first.slice(-32)));
      return true;
    });
    const other = await entryAt(reader, source, [Buffer.from('many'), Buffer.from('file-7')]);
    assert.ok(other !== undefined);
    assert.equal((await collect(reader.readFile(other))).toString(), 'number 7');
  });

  it('C5: refuses a flipped bit anywhere in a pack that it touches, and never gives wrong bytes', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const content = bytesOf(9, 60_000);
    const entry: Entry = { name: Buffer.from('f'), kind: 'file', mode: 0o600, size: content.length, content: fixture.ids(content) };
    const pack = await fixture.cutPack();
    const { key } = await fixture.commit([fixture.source([entry])]);
    await fc.assert(
      fc.asyncProperty(fc.nat(65_535), async (at) => {
        flipIn(store, pack, at);
        const reader = await RestorePointReader.open(store, key, keySource);
        // The header is not fetched: it is made again from the index.
        if (at < 192) assert.ok((await collect(reader.readFile(entry))).equals(content));
        else await assertRejected(() => collect(reader.readFile(entry)), 'segmentTag');
        flipIn(store, pack, at);
      }),
      { numRuns: 25 },
    );
  });

  it('C6: refuses a pack that is shorter or longer than recorded', async () => {
    for (const change of [(bytes: Uint8Array) => bytes.slice(0, -1), (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(1)])]) {
      const { store, repository } = await sample();
      for (const pack of repository.fixture.packKeys) store.damage(pack, change);
      const reader = await RestorePointReader.open(store, repository.written.key, keySource);
      const [source] = reader.manifest.sources;
      assert.ok(source !== undefined);
      await assertRejected(() => reader.rootOf(source), 'storedLength');
    }
  });

  it('C7: refuses packs, indexes and manifests put in each other’s places', async () => {
    const { store, repository } = await sample();
    const { written } = repository;
    const body = (key: string): Uint8Array => store.objects.get(key)?.[0]?.body ?? Buffer.alloc(0);
    const [index] = written.manifest.indexes;
    const [packA = '', packB = ''] = repository.fixture.packKeys;
    assert.ok(index !== undefined);
    const originals = new Map([packA, packB, index.key, written.key].map((key) => [key, Uint8Array.from(body(key))]));
    const swap = (key: string, other: string): void => store.damage(key, () => Uint8Array.from(originals.get(other) ?? []));
    swap(written.key, index.key);
    await assertRejected(() => RestorePointReader.open(store, written.key, keySource), 'headerType');
    swap(written.key, packA);
    await assertRejected(() => RestorePointReader.open(store, written.key, keySource), 'headerType');
    swap(written.key, written.key);
    swap(index.key, packA);
    const reader = await RestorePointReader.open(store, written.key, keySource);
    assert.deepEqual(
      reader.unreadableIndexes.map(({ key }) => key),
      [index.key],
    );
    swap(index.key, index.key);
    swap(packA, packB);
    swap(packB, packA);
    const swapped = await RestorePointReader.open(store, written.key, keySource);
    const [source] = swapped.manifest.sources;
    assert.ok(source !== undefined);
    await assert.rejects(swapped.rootOf(source), (error) => HoldfastError.is(error, 'damaged'));
  });

  it('C7 C8: opens a manifest only under its own name, store, policy and recorded hash', async () => {
    const { store, repository } = await sample();
    const { key, sha256 } = repository.written;
    const open =
      (at: string, expected: Parameters<typeof RestorePointReader.open>[3] = {}): (() => Promise<unknown>) =>
      async () =>
        RestorePointReader.open(store, at, keySource, expected);
    await open(key, { sha256, storeId: store.storeId, policyId: keys.policyId })();
    await assertRejected(open(key, { sha256: Buffer.alloc(32) }), 'storedHash');
    await assertRejected(open(key, { storeId: new MemoryStore().storeId }), 'headerStore');
    await assertRejected(open(key, { policyId: keysNamed('other').policyId }), 'headerScope');
    await assertRejected(open(key.replace('-points/', '-points/0')), 'missing');
    const stored = store.objects.get(key)?.[0]?.body ?? Buffer.alloc(0);
    const moved = (change: (name: string) => string): string => {
      const other = change(key);
      store.plant(other, stored);
      return other;
    };
    await assertRejected(open(moved((name) => name.replace('0000000000000001-', '0000000000000002-'))), 'headerSequence');
    await assertRejected(open(moved((name) => `${name.slice(0, -4)}0000`)), 'headerObjectId');
    await assertRejected(open(moved((name) => name.replace('20260102t030405z', '20260102t030406z'))), 'manifestName');
    await assertRejected(open(moved((name) => name.replace(keys.policyId, keysNamed('other').policyId))), 'manifestName');
    await assertRejected(open(moved((name) => name.replace(keys.installationId, keysNamed('other').installationId))), 'manifestName');
  });

  it('goes on without an index that is damaged, and says which', async () => {
    const { store, repository } = await sample();
    const [index] = repository.written.manifest.indexes;
    assert.ok(index !== undefined);
    for (const [rule, change] of [
      ['storedHash', (bytes: Uint8Array) => bytes.fill(1, 400, 410)],
      ['storedLength', (bytes: Uint8Array) => bytes.slice(0, -1)],
    ] as const) {
      const original = Uint8Array.from(store.objects.get(index.key)?.[0]?.body ?? []);
      store.damage(index.key, change);
      const reader = await RestorePointReader.open(store, repository.written.key, keySource);
      assert.equal(reader.unreadableIndexes[0]?.error.details?.['rule'], rule);
      const [source] = reader.manifest.sources;
      assert.ok(source !== undefined);
      await assertRejected(() => reader.rootOf(source), 'missing');
      store.damage(index.key, () => original);
    }
  });

  it('M6: refuses an index whose pin is wrong, and only that index', async () => {
    const { store, repository } = await sample();
    const { manifest } = repository.written;
    const [right] = manifest.indexes;
    assert.ok(right !== undefined);
    const wrong = [
      { ...right, key: '../../etc/passwd' },
      { ...right, key: right.key.replace(keys.installationId, keysNamed('other').installationId) },
      { ...right, objectId: Buffer.alloc(16, 1) },
      { ...right, length: right.length + 1 },
      { ...right, sha256: Buffer.alloc(32) },
      { ...right, salt: Buffer.alloc(32) },
    ];
    const stored = sealUnchecked({ ...manifest, indexes: [...wrong, right] }, store.storeId);
    const reader = await RestorePointReader.from(store, stored, keySource);
    assert.deepEqual(
      reader.unreadableIndexes.map(({ error }) => error.details?.['rule']),
      ['objectName', 'objectName', 'objectName', 'storedLength', 'storedHash', 'headerSalt'],
    );
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    assert.equal((await reader.rootOf(source)).kind, 'directory');
  });

  it('takes any version with the recorded hash where the recorded one is gone, and reports it', async () => {
    const { store, repository } = await sample(true);
    for (const pack of repository.fixture.packKeys) {
      const body = Uint8Array.from(store.objects.get(pack)?.[0]?.body ?? []);
      store.objects.delete(pack);
      store.plant(pack, body);
    }
    const reader = await RestorePointReader.open(store, repository.written.key, keySource);
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    assert.equal((await reader.rootOf(source)).kind, 'directory');
    const [replaced = ''] = reader.packs.replaced;
    assert.ok(repository.fixture.packKeys.includes(replaced));
    for (const pack of repository.fixture.packKeys) flipIn(store, pack, 40_000);
    const again = await RestorePointReader.open(store, repository.written.key, keySource);
    await assertRejected(() => again.rootOf(source), 'storedHash');
  });

  it('opens packs of another key generation and epoch by their rows, and names keys that are not held', async () => {
    const later = keysNamed('reader', { keyGeneration: 2, keyEpoch: 2 });
    const store = new MemoryStore();
    const old = new FixtureRepository(store, keys, 'old');
    const content = bytesOf(3, 500);
    const ids = old.ids(content);
    const { manifest } = await old.commit([old.source([])]);
    const fixture = new FixtureRepository(store, later, 'later');
    const entry: Entry = { name: Buffer.from('f'), kind: 'file', mode: 0o600, size: 500, content: ids };
    const source = fixture.source([entry]);
    await fixture.cutPack();
    await fixture.cutIndex();
    const made = fixture.manifest([source]);
    const { key } = await fixture.commit([source], { indexes: [...made.indexes, ...manifest.indexes] });
    const reader = await RestorePointReader.open(store, key, keySourceOf(later, keys));
    assert.ok((await collect(reader.readFile(entry))).equals(content));
    await assert.rejects(RestorePointReader.open(store, key, keySource), (error) => HoldfastError.is(error, 'wrongSecret'));
    const half = await RestorePointReader.open(store, key, keySourceOf(later));
    assert.equal(half.unreadableIndexes.length, 1);
  });

  it('tries every key of an epoch, and lets the tags decide', async () => {
    const { store, repository } = await sample();
    const wrong = { ...keysNamed('another master key'), installationId: keys.installationId, policyId: keys.policyId };
    for (const sets of [
      [wrong, keys],
      [keys, wrong],
    ]) {
      const source = keySourceOf(...sets);
      const reader = await RestorePointReader.open(store, repository.written.key, source);
      const [first] = reader.manifest.sources;
      assert.ok(first !== undefined);
      const entry = await entryAt(reader, first, [Buffer.from('two')]);
      assert.ok(entry !== undefined);
      assert.equal((await collect(reader.readFile(entry))).length, 1801);
      assert.equal((await verifyRestorePoint(store, repository.written.key, source, { readData: true })).ok, true);
    }
  });

  it('C5: does not let what one index records wrongly of a block stand in for another index’s record of it', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const [id = Buffer.alloc(0)] = fixture.block([Buffer.from('0123456789'), Buffer.alloc(5000)]);
    const root = fixture.source([]);
    await fixture.cutPack();
    await fixture.cutIndex();
    const [right] = fixture.manifest([]).indexes;
    assert.ok(right !== undefined);
    // The wrong one says that the block is stored as it is, and that all chunks of it are its first byte.
    const content = openIndexContent(store, right.key, keys);
    const view = new IndexView(Buffer.from(content), 'an index');
    const block = view.blockOf(view.find(id));
    const row = 40 + view.packCount * 104 + block * 20;
    content.writeUInt32LE(view.block(block).storedLength, row + 12);
    content.writeUInt8(0, row + 16);
    const locators = 40 + view.packCount * 104 + view.blockCount * 20 + view.chunkCount * 32;
    for (let chunk = 0; chunk < view.chunkCount; chunk += 1) {
      if (view.blockOf(chunk) !== block) continue;
      content.writeUInt32LE(0, locators + chunk * 12 + 4);
      content.writeUInt32LE(1, locators + chunk * 12 + 8);
    }
    const wrong = plantIndex(store, keys, content, 9);
    const { key } = await fixture.commit([root], { indexes: [wrong, right] });
    const reader = await RestorePointReader.open(store, key, keySource);
    assert.deepEqual(reader.unreadableIndexes, []);
    assert.equal((await reader.chunks.read(id, 'data')).toString(), '0123456789');
  });

  it('stops when told to', async () => {
    const { store, repository } = await sample();
    const controller = new AbortController();
    const reader = await RestorePointReader.open(store, repository.written.key, keySource);
    const [source] = reader.manifest.sources;
    assert.ok(source !== undefined);
    controller.abort();
    await assert.rejects(reader.rootOf(source, controller.signal));
    await assert.rejects(RestorePointReader.open(store, repository.written.key, keySource, {}, { signal: controller.signal }));
  });

  it('refuses a file whose chunks do not make its length', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const content = fixture.ids(Buffer.from('twelve bytes'));
    const file = (size: number): Entry => ({ name: Buffer.from(`${size}`), kind: 'file', mode: 0, size, content });
    const { key } = await fixture.commit([fixture.source([11, 12, 13].map(file))]);
    const reader = await RestorePointReader.open(store, key, keySource);
    await assertRejected(() => collect(reader.readFile(file(11))), 'fileLength');
    assert.equal((await collect(reader.readFile(file(12)))).length, 12);
    await assertRejected(() => collect(reader.readFile(file(13))), 'fileLength');
  });

  it('refuses a chunk whose bytes are not those of its id, though its pack is authentic', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const [id = Buffer.alloc(0)] = fixture.block([Buffer.from('other bytes')], 'data', [Buffer.alloc(32, 9)]);
    const entry: Entry = { name: Buffer.from('f'), kind: 'file', mode: 0, size: 11, content: { form: 'ids', ids: id } };
    const { key } = await fixture.commit([fixture.source([entry])]);
    const reader = await RestorePointReader.open(store, key, keySource);
    await assertRejected(() => collect(reader.readFile(entry)), 'chunkId');
  });

  it('refuses a file whose list says other lengths than its chunks have', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const chunks = Array.from({ length: 70 }, (_, index) => bytesOf(index, 10));
    const lengths = chunks.map((_, index) => (index === 3 ? 11 : index === 4 ? 9 : 10));
    const entry: Entry = { name: Buffer.from('f'), kind: 'file', mode: 0, size: 700, content: fixture.list(chunks, lengths) };
    const { key } = await fixture.commit([fixture.source([entry])]);
    const reader = await RestorePointReader.open(store, key, keySource);
    await assertRejected(() => collect(reader.readFile(entry)), 'fileLength');
  });

  it('refuses a source whose root is not the one entry of its kind', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const empty = fixture.folder([]);
    const directory = { kind: 'directory', child: empty } as const;
    const folder = (entries: readonly Entry[]): ManifestSource => fixture.sourceOf(fixture.folder(entries));
    const command = (entries: readonly Entry[]): ManifestSource => ({ ...folder(entries), kind: 'command' });
    const right = [
      folder([{ name: Buffer.from('root'), mode: 0, ...directory }]),
      folder([named('single.txt', {})]),
      command([named('output', {})]),
      command([named('output', { kind: 'stream' })]),
    ];
    const wrong = [
      folder([]),
      folder([fifo('a'), fifo('b')]),
      folder([fifo('root')]),
      folder([{ name: Buffer.from('other'), mode: 0, ...directory }]),
      folder([named('output', { kind: 'stream' })]),
      command([named('result', {})]),
      command([{ name: Buffer.from('output'), mode: 0, ...directory }]),
      fixture.sourceOf(fixture.folder(Array.from({ length: 6000 }, (_, index) => fifo(`${index}`)))),
    ];
    const { key } = await fixture.commit([...right, ...wrong]);
    const reader = await RestorePointReader.open(store, key, keySource);
    for (const source of right) assert.equal((await reader.rootOf(source)).mode, 0);
    for (const source of wrong) await assertRejected(() => reader.rootOf(source), 'sourceRoot');
    const { damaged } = await verifyRestorePoint(store, key, keySource, { readData: false });
    assert.deepEqual(
      damaged.map(({ source, path }) => [source, path]),
      wrong.map(({ id }) => [id, '']),
    );
  });
});
