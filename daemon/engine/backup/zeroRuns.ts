import { isZero } from '../../repository/bytes.ts';

/** Holes are looked for in steps of a page, and shorter runs of zeros are kept as data. */
const pageLength = 4096;
const shortestHole = 64 * 1024;

/**
 * Splits a sparse file's bytes, as they are read, into data and holes. Zeros are held back until they are long enough for a hole or data
 * follows; offsets are in the file.
 */
export class ZeroRuns {
  /** Pairs of offset and length, ascending. */
  readonly extents: number[] = [];
  readonly #data: (bytes: Uint8Array) => void;
  readonly #zeros: Uint8Array = new Uint8Array(shortestHole);
  #heldZeros = 0;

  /** `data` gets the bytes of all extents, one after the other. */
  constructor(data: (bytes: Uint8Array) => void) {
    this.#data = data;
  }

  /** The next bytes of the file, at `offset`; all but the last call bring whole pages. */
  push(bytes: Uint8Array, offset: number): void {
    let dataFrom = -1;
    for (let at = 0; at < bytes.length; at += pageLength) {
      const end = Math.min(at + pageLength, bytes.length);
      const isHole = isZero(bytes, at, end);
      if (isHole) {
        if (dataFrom >= 0) this.#add(bytes.subarray(dataFrom, at), offset + dataFrom);
        dataFrom = -1;
        this.#heldZeros += end - at;
      } else if (dataFrom < 0) {
        this.#settleZeros(offset + at);
        dataFrom = at;
      }
    }
    if (dataFrom >= 0) this.#add(bytes.subarray(dataFrom), offset + dataFrom);
  }

  /** Zeros before data: a hole if long enough and at the beginning or behind data, else data. */
  #settleZeros(before: number): void {
    const held = this.#heldZeros;
    this.#heldZeros = 0;
    if (held > 0 && held < shortestHole && this.extents.length > 0) this.#add(this.#zeros.subarray(0, held), before - held);
  }

  #add(bytes: Uint8Array, offset: number): void {
    const last = this.extents.length - 2;
    const lastOffset = this.extents[last];
    const lastLength = this.extents[last + 1];
    if (lastOffset !== undefined && lastLength !== undefined && lastOffset + lastLength === offset) {
      this.extents[last + 1] = lastLength + bytes.length;
    } else {
      this.extents.push(offset, bytes.length);
    }
    this.#data(bytes);
  }
}
