import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { leadsTo } from '../../../../extension/files/leadsTo.ts';

describe('a file that a version is to take the place of', () => {
  let folder: string;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-link-')));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('V3 M6: is told with the place that it leads to where a link has come into its place, also to nothing', async () => {
    const at = (name: string): string => path.join(folder, name);
    mkdirSync(at('work'));
    writeFileSync(at('profile'), 'of the user');
    writeFileSync(at('work/plain.txt'), 'plain');
    symlinkSync('../profile', at('work/notes.txt'));
    symlinkSync('notes.txt', at('work/again.txt'));
    symlinkSync('../autostart', at('work/dangling.txt'));
    assert.equal(await leadsTo(at('work/notes.txt')), at('profile'));
    assert.equal(await leadsTo(at('work/again.txt')), at('profile'));
    assert.equal(await leadsTo(at('work/dangling.txt')), at('autostart'));
    for (const name of ['work/plain.txt', 'work', 'work/gone.txt']) assert.equal(await leadsTo(at(name)), undefined);
  });
});
