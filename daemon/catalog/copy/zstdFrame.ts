/** RFC 8878, section 3.1.1. */
const magic = 0xfd2fb528;
const descriptorLength = 1;
const magicLength = 4;
const blockHeaderLength = 3;
const checksumLength = 4;
const largestBlock = 128 * 1024;
const largestWindow = 8 * 2 ** 20;
const repeatedBlock = 1;
const reservedBlock = 3;

/** Told the bytes of a frame in pieces, walks its own lengths. */
export class FrameWalker {
  #problem: string | undefined;
  /** Bytes of a header of which not all have come. */
  #held: Buffer = Buffer.alloc(0);
  #state: 'header' | 'block' | 'checksum' | 'end' = 'header';
  /** Of a block's body, still to come. */
  #skip = 0;
  #hasChecksum = false;
  #isLast = false;

  /** What is wrong, as a clause, from when on it is known. Nothing is to be decoded from then on. */
  push(bytes: Uint8Array): string | undefined {
    let at = 0;
    while (at < bytes.length && this.#problem === undefined) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
        if (this.#skip === 0) this.#endBlock();
        continue;
      }
      if (this.#state === 'end') {
        this.#problem = 'there are bytes behind the frame';
        break;
      }
      this.#held = Buffer.concat([this.#held, bytes.subarray(at, at + 1)]);
      at += 1;
      this.#take();
    }
    return this.#problem;
  }

  /** Behind the last piece. */
  end(): string | undefined {
    return this.#problem ?? (this.#state === 'end' ? undefined : 'the frame is cut off');
  }

  #take(): void {
    const held = this.#held;
    if (this.#state === 'header') {
      if (held.length >= magicLength && held.readUInt32LE(0) !== magic) this.#problem = 'it is no frame of zstd';
      const descriptor = held[magicLength];
      if (descriptor === undefined || this.#problem !== undefined) return;
      const isSingle = (descriptor & 0x20) !== 0;
      const sizeFlag = descriptor >>> 6;
      const sizeLength = sizeFlag === 0 ? (isSingle ? 1 : 0) : 2 ** sizeFlag;
      if ((descriptor & 0x03) !== 0) this.#problem = 'it wants a dictionary';
      if ((descriptor & 0x08) !== 0) this.#problem = 'a reserved bit is set';
      const windowLength = isSingle ? 0 : 1;
      if (held.length < magicLength + descriptorLength + windowLength + sizeLength) return;
      if (windowOf(held, isSingle, sizeFlag) > largestWindow) this.#problem ??= 'its window is too large';
      this.#hasChecksum = (descriptor & 0x04) !== 0;
      this.#next('block');
    } else if (this.#state === 'block') {
      if (held.length < blockHeaderLength) return;
      const header = held.readUIntLE(0, blockHeaderLength);
      const type = (header >>> 1) & 0x03;
      const size = header >>> 3;
      if (type === reservedBlock || size > largestBlock) this.#problem = 'a block of it is none';
      this.#isLast = (header & 1) === 1;
      this.#next('block');
      this.#skip = type === repeatedBlock ? 1 : size;
      if (this.#skip === 0) this.#endBlock();
    } else if (held.length === checksumLength) {
      this.#next('end');
    }
  }

  #endBlock(): void {
    if (this.#isLast) this.#next(this.#hasChecksum ? 'checksum' : 'end');
  }

  #next(state: 'block' | 'checksum' | 'end'): void {
    this.#held = Buffer.alloc(0);
    this.#state = state;
  }
}

/** Bytes. */
function windowOf(header: Buffer, isSingle: boolean, sizeFlag: number): number {
  const at = magicLength + descriptorLength;
  if (!isSingle) {
    const byte = header[at] ?? 0;
    const base = 2 ** (10 + (byte >>> 3));
    return base + (base / 8) * (byte & 7);
  }
  if (sizeFlag === 0) return header[at] ?? 0;
  if (sizeFlag === 1) return header.readUInt16LE(at) + 256;
  return sizeFlag === 2 ? header.readUInt32LE(at) : Number(header.readBigUInt64LE(at));
}
