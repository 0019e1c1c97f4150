import { type ChunkerParameters, type CutMasks, cutMasksOf, gearWindow } from './chunkerParameters.ts';

/** Finds the first cut in [at, end), as `plainScan`; 0 where there is none. */
export type ScanForCut = (at: number, end: number, mask: number) => number;

/**
 * Finds one chunk's end while its bytes arrive. The chunk begins at `begin(start)`; `find(end)` looks at what has come since the last call,
 * so that each byte is scanned once, while it is in the cache.
 */
export class Cutter {
  readonly parameters: ChunkerParameters;
  readonly #masks: CutMasks;
  readonly #scan: ScanForCut;
  #start = 0;
  #scanned = 0;

  constructor(parameters: ChunkerParameters, scan: ScanForCut) {
    const { min, avg, max } = parameters;
    if (min < gearWindow || avg < min || max < avg) throw new RangeError(`no chunker has ${min}, ${avg} and ${max}`);
    this.parameters = parameters;
    this.#masks = cutMasksOf(parameters);
    this.#scan = scan;
  }

  begin(start: number): void {
    this.#start = start;
    this.#scanned = start + this.parameters.min;
  }

  /** The bytes were moved towards 0 by `distance`. */
  moved(distance: number): void {
    this.#start -= distance;
    this.#scanned -= distance;
  }

  /** The chunk's end, at most `end`; 0 while it is not there yet. At the end of a file what is left is the last chunk. */
  find(end: number): number {
    const { avg, max } = this.parameters;
    const average = this.#start + avg;
    const last = this.#start + max;
    const stop = Math.min(end, last);
    if (this.#scanned < Math.min(stop, average)) {
      const cut = this.#scan(this.#scanned, Math.min(stop, average), this.#masks.beforeAverage);
      if (cut !== 0) return cut;
      this.#scanned = Math.min(stop, average);
    }
    if (this.#scanned < stop) {
      const cut = this.#scan(this.#scanned, stop, this.#masks.afterAverage);
      if (cut !== 0) return cut;
      this.#scanned = stop;
    }
    return end >= last ? last : 0;
  }
}
