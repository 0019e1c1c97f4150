const objectIdLength = 16;

/** Which packs of earlier runs this one relies on: the threads mark them in shared memory, here they are read off, each once. */
export class HitList {
  /** All that were read off so far. */
  readonly told: Uint8Array[] = [];
  #packs: Uint8Array = new Uint8Array(0);
  #marks: Uint8Array = new Uint8Array(1);
  #isTold: Uint8Array = new Uint8Array(1);

  /** `packs`: object ids, 16 bytes each, the n-th is number n + 1. `memory`: a byte for each number. */
  connect(packs: Uint8Array, memory: SharedArrayBuffer): void {
    this.#packs = packs;
    this.#marks = new Uint8Array(memory);
    this.#isTold = new Uint8Array(this.#marks.length);
  }

  /** Object ids of packs that were marked since the last call. */
  takeNew(): Uint8Array[] {
    const found: Uint8Array[] = [];
    for (let number = 1; number < this.#marks.length; number += 1) {
      if (this.#marks[number] === 0 || this.#isTold[number] === 1) continue;
      this.#isTold[number] = 1;
      found.push(this.#packs.slice((number - 1) * objectIdLength, number * objectIdLength));
    }
    this.told.push(...found);
    return found;
  }
}
