import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { processServiceSystem } from '../../../../client/service/serviceSystem.ts';

describe('programs of the system that a service is made with', () => {
  it('V3: are started in the home folder: Windows looks into the folder that one is in before it looks into its own', async () => {
    const before = process.cwd();
    process.chdir(tmpdir());
    try {
      const { status, text } = await processServiceSystem().run(process.execPath, ['-p', 'process.cwd()']);
      assert.deepEqual([status, text.trim()], [0, realpathSync(homedir())]);
    } finally {
      process.chdir(before);
    }
  });
});
