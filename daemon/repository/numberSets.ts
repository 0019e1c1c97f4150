/** What one entry takes beside its numbers, in numbers. */
const entryCost = 40;

/**
 * Sets of small numbers by a key, in a bounded memory. Each took some work to find out; where there is no room for all, those that took the least go first,
 * and what took no more than they did is not kept from then on.
 */
export class NumberSets {
  readonly #limit: number;
  readonly #sets: Map<string, { readonly numbers: Uint32Array; readonly work: number }> = new Map();
  #used = 0;
  #leastWork = 1;

  /** `limit` in numbers; a number takes four bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#sets.size;
  }

  get(key: string): Uint32Array | undefined {
    return this.#sets.get(key)?.numbers;
  }

  keep(key: string, numbers: ReadonlySet<number>, work: number): void {
    const cost = numbers.size + entryCost;
    if (work < this.#leastWork || cost > this.#limit || this.#sets.has(key)) return;
    this.#sets.set(key, { numbers: Uint32Array.from(numbers), work });
    this.#used += cost;
    while (this.#used > this.#limit) this.#dropLight();
  }

  #dropLight(): void {
    this.#leastWork *= 2;
    for (const [key, { numbers, work }] of this.#sets) {
      if (work >= this.#leastWork) continue;
      this.#sets.delete(key);
      this.#used -= numbers.length + entryCost;
    }
  }
}
