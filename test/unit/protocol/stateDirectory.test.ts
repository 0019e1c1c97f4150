import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeStateDirectory } from '../../../protocol/stateDirectory.ts';

describe('a state directory', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'holdfast-state-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made with all that leads to it, for nobody else, and stays as it is where it is there', () => {
    const wanted = path.join(folder, 'a', 'ü b', 'state');
    makeStateDirectory(wanted);
    if (process.platform !== 'win32') assert.equal(statSync(wanted).mode & 0o777, 0o700);
    writeFileSync(path.join(wanted, 'file'), 'x');
    makeStateDirectory(wanted);
    assert.equal(statSync(path.join(wanted, 'file')).size, 1);
  });

  it('may be reached over a link', () => {
    mkdirSync(path.join(folder, 'real'));
    symlinkSync(path.join(folder, 'real'), path.join(folder, 'link'));
    makeStateDirectory(path.join(folder, 'link', 'state'));
    assert.ok(statSync(path.join(folder, 'real', 'state')).isDirectory());
  });

  it('is refused by the error of the system below a file, and where nothing can be made, at once', function () {
    writeFileSync(path.join(folder, 'file'), 'x');
    assert.throws(() => makeStateDirectory(path.join(folder, 'file', 'state')), /ENOTDIR|ENOENT|EEXIST/);
    if (process.platform !== 'linux') return;
    assert.throws(() => makeStateDirectory('/proc/holdfast/state'), /ENOENT/);
  });
});
