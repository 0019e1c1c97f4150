import { randomBytes } from 'node:crypto';

const idLength = 16;

/**
 * A set of ids by their first 16 bytes, in one block of memory: a million take some 32 MiB. Longer ids are MACs, of which no two share 16 bytes. Where
 * an id goes depends on a number that nobody outside knows, so that ids which somebody chose make it no slower.
 */
export class IdSet {
  readonly #seed: number = randomBytes(4).readUInt32LE();
  #slots: Buffer;
  #used: Uint8Array;
  #mask: number;
  #size = 0;

  constructor(expected = 64) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 2)));
    this.#slots = Buffer.alloc(capacity * idLength);
    this.#used = new Uint8Array(capacity);
    this.#mask = capacity - 1;
  }

  get size(): number {
    return this.#size;
  }

  has(id: Uint8Array): boolean {
    return this.#used[this.#find(id)] === 1;
  }

  /** `false` where it was in already. */
  add(id: Uint8Array): boolean {
    const slot = this.#find(id);
    if (this.#used[slot] === 1) return false;
    this.#slots.set(id.subarray(0, idLength), slot * idLength);
    this.#used[slot] = 1;
    this.#size += 1;
    if (this.#size * 3 > this.#used.length * 2) this.#grow();
    return true;
  }

  /** The slot of an id, or the free one where it would go. */
  #find(id: Uint8Array): number {
    if (id.length < idLength) throw new RangeError(`an id of ${id.length} bytes`);
    let slot = this.#hash(id) & this.#mask;
    while (this.#used[slot] === 1 && !this.#isAt(slot, id)) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #isAt(slot: number, id: Uint8Array): boolean {
    const at = slot * idLength;
    for (let byte = 0; byte < idLength; byte += 1) if (this.#slots[at + byte] !== id[byte]) return false;
    return true;
  }

  #hash(id: Uint8Array): number {
    let hash = this.#seed;
    for (let byte = 0; byte < idLength; byte += 1) hash = Math.imul(hash ^ (id[byte] ?? 0), 0x01_00_01_93) ^ (hash >>> 15);
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  #grow(): void {
    const slots = this.#slots;
    const used = this.#used;
    this.#slots = Buffer.alloc(slots.length * 2);
    this.#used = new Uint8Array(used.length * 2);
    this.#mask = this.#used.length - 1;
    for (let slot = 0; slot < used.length; slot += 1) {
      if (used[slot] !== 1) continue;
      const id = slots.subarray(slot * idLength, (slot + 1) * idLength);
      const to = this.#find(id);
      this.#slots.set(id, to * idLength);
      this.#used[to] = 1;
    }
  }
}
