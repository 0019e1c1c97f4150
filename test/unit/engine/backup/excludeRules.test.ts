import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { ExcludeRules, type GitignoreScope } from '../../../../daemon/engine/backup/excludeRules.ts';

type Tree = Readonly<Record<string, string>>;

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'holdfast-exclude-'));

  constructor(tree: Tree) {
    for (const [name, content] of Object.entries(tree)) {
      const full = join(this.path, name);
      mkdirSync(join(full, '..'), { recursive: true });
      writeFileSync(full, content);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The files that a walk keeps, as it asks: folder by folder, and never inside of one that is left out. */
function kept(root: string, rules: ExcludeRules): string[] {
  const found: string[] = [];
  const walk = (path: string, outer: GitignoreScope): void => {
    const absolute = path === '' ? root : `${root}/${path}`;
    const entries = readdirSync(absolute, { withFileTypes: true, encoding: 'utf8' });
    const scope = rules.enter(absolute, path, outer, (name) => entries.some((entry) => entry.name === name));
    for (const entry of entries) {
      const inside = path === '' ? entry.name : `${path}/${entry.name}`;
      if (rules.isExcluded(Buffer.from(inside, 'utf8').toString('latin1'), entry.isDirectory(), scope)) continue;
      if (entry.isDirectory()) walk(inside, scope);
      else found.push(inside);
    }
  };
  walk('', []);
  return found.toSorted();
}

/** The files that git would take into a commit. */
function keptByGit(root: string): string[] {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'core.excludesFile=', '-c', 'core.ignoreCase=false', ...args], { cwd: root, encoding: 'utf8' });
  git('init', '-q');
  const listed = git('ls-files', '-z', '--others', '--exclude-standard');
  return listed
    .split('\0')
    .filter((name) => name !== '')
    .toSorted();
}

function files(...names: readonly string[]): Tree {
  return Object.fromEntries(names.map((name) => [name, '']));
}

describe('exclude patterns of a policy', () => {
  for (const [pattern, names, left] of [
    ['*.o', ['a.o', 'a.O', 'deep/b.o', 'c.obj'], ['a.O', 'c.obj']],
    ['build', ['build/x', 'Build/x', 'sub/build/x', 'rebuild'], ['Build/x', 'rebuild']],
    ['build/', ['build', 'sub/build/x'], ['build']],
    ['/top', ['top', 'sub/top'], ['sub/top']],
    ['a/b', ['a/b', 'x/a/b'], ['x/a/b']],
    ['**/cache/*.tmp', ['cache/1.tmp', 'x/y/cache/2.tmp', 'x/2.tmp'], ['x/2.tmp']],
    ['logs/**', ['logs/a', 'logs/deep/b', 'logs2'], ['logs2']],
    ['file[0-9]', ['file1', 'filex'], ['filex']],
    ['\\#odd', ['#odd', 'odd'], ['odd']],
    ['space\\ ', ['space ', 'space'], ['space']],
  ] as const) {
    it(`leave out what ${pattern} names, and nothing else`, () => {
      using folder = new Folder(files(...names));
      assert.deepEqual(kept(folder.path, new ExcludeRules([pattern], false)), left);
    });
  }

  it('take back what a later one negates, but nothing inside of a folder that is left out', () => {
    using folder = new Folder(files('a.log', 'keep.log', 'gone/keep.log'));
    assert.deepEqual(kept(folder.path, new ExcludeRules(['*.log', 'gone/', '!keep.log'], false)), ['keep.log']);
  });

  it('are not undone by a .gitignore', () => {
    using folder = new Folder({ '.gitignore': '!secret', secret: '', other: '' });
    assert.deepEqual(kept(folder.path, new ExcludeRules(['secret'], true)), ['.gitignore', 'other']);
  });

  it('leave names that are no UTF-8 alone, and match what of a name is text', () => {
    const rules = new ExcludeRules(['*.o'], false);
    assert.equal(rules.isExcluded('\xff\xfe.o', false, []), true);
    assert.equal(rules.isExcluded('\xff\xfe.c', false, []), false);
  });

  it('are asked for a million names without a growing memory of them', () => {
    const rules = new ExcludeRules(['*.o'], false);
    for (let index = 0; index < 60_000; index += 1) assert.equal(rules.isExcluded(`file ${index}.c`, false, []), false);
    assert.equal(rules.isExcluded('x.o', false, []), true);
  });
});

