import type { SkippedEntry } from '../jobs.ts';
import { displayPath } from '../displayPath.ts';
import { ledAway, notAFile } from './fileReader.ts';
import type { WalkCounts } from './messages.ts';

/** So many entries are named; beyond it they are only counted. */
const namedAtMost = 10_000;

/** Collects what a walk has to tell. Paths are bytes as latin-1 characters. */
export class WalkReport {
  readonly skipped: SkippedEntry[] = [];
  readonly warnings: string[] = [];
  skippedCount = 0;
  hasWarnings = false;
  readonly #counts: { -readonly [Name in keyof WalkCounts]: number } = {
    files: 0,
    folders: 0,
    bytes: 0,
    newFiles: 0,
    changedFiles: 0,
    unchangedFiles: 0,
  };

  get counts(): WalkCounts {
    return { ...this.#counts };
  }

  count(name: keyof WalkCounts, amount = 1): void {
    this.#counts[name] += amount;
  }

  /** `special`: named, but no warning. */
  skip(path: string, reason: string, special = false): void {
    this.skippedCount += 1;
    if (!special) this.hasWarnings = true;
    if (this.skipped.length < namedAtMost) this.skipped.push({ path: shown(path), reason, special });
  }

  warn(path: string, what: string): void {
    this.warnOf(`${shown(path)} ${what}.`);
  }

  /** A warning that is no file's. */
  warnOf(sentence: string): void {
    this.hasWarnings = true;
    if (this.warnings.length < namedAtMost) this.warnings.push(sentence);
  }
}

function shown(path: string): string {
  return displayPath(Buffer.from(path, 'latin1'));
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'the disk reports an input/output error',
  ELOOP: 'it was replaced by a symbolic link',
  ENAMETOOLONG: 'its path is too long for this system',
  ENOENT: 'it vanished while it was read',
  ENOTDIR: 'it vanished while it was read',
  EMFILE: 'too many files are open',
  EBUSY: 'another program keeps it locked',
  ESTALE: 'the network file system lost it',
  ETXTBSY: 'another program keeps it locked',
  [notAFile]: 'it was replaced by something that is no file',
  [ledAway]: 'a folder above it was replaced while it was read',
};

/** What the system's code means, as the end of a sentence. */
export function reasonOf(code: string): string {
  return reasons[code] ?? `the system says ${code}`;
}
