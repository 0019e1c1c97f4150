import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { type FilesystemStore, openFilesystemStore } from '../../../daemon/locations/filesystem.ts';
import { initialiseStore } from '../../../daemon/locations/marker.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { newId } from '../../support/ids.ts';
import { MemoryDisk } from '../../support/memoryDisk.ts';

const hasCode = (code: string) => (error: unknown) => HoldfastError.is(error) && error.code === code;
const root = '/drive';

async function newDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeFolder(root);
  await disk.syncFolder('/');
  await initialiseStore(root, { storeId: newId(), now: new Date(), fileSystem: disk });
  return disk;
}

async function open(disk: MemoryDisk): Promise<FilesystemStore> {
  return await openFilesystemStore({ root, fileSystem: disk });
}

async function keysOf(store: FilesystemStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of store.list('')) keys.push(...page.map((object) => object.key));
  return keys;
}

/** All file names on the disk but the marker, temporary ones included. */
async function filesOn(disk: MemoryDisk, folder: string = root): Promise<readonly string[]> {
  const entries = await disk.readFolder(folder);
  const found = await Promise.all(
    entries.map(async ({ name, kind }) => (kind === 'folder' ? await filesOn(disk, `${folder}/${name}`) : [`${folder}/${name}`])),
  );
  return found.flat().filter((path) => path !== `${root}/holdfast-store`);
}

const bodies = new Map(['i/packs/00/a', 'i/packs/00/b', 'i/packs/1f/c', 'i/manifests/d'].map((key) => [key, randomBytes(20_000)]));

/** Puts everything in order until the disk fails; gives the keys that were acknowledged. */
async function putAll(store: FilesystemStore): Promise<ReadonlySet<string>> {
  const acknowledged = new Set<string>();
  try {
    for (const [key, body] of bodies) {
      await store.put(key, body);
      acknowledged.add(key);
    }
  } catch (error) {
    assert.ok(HoldfastError.is(error));
  }
  return acknowledged;
}

/** After any power cut: what was acknowledged is whole, what is listed is whole or was not acknowledged, and a new put of the same bytes works. */
async function checkAfterPowerCut(disk: MemoryDisk, acknowledged: ReadonlySet<string>): Promise<void> {
  const store = await open(disk);
  const listed = await keysOf(store);
  for (const [key, body] of bodies) {
    const found = await store.get(key);
    const isWhole = found !== undefined && Buffer.compare(found.body, body) === 0;
    if (acknowledged.has(key)) assert.ok(isWhole && listed.includes(key), `${key} was acknowledged and is lost`);
    else if (disk.hardLinks) assert.ok(found === undefined || isWhole, `${key} is there, but not whole`);
    if (found === undefined && disk.hardLinks) await store.put(key, body);
  }
}

