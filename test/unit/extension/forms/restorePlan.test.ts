import assert from 'node:assert/strict';
import {
  asksConflict,
  confirmationOf,
  conflictChoices,
  conflictOf,
  isTaken,
  parentOf,
  type RestorePlan,
  toggled,
} from '../../../../extension/forms/restore/restorePlan.ts';
import { english } from './english.ts';

const plan: RestorePlan = {
  policyId: undefined,
  restorePointId: '11111111-1111-4111-8111-111111111111',
  made: '2026-11-21 17:00',
  paths: [],
  isChosen: false,
  where: 'folder',
  folder: '/home/me/restored',
  isFilled: false,
  conflict: 'overwrite',
};
const dry = { files: 3, bytes: 16 };

describe('a restore as a form plans it', () => {
  for (const [title, part, isAsked, conflict, act] of [
    ['into an empty folder', {}, false, 'refuse', undefined],
    ['into a folder that holds something, replacing', { isFilled: true }, true, 'overwrite', 'Restore and Replace'],
    ['into a folder that holds something, beside it', { isFilled: true, conflict: 'rename' }, true, 'rename', undefined],
    ['into a folder that holds something, leaving it', { isFilled: true, conflict: 'skip' }, true, 'skip', undefined],
    ['in place, replacing', { where: 'inPlace' }, true, 'overwrite', 'Restore and Replace'],
    ['in place, beside it', { where: 'inPlace', conflict: 'rename' }, true, 'rename', 'Restore'],
    ['in place, leaving it', { where: 'inPlace', conflict: 'skip' }, true, 'skip', 'Restore'],
  ] as const) {
    it(`${isAsked ? 'asks' : 'does not ask'} what becomes of what is there, and ${act === undefined ? 'does not stop' : `says "${act}"`} before it writes ${title}`, () => {
      const whole = { ...plan, ...part };
      assert.equal(asksConflict(whole), isAsked);
      assert.equal(conflictOf(whole), conflict);
      assert.equal(confirmationOf(whole, dry, english)?.act, act);
    });
  }

  it('says what is lost where something is, and that nothing is where nothing is', () => {
    assert.match(confirmationOf({ ...plan, isFilled: true }, dry, english)?.detail ?? '', /It is lost/);
    for (const conflict of ['skip', 'rename'] as const) {
      assert.match(confirmationOf({ ...plan, where: 'inPlace', conflict }, dry, english)?.detail ?? '', /Nothing that is there changes/);
    }
    for (const { value, detail } of conflictChoices(english)) {
      assert.match(detail, value === 'overwrite' ? /is lost/ : /[Nn]othing is lost/);
    }
  });

  it('names the amount and the place in its question', () => {
    assert.equal(confirmationOf({ ...plan, isFilled: true }, dry, english)?.question, 'Restore 3 files, 16 B to /home/me/restored?');
  });

  it('takes a folder in the place of what is in it, and gives back what is chosen twice', () => {
    let paths: readonly string[] = [];
    for (const [path, expected] of [
      ['a/b.txt', ['a/b.txt']],
      ['c', ['a/b.txt', 'c']],
      ['a', ['c', 'a']],
      ['ab', ['c', 'a', 'ab']],
      ['c', ['a', 'ab']],
    ] as const) {
      paths = toggled(paths, path);
      assert.deepEqual(paths, expected);
    }
    assert.deepEqual(
      ['a', 'a/x/y', 'abc', 'ab', 'b'].map((path) => isTaken(paths, path)),
      [true, true, false, true, false],
    );
  });

  it('knows the folder above', () => {
    assert.deepEqual(['a/b/c', 'a/b', 'a', ''].map(parentOf), ['a/b', 'a', '', '']);
  });
});
