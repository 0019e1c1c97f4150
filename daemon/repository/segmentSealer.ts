import type { KeyObject } from 'node:crypto';
import { segmentLength, tagLength } from './padding.ts';
import { sealSegment } from './segments.ts';

/** Seals a body whose plaintext comes in pieces and is never whole in memory: one segment is, and what is sealed goes where it is to be stored. */
export class SegmentSealer {
  readonly #key: KeyObject;
  readonly #plaintextLength: number;
  readonly #out: Uint8Array;
  readonly #pending: Buffer = Buffer.alloc(segmentLength);
  #filled = 0;
  #segment = 0;
  #written = 0;

  /** `out`: the body, exactly as long as it becomes. Throws `RangeError` where it is not. */
  constructor(key: KeyObject, plaintextLength: number, out: Uint8Array) {
    const segments = Math.max(1, Math.ceil(plaintextLength / segmentLength));
    if (out.length !== plaintextLength + segments * tagLength) throw new RangeError(`a body of ${out.length} bytes`);
    this.#key = key;
    this.#plaintextLength = plaintextLength;
    this.#out = out;
  }

  /** Bytes of plaintext that are still to come. */
  get left(): number {
    return this.#plaintextLength - this.#segment * segmentLength - this.#filled;
  }

  /** Takes the next bytes, which stay the caller's. Throws `RangeError` beyond the length that was told. */
  write(piece: Uint8Array): void {
    if (piece.length > this.left) throw new RangeError(`${piece.length - this.left} bytes more than a body was to have`);
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + segmentLength - this.#filled);
      this.#pending.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === segmentLength && this.left > 0) this.#seal(false);
    }
  }

  /** Seals the last segment. Throws `RangeError` where bytes are missing. */
  finish(): void {
    if (this.left !== 0) throw new RangeError(`${this.left} bytes fewer than a body was to have`);
    this.#seal(true);
    this.#pending.fill(0);
  }

  #seal(isLast: boolean): void {
    const plaintext = this.#pending.subarray(0, this.#filled);
    this.#written += sealSegment(this.#key, plaintext, this.#segment, isLast, this.#out, this.#written);
    this.#segment += 1;
    this.#filled = 0;
  }
}