for (const hardLinks of [true, false]) {
  const onDisk = hardLinks ? '' : ' without hard links';

  it(`X3: a power cut at any operation${onDisk} loses no acknowledged object and leaves no half one`, async function () {
    this.timeout(60_000);
    const counting = await newDisk();
    counting.hardLinks = hardLinks;
    const before = counting.operations.length;
    assert.equal((await putAll(await open(counting))).size, bodies.size);
    const operations = counting.operations.length - before;
    assert.ok(operations > 20, `${operations} operations`);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: operations + 1 }), fc.integer(), async (at, seed) => {
        const disk = await newDisk();
        disk.hardLinks = hardLinks;
        disk.setFaults({ at, code: 'crash' });
        const acknowledged = await putAll(await open(disk));
        const after = disk.loseUnsynced(seed);
        after.hardLinks = hardLinks;
        await checkAfterPowerCut(after, acknowledged);
      }),
      { numRuns: 400 },
    );
  });

  for (const [id, operation, code, mapped] of [
    ['X4', 'write', 'ENOSPC', 'storeFull'],
    ['X4', 'create', 'ENOSPC', 'storeFull'],
    ['X4', 'sync', 'EDQUOT', 'storeFull'],
    ['X4', 'makeFolder', 'ENOSPC', 'storeFull'],
    ['X4', hardLinks ? 'link' : 'rename', 'ENOSPC', 'storeFull'],
    ['X5', 'sync', 'EIO', 'storeFailed'],
    ['X5', 'syncFolder', 'EIO', 'storeFailed'],
    ['X5', 'write', 'EIO', 'storeFailed'],
    ['X4', 'create', 'EROFS', 'storeReadOnly'],
    ['X4', 'create', 'EACCES', 'storeReadOnly'],
    ['X4', 'write', 'ESTALE', 'storeUnreachable'],
  ] as const) {
    it(`${id}: ${code} at any ${operation}${onDisk} is ${mapped}, leaves no file of the failed put, and the earlier objects stay`, async () => {
      for (let at = 1; ; at += 1) {
        const disk = await newDisk();
        disk.hardLinks = hardLinks;
        const store = await open(disk);
        disk.setFaults({ operation, at, code });
        const acknowledged: string[] = [];
        let failure: unknown;
        for (const [key, body] of bodies) {
          try {
            await store.put(key, body);
            acknowledged.push(key);
          } catch (error) {
            failure = error;
            break;
          }
        }
        if (failure === undefined) {
          assert.ok(at > 1, 'the fault was never reached');
          return;
        }
        assert.equal(HoldfastError.is(failure) ? failure.code : failure, mapped);
        assert.deepEqual((await filesOn(disk)).toSorted(), acknowledged.map((key) => `${root}/${key}`).toSorted());
        const again = await open(disk);
        for (const [key, body] of bodies) if (!acknowledged.includes(key)) await again.put(key, body);
        assert.deepEqual(await keysOf(again), [...bodies.keys()].toSorted());
      }
    });
  }
}

it('X5: after an input/output error nothing more is written through the same store, and no fsync is tried again', async () => {
  const disk = await newDisk();
  const store = await open(disk);
  disk.setFaults({ operation: 'sync', at: 1, code: 'EIO' });
  await assert.rejects(store.put('a/one', Buffer.from('x')), hasCode('storeFailed'));
  assert.equal(disk.operations.filter((operation) => operation === 'sync').length, 2, 'the marker and the failed one');
  const before = disk.operations.length;
  await assert.rejects(store.put('a/two', Buffer.from('x')), hasCode('storeFailed'));
  assert.equal(disk.operations.length, before);
});

it('X5: takes a file system that writes nothing and says nothing for one that has failed', async () => {
  const disk = await newDisk();
  const store = await open(disk);
  const create = disk.create.bind(disk);
  disk.create = async (path) => ({ ...(await create(path)), write: () => Promise.resolve(0) });
  await assert.rejects(store.put('a/one', Buffer.from('x')), { code: 'storeFailed', message: /input\/output error/ });
  const before = disk.operations.length;
  await assert.rejects(store.put('a/two', Buffer.from('x')), hasCode('storeFailed'));
  assert.equal(disk.operations.length, before);
});

it('X4: a disk that is full in the middle of an object takes short writes and gives the space back', async () => {
  const disk = await newDisk();
  const store = await open(disk);
  disk.capacity = 50_000;
  await store.put('a/one', randomBytes(30_000));
  await assert.rejects(store.put('a/two', randomBytes(30_000)), hasCode('storeFull'));
  await store.put('a/three', randomBytes(19_000));
  assert.deepEqual(await keysOf(store), ['a/one', 'a/three']);
});

it('sweeps what a crash left, so that the space comes back', async () => {
  const disk = await newDisk();
  const store = await open(disk);
  await store.put('a/one', randomBytes(100));
  disk.setFaults({ operation: 'link', at: 1, code: 'crash' });
  await assert.rejects(store.put('a/two', randomBytes(100)));
  const after = disk.loseUnsynced(1);
  const left = (await filesOn(after)).filter((path) => path.includes('.tmp-')).length;
  const swept = await (await open(after)).sweepTemporaries('');
  assert.equal(swept, left);
  assert.deepEqual(await filesOn(after), [`${root}/a/one`]);
});
