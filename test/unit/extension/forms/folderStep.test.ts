import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { folderProblem } from '../../../../extension/forms/folderStep.ts';

describe('a folder that a form asks for', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-folder-'));
    writeFileSync(path.join(folder, 'file'), '');
  });

  after(() => rmSync(folder, { recursive: true }));

  it('will do where it is there, and where it may be missing', async () => {
    assert.equal(await folderProblem(folder, { mayBeMissing: false }), undefined);
    assert.equal(await folderProblem(path.join(folder, 'none'), { mayBeMissing: true }), undefined);
  });

  it('will not do as a file, and where it is missing and has to be there', async () => {
    assert.match((await folderProblem(path.join(folder, 'file'), { mayBeMissing: true })) ?? '', /has to be a folder/);
    assert.match((await folderProblem(path.join(folder, 'none'), { mayBeMissing: false })) ?? '', /no such folder/);
  });

  it('is refused in the step itself where the system lets nobody look into it', async () => {
    const looked: string[] = [];
    const look = async (at: string): Promise<void> => {
      looked.push(at);
      await Promise.reject(Object.assign(new Error('permission denied'), { code: 'EACCES', syscall: 'scandir' }));
    };
    assert.match((await folderProblem(folder, { mayBeMissing: true, look })) ?? '', /cannot be looked at: the system says EACCES/);
    assert.deepEqual(looked, [folder]);
  });
});
