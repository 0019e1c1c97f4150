/** Keys in the order in which S3 lists them, kept for a bucket that grows while it is listed. */
export class KeyOrder {
  #sorted: string[] = [];
  #added: string[] = [];

  add(key: string): void {
    this.#added.push(key);
  }

  /** The first key at or after `from`, and those that follow. Keys that were added meanwhile take their places; keys are never taken out. */
  *from(from: string): Iterable<string> {
    this.#settle();
    let at = this.#firstAtOrAfter(from);
    for (;;) {
      const key = this.#sorted[at];
      if (key === undefined) return;
      yield key;
      if (this.#added.length > 0) {
        this.#settle();
        at = this.#firstAtOrAfter(key);
      }
      at += 1;
    }
  }

  #settle(): void {
    if (this.#added.length === 0) return;
    // Code units, as the grammar of keys is ASCII. Sorted runs are merged fast.
    this.#sorted = this.#sorted.concat(this.#added).toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0));
    this.#added = [];
  }

  #firstAtOrAfter(key: string): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
