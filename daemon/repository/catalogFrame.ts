import { once } from 'node:events';
import { constants, createZstdDecompress } from 'node:zlib';
import { refusal } from './refusal.ts';

const maxWindowLog = 23;
const outputLength: number = 256 * 1024;
const magic = 0xfd2fb528;
/** The longest header of a frame (RFC 8878, 3.1.1.1). */
const longestHeader = 18;

/**
 * The raw catalog out of its zstd frame, in pieces of 256 KiB. `rawLength` is the recorded length: not a byte above it is given. Where it ends without an error,
 * the frame was exactly one, of exactly that length. Rejects with `damaged` (`catalogFrame`), and with what `frame` rejects with.
 */
export async function* inflateCatalog(
  frame: AsyncIterable<Uint8Array>,
  rawLength: number,
  subject: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const refuse = (cause: string): Error => refusal(subject, 'catalogFrame', cause);
  const decoder = createZstdDecompress({ chunkSize: outputLength, params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog } });
  const over = new AbortController();
  const feeding = feed(frame, new FrameWalk(rawLength, refuse), decoder, over.signal);
  let length = 0;
  try {
    for await (const piece of decoder) {
      if (!(piece instanceof Uint8Array)) throw new TypeError('a decoder that gives no bytes');
      length += piece.length;
      if (length > rawLength) throw refuse(`its catalog decodes to more than ${rawLength} bytes`);
      yield piece;
    }
  } catch (error) {
    throw isOfDecoder(error) ? refuse('its catalog cannot be decoded') : error;
  } finally {
    over.abort();
    decoder.destroy();
    await feeding;
  }
  if (length !== rawLength) throw refuse(`its catalog decodes to ${length} of ${rawLength} bytes`);
}

/** Never rejects: what fails here fails the decoder, so that whoever reads from it is told. */
async function feed(
  frame: AsyncIterable<Uint8Array>,
  walk: FrameWalk,
  decoder: ReturnType<typeof createZstdDecompress>,
  over: AbortSignal,
): Promise<void> {
  try {
    for await (const piece of frame) {
      if (over.aborted) return;
      walk.take(piece);
      if (!decoder.write(piece)) await once(decoder, 'drain', { signal: over });
    }
    walk.end();
    decoder.end();
  } catch (error) {
    if (!over.aborted && !decoder.destroyed)
      decoder.destroy(error instanceof Error ? error : new Error('no error was thrown', { cause: error }));
  }
}

function isOfDecoder(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('ZSTD_');
}

/** Follows the frame's own lengths (RFC 8878, 3.1.1) as it passes, so that neither a second frame, a dictionary nor a larger window counts as one of ours. */
class FrameWalk {
  readonly #rawLength: number;
  readonly #refuse: (cause: string) => Error;
  #head: Buffer = Buffer.alloc(0);
  #isHeaderRead = false;
  #hasChecksum = false;
  /** Bytes that belong to a block or to the checksum, and need not be looked at. */
  #skip = 0;
  #isLastBlock = false;
  #isOver = false;

  constructor(rawLength: number, refuse: (cause: string) => Error) {
    this.#rawLength = rawLength;
    this.#refuse = refuse;
  }

  take(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#isOver) throw this.#refuse('something follows the frame of its catalog');
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, piece.length - at);
        this.#skip -= skipped;
        at += skipped;
        this.#endBlock();
      } else {
        this.#head = Buffer.concat([this.#head, piece.subarray(at, at + 1)]);
        at += 1;
        if (this.#isHeaderRead) this.#readBlockHeader();
        else this.#readFrameHeader();
      }
    }
  }

  end(): void {
    if (!this.#isOver) throw this.#refuse('the frame of its catalog is cut');
  }

  #readFrameHeader(): void {
    const head = this.#head;
    if (head.length === 4 && head.readUInt32LE(0) !== magic) throw this.#refuse('its catalog is no zstd frame');
    if (head.length < 5) return;
    const descriptor = head.readUInt8(4);
    if ((descriptor & 0x0b) !== 0) throw this.#refuse('its catalog needs a dictionary or sets a reserved bit');
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeAt = isSingleSegment ? 5 : 6;
    const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    if (head.length < sizeAt + sizeBytes) return;
    const size = sizeBytes === 0 ? undefined : sizeOf(head.subarray(sizeAt, longestHeader));
    if (size !== undefined && size !== BigInt(this.#rawLength)) {
      throw this.#refuse(`its catalog claims ${size} of ${this.#rawLength} bytes`);
    }
    const window = isSingleSegment ? this.#rawLength : windowOf(head.readUInt8(5));
    if (window > 2 ** maxWindowLog) throw this.#refuse('its catalog has a window above 8 MiB');
    this.#hasChecksum = (descriptor & 0x04) !== 0;
    this.#isHeaderRead = true;
    this.#head = Buffer.alloc(0);
  }

  #readBlockHeader(): void {
    if (this.#head.length < 3) return;
    const header = this.#head.readUIntLE(0, 3);
    this.#head = Buffer.alloc(0);
    this.#isLastBlock = (header & 1) === 1;
    this.#skip = ((header >> 1) & 3) === 1 ? 1 : header >> 3;
    this.#endBlock();
  }

  #endBlock(): void {
    if (this.#skip > 0 || !this.#isLastBlock) return;
    if (this.#hasChecksum) {
      this.#hasChecksum = false;
      this.#skip = 4;
    } else {
      this.#isOver = true;
    }
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function sizeOf(bytes: Buffer): bigint {
  if (bytes.length === 2) return BigInt(bytes.readUInt16LE(0) + 256);
  return bytes.toReversed().reduce((value, byte) => value * 256n + BigInt(byte), 0n);
}