describe('.gitignore files', () => {
  for (const [what, tree] of [
    [
      'patterns of an inner folder go before those of an outer one',
      { '.gitignore': '*.log', 'sub/.gitignore': '!keep.log', 'sub/keep.log': '', 'sub/x.log': '', 'x.log': '' },
    ],
    [
      'a folder that an inner pattern takes back is not ignored inside',
      {
        '.gitignore': 'sub/*\n*.log',
        'sub/.gitignore': '!dir/',
        'sub/dir/file': '',
        'sub/dir/x.log': '',
        'sub/dir/deeper/file': '',
        'sub/other': '',
      },
    ],
    ['case counts', { '.gitignore': 'build/\n*.o', 'Build/x': '', 'build/x': '', 'A.O': '', 'a.o': '' }],
    ['line ends of other systems do not count', { '.gitignore': '*.o\r\nbuild\r\n', 'a.o': '', build: '', 'c.c': '' }],
    ['a byte order mark does not count', { '.gitignore': '\ufeff*.o\n', 'a.o': '', 'c.c': '' }],
    ['spaces at the end count only when escaped', { '.gitignore': 'one  \ntwo\\ \n', one: '', 'two ': '', two: '' }],
    ['anchored patterns belong to their folder', { 'sub/.gitignore': '/only', 'sub/only': '', 'sub/deep/only': '', only: '' }],
    [
      'names with special characters',
      { '.gitignore': '*.o', 'we[ir]d *?/a.o': '', 'we[ir]d *?/b': '', ' x/!y/#z/a.o': '', ' x/!y/#z/b': '' },
    ],
    ['backslashes in names', { '.gitignore': 'a\\\\b', 'a\\b': '', ab: '' }],
    ['names with line breaks', { '.gitignore': '*.o\nlogs/**', 'a\nb.o': '', 'logs/a\nb': '', 'c\nd': '' }],
    ['.git/info/exclude holds too', { '.git/info/exclude': '*.tmp\n', 'a.tmp': '', b: '' }],
  ] as const satisfies readonly (readonly [string, Tree])[]) {
    it(`are read as git reads them: ${what}`, () => {
      using folder = new Folder(tree);
      const expected = keptByGit(folder.path);
      const found = kept(folder.path, new ExcludeRules([], true)).filter((name) => !name.startsWith('.git/'));
      assert.deepEqual(found, expected);
    });
  }

  it('say nothing about .git itself, and those of an outer work tree nothing about an inner one', () => {
    using folder = new Folder({ '.gitignore': '*\n', '.git/config': '', 'inner/.git/HEAD': '', 'inner/x': '' });
    assert.deepEqual(kept(folder.path, new ExcludeRules([], true)), ['.git/config']);
    using other = new Folder({ '.gitignore': '*.o\n', 'inner/.git/HEAD': '', 'inner/x.o': '', 'inner/.gitignore': '*.c', 'inner/y.c': '' });
    assert.deepEqual(kept(other.path, new ExcludeRules([], true)), ['.gitignore', 'inner/.git/HEAD', 'inner/.gitignore', 'inner/x.o']);
  });

  it('are not read where the policy does not ask for it', () => {
    using folder = new Folder({ '.gitignore': '*', x: '' });
    assert.deepEqual(kept(folder.path, new ExcludeRules([], false)), ['.gitignore', 'x']);
  });

  it('decide about random trees as git does', function () {
    this.timeout(60_000);
    const name = fc.constantFrom('a', 'b', 'c.o', 'd.log', 'keep', 'A');
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    const pattern = fc
      .tuple(
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom('a', 'b', '*.o', '*.log', 'a/b', '**/b', 'a/**', 'a/*', '*', 'keep', 'b/c.o', '?'),
        fc.boolean(),
      )
      .map(([negated, anchored, body, folderOnly]) => `${negated ? '!' : ''}${anchored ? '/' : ''}${body}${folderOnly ? '/' : ''}`);
    const ignoreFile = fc.tuple(fc.option(path), fc.array(pattern, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 12 }), fc.array(ignoreFile, { maxLength: 3 }), (paths, ignoreFiles) => {
        const tree: Record<string, string> = {};
        // A path that is a folder of another one can't be a file.
        for (const one of paths) tree[`${one}.f`] = '';
        for (const [folder, patterns] of ignoreFiles) tree[folder === null ? '.gitignore' : `${folder}/.gitignore`] = patterns.join('\n');
        using folder = new Folder(tree);
        const found = kept(folder.path, new ExcludeRules([], true));
        assert.deepEqual(found, keptByGit(folder.path));
      }),
      { numRuns: 150 },
    );
  });
});
