import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rawOf, rawPath } from '../../../daemon/engine/rawPath.ts';
import { makeFolders } from '../../../protocol/makeFolders.ts';

describe('folders with all that leads to them', function () {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-folders-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('are made with all that leads to them, for nobody else to enter, over links and with any name', () => {
    mkdirSync(join(root, 'there'), { mode: 0o755 });
    symlinkSync(join(root, 'there'), join(root, 'link'));
    const path = join(root, 'link', 'ünï', 'b', 'c');
    makeFolders(rawOf(path), rawPath);
    makeFolders(rawOf(path), rawPath);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(root, 'there', 'ünï')).mode & 0o777, 0o700);
    assert.equal(statSync(join(root, 'there')).mode & 0o777, 0o755);
  });

  it('are not made below a file or behind a link that leads nowhere', () => {
    writeFileSync(join(root, 'file'), '');
    symlinkSync(join(root, 'nowhere'), join(root, 'link'));
    assert.throws(() => makeFolders(join(root, 'file')), { code: 'EEXIST' });
    assert.throws(() => makeFolders(join(root, 'file', 'a')), { code: 'ENOTDIR' });
    assert.throws(() => makeFolders(join(root, 'link', 'a', 'b')), { code: 'EEXIST' });
  });

  it('M6: where the system makes none end in its error, and not in asking it for ever', function () {
    if (process.platform !== 'linux') this.skip();
    const module = new URL('../../../protocol/makeFolders.ts', import.meta.url).href;
    const script = `import { makeFolders } from ${JSON.stringify(module)};
      try { makeFolders('/proc/holdfast/a'); } catch (error) { process.stdout.write(error.code); }`;
    // A process of its own, for a call that does not come back can't be stopped from inside.
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(stdout, 'ENOENT');
  });
});
