import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
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

  describe('and what a file that is made there belongs to', () => {
    const uid = process.geteuid?.() ?? 0;
    const gid = process.getegid?.() ?? 0;

    it('is this user with the group of the process, where the folder is of both', () => {
      assert.equal(new PrivateFolders().givesTo(root, uid, gid), true);
    });

    it('is not said of another owner or group', () => {
      const folders = new PrivateFolders();
      assert.equal(folders.givesTo(root, uid + 1, gid), false);
      assert.equal(folders.givesTo(root, uid, gid + 1), false);
    });

    it('is not said where the folder may hand its group on, or is of somebody else, or others may write to it', function () {
      if (uid !== 0) this.skip();
      const make = (change: (folder: string) => void): string => {
        const folder = mkdtempSync(path.join(root, 'given-'));
        change(folder);
        return folder;
      };
      const group = make((folder) => {
        chownSync(folder, uid, 12_345);
        chmodSync(folder, 0o2755);
        writeFileSync(path.join(folder, 'file'), '');
        assert.equal(statSync(path.join(folder, 'file')).gid, 12_345);
      });
      const folders = [group, make((folder) => chownSync(folder, 12_345, gid)), make((folder) => chmodSync(folder, 0o777))];
      assert.deepEqual(
        folders.map((folder) => new PrivateFolders().givesTo(folder, uid, gid)),
        [false, false, false],
      );
    });
  });
});
