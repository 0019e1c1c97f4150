import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type FileSystem, nodeFileSystem } from '../../../daemon/locations/fileAccess.ts';
import { type FilesystemStore, openFilesystemStore } from '../../../daemon/locations/filesystem.ts';
import { initialiseStore, markerName } from '../../../daemon/locations/marker.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';

const hasCode = (code: string) => (error: unknown) => HoldfastError.is(error) && error.code === code;

async function keysOf(store: FilesystemStore, prefix = ''): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of store.list(prefix)) keys.push(...page.map((object) => object.key));
  return keys;
}

describe('filesystem location', () => {
  let parent: string;
  let root: string;
  let storeId: StoreId;
  let store: FilesystemStore;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'holdfast-location-'));
    root = join(parent, 'store');
    await mkdir(root);
    ({ storeId } = await initialiseStore(root, { storeId: newId(), now: new Date() }));
    store = await openFilesystemStore({ root, storeId });
  });

  afterEach(() => rm(parent, { recursive: true, force: true }));

  it('is not there when the marker is missing, and nothing is written into the bare folder', async () => {
    await rename(root, join(parent, 'unplugged'));
    await assert.rejects(openFilesystemStore({ root, storeId }), hasCode('storeUnreachable'));
    await mkdir(root);
    await assert.rejects(openFilesystemStore({ root, storeId }), hasCode('storeUnreachable'));
    await assert.rejects(store.put('a/one', Buffer.from('x')), hasCode('storeUnreachable'));
    await assert.rejects(store.get('a/one'), hasCode('storeUnreachable'));
    await assert.rejects(store.head('a/one'), hasCode('storeUnreachable'));
    await assert.rejects(store.delete('a/one', null), hasCode('storeUnreachable'));
    await assert.rejects(keysOf(store), hasCode('storeUnreachable'));
    await assert.rejects(store.sweepTemporaries(''), hasCode('storeUnreachable'));
    assert.deepEqual(await readdir(root), []);
  });

  it('is not there when another store lies at its path', async () => {
    await rename(root, join(parent, 'unplugged'));
    await mkdir(root);
    await initialiseStore(root, { storeId: newId(), now: new Date() });
    await assert.rejects(openFilesystemStore({ root, storeId }), hasCode('storeUnreachable'));
    await assert.rejects(store.put('a/one', Buffer.from('x')), hasCode('storeUnreachable'));
    assert.deepEqual(await readdir(root), [markerName]);
  });

  it('goes on where the same store came back under another inode', async () => {
    const marker = await readFile(join(root, markerName));
    await rm(join(root, markerName));
    await writeFile(join(parent, 'takes the old inode'), 'x');
    await writeFile(join(root, markerName), marker);
    await store.put('a/one', Buffer.from('x'));
    assert.deepEqual(await keysOf(store), ['a/one']);
  });

  it('never passes off a listing that the store left in the middle of as the whole', async () => {
    await store.put('a/one', Buffer.from('x'));
    const leaving: FileSystem = {
      ...nodeFileSystem,
      readFolder: async (path) => {
        if (path.startsWith(join(root, 'a'))) await rename(root, join(parent, 'unplugged'));
        return await nodeFileSystem.readFolder(path);
      },
    };
    await assert.rejects(keysOf(await openFilesystemStore({ root, storeId, fileSystem: leaving })), hasCode('storeUnreachable'));
  });

  it('M6: neither follows nor lists symbolic links, dot names and names of others', async () => {
    await mkdir(join(parent, 'outside'));
    await writeFile(join(parent, 'outside', 'secret'), 'x');
    await mkdir(join(root, 'a'));
    await symlink(join(parent, 'outside'), join(root, 'a', 'folder'));
    await symlink(join(parent, 'outside', 'secret'), join(root, 'a', 'file'));
    await writeFile(join(root, 'a', '.tmp-1'), 'x');
    await writeFile(join(root, 'a', 'Thumbs.db'), 'x');
    await mkdir(join(root, '.Trash'));
    await writeFile(join(root, '.Trash', 'x'), 'x');
    await store.put('a/one', Buffer.from('x'));
    assert.deepEqual(await keysOf(store), ['a/one']);
    assert.equal(await store.get('a/file'), undefined);
    assert.equal(await store.head('a/file'), undefined);
    await assert.rejects(store.put('a/file', Buffer.from('y')), hasCode('objectExists'));
    assert.equal(await readFile(join(parent, 'outside', 'secret'), 'utf8'), 'x');
  });

  it('gives more than a page in order', async () => {
    await mkdir(join(root, 'a'));
    const names = Array.from({ length: 2105 }, (_, index) => String(index).padStart(5, '0'));
    await Promise.all(names.map((name) => writeFile(join(root, 'a', name), 'x')));
    const pages: number[] = [];
    const keys: string[] = [];
    for await (const page of store.list('a/')) {
      pages.push(page.length);
      keys.push(...page.map((object) => object.key));
    }
    assert.deepEqual(
      keys,
      names.map((name) => `a/${name}`),
    );
    assert.ok(pages.length >= 3 && Math.max(...pages) < 1100, `pages of ${pages.join(', ')}`);
  });

  it('sweeps old leftovers of crashed puts, and nothing that is young or whole', async () => {
    await store.put('a/one', Buffer.from('x'));
    const old = new Date('2026-01-01T00:00:00Z');
    for (const name of ['.tmp-old', '.tmp-young', 'empty', 'whole', '.other'])
      await writeFile(join(root, 'a', name), name === 'empty' ? '' : 'x');
    for (const name of ['.tmp-old', 'empty', 'whole', '.other', 'one']) await utimes(join(root, 'a', name), old, old);
    assert.deepEqual(await keysOf(store), ['a/one', 'a/whole']);
    const hourAgo = new Date(Date.now() - 3_600_000);
    await store.put('b/one', Buffer.from('x'));
    await writeFile(join(root, 'b', '.tmp-elsewhere'), 'x');
    assert.equal(await store.sweepTemporaries('a/', { before: hourAgo }), 2);
    assert.deepEqual((await readdir(join(root, 'a'))).toSorted(), ['.other', '.tmp-young', 'one', 'whole']);
    assert.equal(await store.sweepTemporaries('a/', { before: hourAgo }), 0);
    assert.equal(await store.sweepTemporaries('a/'), 1, 'without a time the young one too');
    assert.deepEqual((await readdir(join(root, 'b'))).toSorted(), ['.tmp-elsewhere', 'one']);
    assert.ok((await readdir(root)).includes(markerName));
  });

  it('leaves nothing behind when it is cancelled in the middle of a big object', async () => {
    const controller = new AbortController();
    const cancelling: FileSystem = {
      ...nodeFileSystem,
      create: async (path) => {
        const file = await nodeFileSystem.create(path);
        return {
          write: async (bytes, position) => {
            controller.abort();
            return await file.write(bytes, position);
          },
          read: (bytes, position) => file.read(bytes, position),
          sync: () => file.sync(),
          facts: () => file.facts(),
          close: () => file.close(),
        };
      },
    };
    const cancelled = await openFilesystemStore({ root, storeId, fileSystem: cancelling });
    await assert.rejects(cancelled.put('a/big', Buffer.alloc(9 << 20, 1), { signal: controller.signal }), hasCode('cancelled'));
    assert.deepEqual(await readdir(join(root, 'a')), []);
  });

  it('M6: follows no symbolic link that leads an object elsewhere, neither to read nor to write nor to delete', async () => {
    const elsewhere = join(root, '..', `${basename(root)}-elsewhere`);
    await store.put('a/b/one', Buffer.from('mine'));
    try {
      await rename(join(root, 'a'), elsewhere);
      await symlink(elsewhere, join(root, 'a'));
      await assert.rejects(store.put('a/b/two', Buffer.from('x')), hasCode('tampered'));
      await assert.rejects(store.put('a/c/two', Buffer.from('x')), hasCode('tampered'));
      assert.equal(await store.get('a/b/one'), undefined);
      assert.equal(await store.head('a/b/one'), undefined);
      await assert.rejects(store.delete('a/b/one', null), hasCode('tampered'));
      assert.deepEqual(await readdir(join(elsewhere, 'b')), ['one']);
      assert.deepEqual(await readdir(elsewhere), ['b']);
      assert.deepEqual(await keysOf(store), []);
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
  });

  it('works in a folder that is itself reached by a link', async () => {
    const link = join(root, '..', `${basename(root)}-link`);
    await symlink(root, link);
    try {
      const linked = await openFilesystemStore({ root: link, storeId });
      await linked.put('a/one', Buffer.from('x'));
      assert.equal((await linked.get('a/one'))?.body.length, 1);
    } finally {
      await rm(link);
    }
  });
});
