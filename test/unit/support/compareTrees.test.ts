import assert from 'node:assert/strict';
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compareTrees } from '../../support/compareTrees.ts';
import { makeSampleTree } from '../../support/sampleTree.ts';

describe('comparing two trees', () => {
  let folder = '';
  const at = (...parts: readonly string[]): string => path.join(folder, ...parts);
  const differences = (): readonly string[] => compareTrees(at('a'), at('b')).differences;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-compare-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('finds two sample trees of one seed equal, and those of two seeds different', () => {
    const made = makeSampleTree(at('a'), { seed: 5 });
    makeSampleTree(at('b'), { seed: 5 });
    makeSampleTree(at('c'), { seed: 6 });
    const readable = compareTrees(at('a'), at('b'), { leaveOut: (name) => made.unreadable.includes(name.toString()) });
    assert.deepEqual(readable.differences, []);
    assert.equal(readable.files + readable.links, made.entries - made.unreadable.length);
    assert.notDeepEqual(compareTrees(at('a'), at('c'), { leaveOut: (name) => made.unreadable.includes(name.toString()) }).differences, []);
  });

  describe('names each kind of difference', () => {
    beforeEach(() => {
      for (const side of ['a', 'b']) {
        mkdirSync(at(side));
        writeFileSync(at(side, 'file'), 'content');
        writeFileSync(at(side, 'twin'), 'content');
        symlinkSync('file', at(side, 'link'));
        for (const name of ['file', 'twin', 'link', '']) lutimesSync(at(side, name), 1_700_000_000, 1_700_000_000);
      }
      assert.deepEqual(differences(), []);
    });
    const settle = (): void => utimesSync(at('b'), 1_700_000_000, 1_700_000_000);
    const table: readonly (readonly [string, () => void, RegExp])[] = [
      ['content of the same length and time', () => writeFileSync(at('b', 'file'), 'cOntent'), /^"file": content differs from byte 1 on$/],
      ['a shorter file', () => truncateSync(at('b', 'file'), 3), /^"file": 3 bytes, not 7$/],
      ['a mode', () => chmodSync(at('b', 'file'), 0o600), /^"file": mode 600, not 644$/],
      [
        'a time off by two microseconds',
        () => utimesSync(at('b', 'file'), 1_700_000_000, 1_700_000_000.000002),
        /^"file": modification time/,
      ],
      ['a missing file', () => unlinkSync(at('b', 'file')), /^"file": missing$/],
      ['an extra file', () => writeFileSync(at('b', 'more'), ''), /^"more": not expected$/],
      [
        'a broken hard link',
        () => (unlinkSync(at('a', 'twin')), linkSync(at('a', 'file'), at('a', 'twin'))),
        /^"twin": no hard link of "file"$/,
      ],
      [
        'a made-up hard link',
        () => (unlinkSync(at('b', 'twin')), linkSync(at('b', 'file'), at('b', 'twin'))),
        /^"twin": a hard link of "file"$/,
      ],
      [
        'another link target',
        () => (unlinkSync(at('b', 'link')), symlinkSync('twin', at('b', 'link'))),
        /^"link": a link to "twin", not to "file"$/,
      ],
      ['another kind', () => (unlinkSync(at('b', 'link')), mkdirSync(at('b', 'link'))), /^"link": a folder, not a link$/],
      [
        'a name that differs in one byte',
        () => renameSync(Buffer.from(at('b', 'file')), Buffer.concat([Buffer.from(at('b', 'fil')), Buffer.from([0xff])])),
        /^hex 66696cff: not expected$/,
      ],
    ];
    for (const [what, change, expected] of table) {
      it(what, () => {
        change();
        for (const side of ['a', 'b']) {
          lutimesSync(at(side, 'link'), 1_700_000_000, 1_700_000_000);
          utimesSync(at(side), 1_700_000_000, 1_700_000_000);
        }
        if (!what.startsWith('a time') && what !== 'a missing file' && !what.startsWith('a name'))
          utimesSync(at('b', 'file'), 1_700_000_000, 1_700_000_000);
        settle();
        assert.ok(
          differences().some((line) => expected.test(line)),
          differences().join('\n'),
        );
      });
    }
    it('holes that were filled', () => {
      for (const side of ['a', 'b']) {
        writeFileSync(at(side, 'sparse'), side === 'b' ? Buffer.alloc(4_000_000) : '');
        truncateSync(at(side, 'sparse'), 4_000_000);
        utimesSync(at(side, 'sparse'), 1_700_000_000, 1_700_000_000);
        utimesSync(at(side), 1_700_000_000, 1_700_000_000);
      }
      assert.equal(differences().length, 1);
      assert.match(differences()[0] ?? '', /^"sparse": blocks on disk/);
      assert.deepEqual(compareTrees(at('a'), at('b'), { holes: false }).differences, []);
    });
  });
});
