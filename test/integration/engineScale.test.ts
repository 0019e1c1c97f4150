import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('../support/engineScaleRun.ts', import.meta.url));

/** Peak memory of a process that backs up and restores so many files. */
async function peakOf(files: number): Promise<number> {
  // So many files are a matter of the kernel's: in memory, where there is such a folder, they take seconds.
  const env = { ...process.env, ...(existsSync('/dev/shm') ? { HOLDFAST_TEST_TMPDIR: '/dev/shm' } : {}) };
  const { stdout } = await promisify(execFile)(process.execPath, [script, String(files)], { env });
  const found: unknown = JSON.parse(stdout);
  assert.ok(typeof found === 'object' && found !== null && 'peak' in found && typeof found.peak === 'number');
  assert.ok('first' in found && 'second' in found && 'restored' in found);
  assert.deepEqual([found.first, found.second, found.restored], [files, files, files]);
  return found.peak;
}

describe('many files', () => {
  // A million takes minutes, so the growth from few to many is held instead: less than a thousand bytes for each file more.
  it('X10: nine times as many files need hardly more memory', async function () {
    this.timeout(90_000);
    const few = await peakOf(3000);
    const many = await peakOf(27_000);
    assert.equal(many - few < 24_000 * 1000, true, `${few} bytes for few, ${many} for many`);
  });
});
