import ignore from 'ignore';
import { readSmallFile } from './readSmallFile.ts';

/** The matcher remembers every path that it was asked; it is made anew after so many, so that a million files do not fill the memory. */
const askedAtMost = 20_000;

/** One set of patterns in the syntax of `.gitignore`. */
class Patterns {
  readonly #lines: readonly string[];
  #matcher: ReturnType<typeof ignore> | undefined;
  #asked = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /** `path` is relative to where the patterns belong; folders end with a slash. */
  test(path: string): 'ignored' | 'kept' | 'undecided' {
    this.#asked += 1;
    if (this.#matcher === undefined || this.#asked > askedAtMost) {
      // Names that differ in case are different names: leaving out `Build` for `build` would lose data.
      this.#matcher = ignore({ allowRelativePaths: true, ignoreCase: false }).add([...this.#lines]);
      this.#asked = 0;
    }
    const { ignored, unignored } = this.#matcher.test(path);
    return ignored ? 'ignored' : unignored ? 'kept' : 'undecided';
  }

  /** The same patterns where the folder `path`, which ends with a slash, is not ignored. */
  without(path: string): Patterns {
    return new Patterns([...this.#lines, `!/${path.replaceAll(/[\\*?[\] !#]/g, '\\$&')}`]);
  }
}

interface Level {
  readonly patterns: Patterns;
  /** Length of the folder's relative path with its slash: what to cut off a path before asking. */
  readonly prefixLength: number;
}

/** The `.gitignore` files that hold inside a folder, outermost first. */
export type GitignoreScope = readonly Level[];

/** Decides what a source leaves out. Paths are relative to the source, bytes as latin-1 characters. */
export class ExcludeRules {
  readonly #exclude: Patterns | undefined;
  readonly #gitignore: boolean;

  constructor(exclude: readonly string[], gitignore: boolean) {
    this.#exclude = exclude.length === 0 ? undefined : new Patterns(exclude);
    this.#gitignore = gitignore;
  }

  /** Whether anything has to be asked at all. */
  isExcluded(path: string, isFolder: boolean, scope: GitignoreScope): boolean {
    if (this.#exclude === undefined && scope.length === 0) return false;
    const text = `${Buffer.from(path, 'latin1').toString('utf8')}${isFolder ? '/' : ''}`;
    if (this.#exclude?.test(text) === 'ignored') return true;
    // `.git` is the history, and no pattern of a work tree speaks of it.
    if (scope.length === 0 || isHistory(path)) return false;
    for (const level of scope.toReversed()) {
      const verdict = level.patterns.test(text.slice(level.prefixLength));
      if (verdict !== 'undecided') return verdict === 'ignored';
    }
    return false;
  }

  /**
   * The scope inside a folder. `absolute` is its path in the file system, `path` the one in the source ('' at the top), `has` says
   * whether it holds a name.
   */
  enter(absolute: string, path: string, scope: GitignoreScope, has: (name: string) => boolean): GitignoreScope {
    const contents = this.patternFiles(path, has).map((name) => readSmallFile(`${absolute}/${name}`));
    return this.scopeInside(path, scope, has, contents);
  }

  /** The files whose patterns hold inside a folder, relative to it: what `scopeInside` wants the contents of. */
  patternFiles(path: string, has: (name: string) => boolean): readonly string[] {
    if (!this.#gitignore || isHistory(path)) return [];
    return [...(has('.git') ? ['.git/info/exclude'] : []), ...(has('.gitignore') ? ['.gitignore'] : [])];
  }

  /** As `enter`, for who must not wait and has read the `patternFiles` himself; `undefined` for one that is not there or can't be read. */
  scopeInside(
    path: string,
    scope: GitignoreScope,
    has: (name: string) => boolean,
    contents: readonly (Buffer | undefined)[],
  ): GitignoreScope {
    if (!this.#gitignore) return scope;
    if (isHistory(path)) return [];
    const hasOwnHistory = has('.git');
    const lines = contents.flatMap((content) => linesOf(content));
    const folder = path === '' ? '' : `${Buffer.from(path, 'latin1').toString('utf8')}/`;
    // A work tree of its own is not subject to the patterns of the one around it.
    const outer = hasOwnHistory ? [] : scope.map((level) => levelInside(level, folder));
    return lines.length === 0 ? outer : [...outer, { patterns: new Patterns(lines), prefixLength: folder.length }];
  }
}

/**
 * A level inside a folder that is entered although its patterns ignore it, because an inner level keeps it: the matcher would ignore all that is
 * in there, while git asks the patterns about each name by itself.
 */
function levelInside(level: Level, folder: string): Level {
  const relative = folder.slice(level.prefixLength);
  return level.patterns.test(relative) === 'ignored' ? { ...level, patterns: level.patterns.without(relative) } : level;
}

function isHistory(path: string): boolean {
  return path === '.git' || path.endsWith('/.git');
}

/** No lines where the file is not there or can't be read: then nothing is left out, which errs on the safe side. */
function linesOf(content: Buffer | undefined): string[] {
  return (
    content
      ?.toString('utf8')
      .replace(/^\ufeff/, '')
      .split(/\r?\n/) ?? []
  );
}
