import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialiseStore } from '../../../daemon/locations/marker.ts';
import { type ValidateOptions, validateLocation } from '../../../daemon/locations/validate.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationCheck } from '../../../protocol/methods/locations.ts';
import { newId } from '../../support/ids.ts';
import { MemoryDisk } from '../../support/memoryDisk.ts';

const everything = [
  'exists',
  'isFolder',
  'marker',
  'readable',
  'writable',
  'clock',
  'putIfAbsent',
  'readBack',
  'rangeRead',
  'list',
  'hardLinks',
  'folderSync',
  'delete',
  'freeSpace',
  'otherDisk',
];

async function onDisk(change: (disk: MemoryDisk) => void, options: Partial<ValidateOptions> = {}): Promise<readonly LocationCheck[]> {
  const disk = new MemoryDisk();
  await disk.makeFolder('/store');
  await disk.makeFolder('/state');
  change(disk);
  const base: ValidateOptions = {
    spec: { kind: 'filesystem', path: '/store' },
    stateDirectory: '/state',
    now: () => new Date(),
    fileSystem: disk,
  };
  return await validateLocation({ ...base, ...options });
}

function resultOf(checks: readonly LocationCheck[], name: string): string | undefined {
  return checks.find(({ check }) => check === name)?.result;
}

/** Each line has a sentence, and those that are no pass a way out. */
function assertReadable(checks: readonly LocationCheck[]): void {
  for (const { check, result, detail, fix } of checks) {
    assert.ok(detail.endsWith('.') && detail.length < 300, `${check}: ${detail}`);
    assert.ok(result === 'pass' || (fix !== null && fix.endsWith('.')), `${check} without a way out`);
  }
}

describe('validation of a folder', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-validate-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const onRealFolder = (path: string): Promise<readonly LocationCheck[]> =>
    validateLocation({ spec: { kind: 'filesystem', path }, stateDirectory: folder, now: () => new Date() });

  it('passes a good folder, names every check, and leaves nothing there', async () => {
    await mkdir(join(folder, 'store'));
    const checks = await onRealFolder(join(folder, 'store'));
    assert.deepEqual(
      checks.map(({ check }) => check),
      everything,
    );
    assert.deepEqual(
      checks.filter(({ result, check }) => result !== 'pass' && check !== 'freeSpace').map(({ check, result }) => [check, result]),
      [['otherDisk', 'warn']],
    );
    assert.deepEqual(await readdir(join(folder, 'store')), []);
    assertReadable(checks);
  });

  it('M8: fails a folder that is missing, and a path that is a file', async () => {
    await writeFile(join(folder, 'file'), 'x');
    const missing = await onRealFolder(join(folder, 'missing'));
    assert.deepEqual([missing.length, resultOf(missing, 'exists')], [1, 'fail']);
    const file = await onRealFolder(join(folder, 'file'));
    assert.deepEqual([file.length, resultOf(file, 'isFolder')], [2, 'fail']);
    assertReadable([...missing, ...file]);
  });

  it('fails where the marker of a known store is missing or another', async () => {
    const missing = await onDisk(() => undefined, { storeId: newId() });
    assert.equal(resultOf(missing, 'marker'), 'fail');
    assert.equal(resultOf(missing, 'writable'), undefined, 'nothing is written into what may be a bare mount point');
    await initialiseStore(folder, { storeId: newId(), now: new Date() });
    const other = await validateLocation({
      spec: { kind: 'filesystem', path: folder },
      storeId: newId(),
      stateDirectory: folder,
      now: () => new Date(),
    });
    assert.equal(resultOf(other, 'marker'), 'fail');
    assertReadable([...missing, ...other]);
  });

  for (const code of ['EROFS', 'EACCES', 'ENOSPC', 'EIO']) {
    it(`fails with a sentence where nothing can be written (${code})`, async () => {
      const checks = await onDisk((disk) => disk.setFaults({ operation: 'create', at: 1, code }));
      assert.equal(resultOf(checks, 'writable'), 'fail');
      assert.equal(resultOf(checks, 'readBack'), undefined);
      assertReadable(checks);
    });
  }

  it('fails where syncing fails, and only warns without hard links, of little space and of a wrong clock', async () => {
    const unsynced = await onDisk((disk) => disk.setFaults({ operation: 'sync', at: 1, code: 'EIO' }));
    assert.equal(resultOf(unsynced, 'writable'), 'fail');
    const odd = await onDisk((disk) => {
      disk.hardLinks = false;
      disk.capacity = 1_000_000;
      disk.now = () => new Date('2020-01-01T00:00:00Z');
    });
    assert.deepEqual(
      odd.filter(({ result }) => result !== 'pass').map(({ check, result }) => [check, result]),
      [
        ['clock', 'warn'],
        ['hardLinks', 'warn'],
        ['freeSpace', 'warn'],
        ['otherDisk', 'warn'],
      ],
    );
    assertReadable([...unsynced, ...odd]);
  });

  it('fails a disk that gives back other bytes', async () => {
    const checks = await onDisk((disk) => {
      const openToRead = disk.openToRead.bind(disk);
      disk.openToRead = async (path) => {
        const file = await openToRead(path);
        const lying: typeof file = {
          ...file,
          read: async (bytes, position) => {
            const count = await file.read(bytes, position);
            bytes[0] = (bytes[0] ?? 0) ^ 1;
            return count;
          },
        };
        return lying;
      };
    });
    assert.deepEqual([resultOf(checks, 'readBack'), resultOf(checks, 'rangeRead')], ['fail', 'fail']);
  });

  it('cleans up and ends as cancelled when it is cancelled in the middle', async () => {
    const controller = new AbortController();
    const disk = new MemoryDisk();
    await disk.makeFolder('/state');
    disk.now = () => {
      if (disk.operations.includes('write')) controller.abort();
      return new Date();
    };
    await assert.rejects(
      validateLocation({
        spec: { kind: 'filesystem', path: '/' },
        stateDirectory: '/state',
        now: () => new Date(),
        fileSystem: disk,
        signal: controller.signal,
      }),
      (error) => HoldfastError.is(error, 'cancelled'),
    );
    assert.ok(disk.operations.includes('write'));
    assert.deepEqual(
      (await disk.readFolder('/')).map(({ name }) => name),
      ['state'],
    );
  });

  it('removes what a crashed validation left, and touches nothing that is young, a link, or of another name', async () => {
    const old = new Date(Date.now() - 2 * 3_600_000);
    const names = ['0123456789abcdef', 'fedcba9876543210'].map((hex) => `holdfast-check-${hex}`);
    for (const name of [...names, 'holdfast-check-mine']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'canary'), 'x');
    }
    const [left = '', young = ''] = names;
    const link = 'holdfast-check-aaaaaaaaaaaaaaaa';
    await symlink(join(folder, 'holdfast-check-mine'), join(folder, link));
    for (const name of [left, 'holdfast-check-mine']) await utimes(join(folder, name), old, old);
    const checks = await validateLocation({ spec: { kind: 'filesystem', path: folder }, stateDirectory: folder, now: () => new Date() });
    assert.equal(resultOf(checks, 'delete'), 'pass');
    assert.deepEqual((await readdir(folder)).toSorted(), [link, young, 'holdfast-check-mine'].toSorted());
    assert.deepEqual(await readdir(join(folder, 'holdfast-check-mine')), ['canary']);
  });
});
