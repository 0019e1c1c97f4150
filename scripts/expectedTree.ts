import { readFileSync } from 'node:fs';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';
import type { EntryKind } from '../test/support/compareTrees.ts';

export interface ExpectedTreeOptions {
  readonly source: string;
  /** Absolute folders that are always left out: the state directory and the locations. */
  readonly leftOut: readonly string[];
  readonly gitignore: boolean;
  /** Paths that the backup itself named as skipped, absolute or relative to the source. */
  readonly skipped: readonly string[];
}

const cacheSignature = 'Signature: 8a477f597d28d172789f06886806bc55';

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * What a restore is compared with: the rules of the policy once more, apart from the daemon's own, so that a file that is missing by
 * mistake does not pass as one that was left out by a rule.
 */
export class ExpectedTree {
  readonly #options: ExpectedTreeOptions;
  readonly #scopes = new Map<string, readonly (readonly [folder: string, rules: Ignore])[]>();
  readonly #caches = new Map<string, boolean>();

  constructor(options: ExpectedTreeOptions) {
    this.#options = options;
  }

  /** For `compareTrees`: whether the entry is none of the backup's. */
  leavesOut(name: Buffer, kind: EntryKind): boolean {
    if (kind === 'fifo' || kind === 'socket' || kind === 'device') return true;
    const relative = name.toString('utf8');
    const absolute = path.join(this.#options.source, relative);
    if (this.#options.leftOut.includes(absolute)) return true;
    if (this.#options.skipped.some((skipped) => skipped === relative || skipped === absolute)) return true;
    const folder = path.posix.dirname(relative);
    if (this.#isCache(folder === '.' ? '' : folder)) return true;
    return this.#options.gitignore && this.#isIgnored(relative, kind === 'folder');
  }

  #isCache(folder: string): boolean {
    const known = this.#caches.get(folder);
    if (known !== undefined) return known;
    const isCache = read(path.join(this.#options.source, folder, 'CACHEDIR.TAG')).startsWith(cacheSignature);
    this.#caches.set(folder, isCache);
    return isCache;
  }

  #isIgnored(relative: string, isFolder: boolean): boolean {
    if (path.posix.basename(relative) === '.git' || relative.split('/').includes('.git')) return false;
    const folder = path.posix.dirname(relative);
    for (const [base, rules] of this.#scopeOf(folder === '.' ? '' : folder).toReversed()) {
      const below = base === '' ? relative : relative.slice(base.length + 1);
      const { ignored, unignored } = rules.test(isFolder ? `${below}/` : below);
      if (ignored || unignored) return ignored;
    }
    return false;
  }

  /** The ignore rules that hold in a folder, outermost first. A work tree of its own begins anew. */
  #scopeOf(folder: string): readonly (readonly [string, Ignore])[] {
    const known = this.#scopes.get(folder);
    if (known !== undefined) return known;
    const parent = path.posix.dirname(folder);
    const absolute = path.join(this.#options.source, folder);
    const isWorkTree = read(path.join(absolute, '.git', 'HEAD')) !== '';
    const outer = folder === '' || isWorkTree ? [] : this.#scopeOf(parent === '.' ? '' : parent);
    const lines = `${isWorkTree ? read(path.join(absolute, '.git', 'info', 'exclude')) : ''}\n${read(path.join(absolute, '.gitignore'))}`;
    const scope = lines.trim() === '' ? outer : [...outer, [folder, ignore({ allowRelativePaths: true }).add(lines)] as const];
    this.#scopes.set(folder, scope);
    return scope;
  }
}
