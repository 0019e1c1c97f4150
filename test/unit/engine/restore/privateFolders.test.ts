import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PrivateFolders } from '../../../../daemon/engine/restore/privateFolders.ts';

describe('folders whose paths nobody else can lead elsewhere', () => {
  let root: string;
  beforeEach(function () {
    if (process.platform === 'win32') this.skip();
    root = mkdtempSync(path.join(tmpdir(), 'holdfast-private-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** Whether a folder below one of this mode and owner is private. */
  function isPrivateBelow(mode: number, uid?: number): boolean {
    const between = mkdtempSync(path.join(root, 'between-'));
    const folder = path.join(between, 'folder');
    mkdirSync(folder, { mode: 0o700 });
    if (uid !== undefined) chownSync(between, uid, uid);
    chmodSync(between, mode);
    return new PrivateFolders().has(folder);
  }

  for (const mode of [0o700, 0o755, 0o751, 0o1777, 0o1770, 0o2755]) {
    it(`M6: are those below a folder of mode ${mode.toString(8)}`, () => assert.equal(isPrivateBelow(mode), true));
  }
  for (const mode of [0o777, 0o770, 0o702, 0o720, 0o2775]) {
    it(`M6: are none below a folder of mode ${mode.toString(8)}`, () => assert.equal(isPrivateBelow(mode), false));
  }

  it('M6: are none below a folder of somebody else, whatever its mode', function () {
    if (process.geteuid?.() !== 0) this.skip();
    for (const mode of [0o700, 0o755, 0o1777]) assert.equal(isPrivateBelow(mode, 12_345), false, mode.toString(8));
  });

  it('M6: are none behind a link, or where something else is or nothing', () => {
    mkdirSync(path.join(root, 'folder', 'below'), { recursive: true, mode: 0o700 });
    symlinkSync('folder', path.join(root, 'link'));
    writeFileSync(path.join(root, 'file'), '');
    const folders = new PrivateFolders();
    const verdicts = ['folder', 'folder/below', 'link', 'link/below', 'file', 'gone', 'gone/below'].map((name) =>
      folders.has(path.join(root, name)),
    );
    assert.deepEqual(verdicts, [true, true, false, false, false, false, false]);
    assert.equal(folders.has('/'), true);
  });
});
