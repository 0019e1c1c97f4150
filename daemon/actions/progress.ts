import type { ActionProgress } from '../../protocol/methods/actions.ts';

/** What a run says of itself; counts only grow. Sizes in bytes. */
export interface RunProgress {
  readonly phase: string;
  readonly files: number;
  readonly bytes: number;
  /** Known once the walk is done; `null` before. */
  readonly totalFiles: number | null;
  readonly totalBytes: number | null;
}

export const noProgress: ActionProgress = {
  phase: 'queued',
  files: 0,
  bytes: 0,
  totalFiles: null,
  totalBytes: null,
  fraction: null,
  rate: 0,
  secondsLeft: null,
};

/** Half of a speed's weight is gone after this long, so that a stall shows within seconds and a burst does not jump the estimate. */
const halfLifeMs = 3000;

/**
 * Adds rate and time left to what a run reports. One tracker serves one action; `now` is a monotonic clock in milliseconds.
 */
export class ProgressTracker {
  readonly #now: () => number;
  #at: number;
  #bytes = 0;
  #rate = 0;
  #weight = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#at = now();
  }

  update(reported: RunProgress): ActionProgress {
    const run = withoutOutgrown(reported);
    const now = this.#now();
    const elapsed = now - this.#at;
    if (elapsed > 0) {
      const keep = 0.5 ** (elapsed / halfLifeMs);
      const speed = (Math.max(0, run.bytes - this.#bytes) / elapsed) * 1000;
      // The weight corrects the start, where the average would otherwise be pulled towards zero.
      this.#weight = this.#weight * keep + (1 - keep);
      this.#rate = this.#rate * keep + speed * (1 - keep);
      this.#at = now;
      this.#bytes = run.bytes;
    }
    const rate = this.#weight > 0 ? this.#rate / this.#weight : 0;
    const fraction = fractionOf(run);
    const left = run.totalBytes === null ? null : Math.max(0, run.totalBytes - run.bytes);
    return { ...run, fraction, rate, secondsLeft: left === null || rate <= 0 ? null : left / rate };
  }
}

/** Totals of a backup are those of the run before until its walk is done: once they are passed they say nothing, nor does what is reckoned from them. */
function withoutOutgrown(run: RunProgress): RunProgress {
  const { files, bytes, totalFiles, totalBytes } = run;
  if (files <= (totalFiles ?? files) && bytes <= (totalBytes ?? bytes)) return run;
  return { ...run, totalFiles: null, totalBytes: null };
}

function fractionOf(run: RunProgress): number | null {
  if (run.totalBytes === null || run.totalFiles === null) return null;
  // Many small files take time out of proportion to their bytes: each file counts as 16 KiB on top.
  const perFile = 16 * 1024;
  const total = run.totalBytes + run.totalFiles * perFile;
  return total === 0 ? 1 : (run.bytes + run.files * perFile) / total;
}
