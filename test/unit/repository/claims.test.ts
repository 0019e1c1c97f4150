import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FilesystemStore, openFilesystemStore } from '../../../daemon/locations/filesystem.ts';
import { initialiseStore } from '../../../daemon/locations/marker.ts';
import type { GetOptions, ObjectBody, ObjectStore } from '../../../daemon/locations/objectStore.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { rebuildIndex } from '../../../daemon/repository/rebuildIndex.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import { verifyRestorePoint } from '../../../daemon/repository/verify.ts';
import { newId } from '../../support/ids.ts';
import { assertRejected } from '../../support/refusals.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';
import { type SampleRepository, writeSampleRepository } from '../../support/sampleRepository.ts';

const keys = keysNamed('claims');
const keySource = keySourceOf(keys);
/** Costs no disk, for it is a hole; memory it would cost. */
const bomb = 600 * 1024 ** 2;

/** A folder with a repository in which an object becomes as long as its holder likes; tells the most bytes that one read gave. */
class LongObjects implements Disposable {
  readonly #root: string = mkdtempSync(join(tmpdir(), 'holdfast-claims-'));
  #inner: FilesystemStore | undefined;
  longestRead = 0;

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  async open(): Promise<{ readonly store: ObjectStore; readonly repository: SampleRepository }> {
    await initialiseStore(this.#root, { storeId: newId(), now: new Date() });
    const inner = await openFilesystemStore({ root: this.#root });
    this.#inner = inner;
    const get = async (key: string, options?: GetOptions): Promise<ObjectBody | undefined> => {
      const found = await inner.get(key, options);
      this.longestRead = Math.max(this.longestRead, found?.body.length ?? 0);
      return found;
    };
    const store: ObjectStore = {
      storeId: inner.storeId,
      capabilities: inner.capabilities,
      get,
      head: async (key, options) => await inner.head(key, options),
      put: async (key, body, options) => await inner.put(key, body, options),
      list: (prefix, options) => inner.list(prefix, options),
      delete: async (key, versionId, options) => await inner.delete(key, versionId, options),
    };
    return { store, repository: await writeSampleRepository(inner, keys) };
  }

  lengthen(key: string): void {
    truncateSync(join(this.#inner?.root ?? '', key), bomb);
  }
}

describe('an object that is longer than any can be', () => {
  it('M3: in place of a manifest is refused, and no more of it is read than a manifest has', async () => {
    using folder = new LongObjects();
    const { store, repository } = await folder.open();
    folder.lengthen(repository.written.key);
    await assertRejected(() => RestorePointReader.open(store, repository.written.key, keySource), 'segmentTag');
    assert.ok(folder.longestRead <= 128 * 1024 ** 2, String(folder.longestRead));
  });

  it('M3: in place of an index is named as damaged, and no more of it is read than is pinned', async () => {
    using folder = new LongObjects();
    const { store, repository } = await folder.open();
    const intact = await RestorePointReader.open(store, repository.written.key, keySource);
    const [pinned] = intact.manifest.indexes;
    assert.ok(pinned !== undefined);
    folder.longestRead = 0;
    folder.lengthen(pinned.key);
    const reader = await RestorePointReader.open(store, repository.written.key, keySource);
    assert.match(reader.unreadableIndexes[0]?.error.message ?? '', /of its 65536 bytes/);
    assert.ok(folder.longestRead <= pinned.length + 1, String(folder.longestRead));
  });

  it('M3: in place of a pack is named as damaged, and no more of it is read than a pack has', async () => {
    using folder = new LongObjects();
    const { store, repository } = await folder.open();
    const [pack = ''] = repository.fixture.packKeys;
    folder.lengthen(pack);
    const report = await verifyRestorePoint(store, repository.written.key, keySource, { readData: true });
    assert.ok(report.damaged.length > 0);
    assert.ok(folder.longestRead <= 1024 ** 2, String(folder.longestRead));
    const rebuilt = await rebuildIndex(store, keys.installationId, keys.policyId, keySource);
    assert.deepEqual(
      rebuilt.damaged.map(({ key }) => key),
      [pack],
    );
    assert.ok(folder.longestRead <= 256 * 1024 ** 2 + 1, String(folder.longestRead));
  });
});
