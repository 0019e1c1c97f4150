import type { DamagedEntry, RestoreFindings, SkippedEntry } from '../jobs.ts';

/** So many entries of each kind are named; beyond it they are only counted, so that a tree that is all damage fits into memory. */
const namedAtMost = 10_000;

/** Collects what a restore has to tell beside what it brought back. Paths are fit to be shown. */
export class RestoreReport {
  readonly #skipped: SkippedEntry[] = [];
  readonly #damaged: DamagedEntry[] = [];
  readonly #warnings: string[] = [];
  #skippedCount = 0;
  #damagedCount = 0;
  #warningsCount = 0;
  #hasWarnings = false;

  /** `special`: named, but no warning. */
  skip(path: string, reason: string, special: boolean): void {
    this.#skippedCount += 1;
    if (!special) this.#hasWarnings = true;
    if (this.#skipped.length < namedAtMost) this.#skipped.push({ path, reason, special });
  }

  damage(path: string, reason: string): void {
    this.#damagedCount += 1;
    if (this.#damaged.length < namedAtMost) this.#damaged.push({ path, reason });
  }

  warn(sentence: string): void {
    this.#warningsCount += 1;
    this.#hasWarnings = true;
    if (this.#warnings.length < namedAtMost) this.#warnings.push(sentence);
  }

  findings(): RestoreFindings {
    return {
      skipped: this.#skipped,
      skippedCount: this.#skippedCount,
      damaged: this.#damaged,
      damagedCount: this.#damagedCount,
      warnings: this.#warnings,
      warningsCount: this.#warningsCount,
      hasWarnings: this.#hasWarnings,
    };
  }
}
