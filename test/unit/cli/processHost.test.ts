import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { processHost } from '../../../cli/processHost.ts';

describe('cli machine', () => {
  it('tells a file that other users may read from one that they may not, from a folder and from none', async function () {
    if (process.platform === 'win32') this.skip();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'hf-host-'));
    try {
      const host = processHost('main.ts');
      const file = path.join(folder, 'keys');
      writeFileSync(file, 'secret');
      for (const [mode, expected] of [
        [0o600, false],
        [0o640, true],
        [0o604, true],
        [0o400, false],
      ] as const) {
        chmodSync(file, mode);
        assert.equal(await host.othersMayRead(file), expected, mode.toString(8));
      }
      chmodSync(folder, 0o755);
      assert.equal(await host.othersMayRead(folder), false);
      assert.equal(await host.othersMayRead(path.join(folder, 'none')), false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
