import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { FolderDoor } from '../../../../daemon/engine/restore/folderDoor.ts';
import { sweepLeftovers } from '../../../../daemon/engine/restore/sweepLeftovers.ts';
import { isLeftover, temporaryName } from '../../../../daemon/engine/restore/temporaryName.ts';
import { rawOf } from '../../../../daemon/engine/rawPath.ts';

const ended = randomUUID();
const running = randomUUID();
const file = { isFile: () => true, isSymbolicLink: () => false };

describe('what a restore has left half done', () => {
  let root: string;
  let folder: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'hf-leftovers-'));
    folder = path.join(root, 'ü');
    mkdirSync(folder);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function sweep(runs: readonly string[] = [ended]): readonly string[] {
    const warnings: string[] = [];
    using door = new FolderDoor();
    sweepLeftovers(door, rawOf(folder), new Set(runs), (sentence) => warnings.push(sentence));
    return warnings;
  }

  it('goes, and what has a like name or is of another run stays', () => {
    const others = [
      temporaryName(running, 1),
      `.holdfast-${ended}-0.tmp`,
      `.holdfast-${ended}-01.tmp`,
      `.holdfast-${ended}-1.tmp.bak`,
      `.holdfast-${ended}-.tmp`,
      `.holdfast-${ended.toUpperCase()}-1.tmp`,
      `.holdfast-${ended.replaceAll('-', '')}-1.tmp`,
      `x.holdfast-${ended}-1.tmp`,
      `.holdfast-${ended}-1-1.tmp`,
      ended,
    ];
    for (const name of [temporaryName(ended, 1), temporaryName(ended, 4096), ...others]) writeFileSync(path.join(folder, name), name);
    assert.deepEqual(sweep(), []);
    assert.deepEqual(readdirSync(folder).toSorted(), others.toSorted());
  });

  it('stays as long as no run is said to have ended', () => {
    writeFileSync(path.join(folder, temporaryName(ended, 1)), '');
    assert.deepEqual(sweep([]), []);
    assert.equal(readdirSync(folder).length, 1);
  });

  it('M6: is taken away by its name: what a link of that name leads to stays, and so does a folder', () => {
    const outside = path.join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(path.join(outside, 'mine'), 'mine');
    symlinkSync(path.join(outside, 'mine'), path.join(folder, temporaryName(ended, 1)));
    symlinkSync(outside, path.join(folder, temporaryName(ended, 2)));
    mkdirSync(path.join(folder, temporaryName(ended, 3)));
    assert.deepEqual(sweep(), []);
    assert.equal(readFileSync(path.join(outside, 'mine'), 'utf8'), 'mine');
    assert.deepEqual(readdirSync(folder), [temporaryName(ended, 3)]);
  });

  it('M6: is not looked for behind a link that took the place of the folder', function () {
    if (process.platform !== 'linux') this.skip();
    const outside = path.join(root, 'outside');
    renameSync(folder, outside);
    writeFileSync(path.join(outside, temporaryName(ended, 1)), '');
    symlinkSync(outside, folder);
    assert.match(
      sweep().join(),
      /^What an earlier restore left half done can't be removed from .*: (a symbolic link took its place|its folder is gone)\.$/,
    );
    assert.ok(existsSync(path.join(outside, temporaryName(ended, 1))));
  });

  it('is told apart by the id of its run alone, whatever the number', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), fc.integer({ min: 1, max: 2 ** 48 }), (one, other, number) => {
        const entry = { ...file, name: temporaryName(one, number) };
        assert.equal(isLeftover(entry, new Set([one])), true);
        assert.equal(isLeftover(entry, new Set(one === other ? [] : [other])), false);
      }),
    );
  });
});
