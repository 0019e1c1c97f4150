import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { refuseReadOnly } from '../../../daemon/policies/targetFolder.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

describe('target of a restore', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hf-target-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function refusing(code: string, at: string, asked: string[] = []): (file: string) => Promise<void> {
    return async (file) => {
      asked.push(file);
      if (file === at) throw Object.assign(new Error(code), { code, syscall: 'access' });
      if (!file.startsWith(folder) || file !== folder) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT', syscall: 'access' });
    };
  }

  it('that lies where the daemon can write, there or not, is taken', async () => {
    await refuseReadOnly(folder, {});
    await refuseReadOnly(path.join(folder, 'not', 'there'), {});
  });

  it('that lies on a read-only file system is refused before any work, by the nearest folder that is there', async () => {
    const asked: string[] = [];
    const target = path.join(folder, 'a', 'b');
    const canWrite = refusing('EROFS', folder, asked);
    await assert.rejects(
      () => refuseReadOnly(target, {}, canWrite),
      (error) =>
        HoldfastError.is(error, 'refusedByRule') &&
        error.message === `Failed to restore into ${target}: the daemon can only read there.` &&
        error.fix === 'Choose a folder on a disk that can be written to.',
    );
    assert.deepEqual(asked, [target, path.dirname(target), folder]);
  });

  it('is told to be one that a confined service may not write to, with the way to let it', async () => {
    const canWrite = refusing('EROFS', folder);
    await assert.rejects(
      () => refuseReadOnly(folder, { INVOCATION_ID: '0123' }, canWrite),
      (error) =>
        HoldfastError.is(error, 'refusedByRule') &&
        error.fix === `Let the service write there: "holdfast service install --writable ${folder}".`,
    );
  });

  it('whose rights forbid it is none of this rule’s: the restore names each file', async () => {
    await refuseReadOnly(folder, {}, refusing('EACCES', folder));
  });
});
