import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { bufferOver, release } from './bytes.ts';
import { refusal } from './refusal.ts';

/** How a block is stored, and its number in directories and indexes. */
export const blockCodecs = { raw: 0, zstd: 1 } as const;
export type BlockCodec = keyof typeof blockCodecs;

/** Most bytes that a block may have after decoding; enforced before anything is allocated. */
export const maxBlockRawLength: number = 8 * 1024 * 1024;
const maxWindowLog = 23;

/** What zlib allocates at once. Its handles hold the last such buffer until a full collection, so they are small; more take no more time. */
export const codecBufferLength: number = 64 * 1024;

export function blockCodecOf(number: number): BlockCodec | undefined {
  return number === blockCodecs.raw ? 'raw' : number === blockCodecs.zstd ? 'zstd' : undefined;
}

export interface EncodedBlock {
  readonly codec: BlockCodec;
  /** `raw` itself where compression does not help. */
  readonly stored: Uint8Array;
}

/** One zstd frame (RFC 8878) where that is smaller, else the bytes as they are. The pledged size keeps the window within the block. */
export function encodeBlock(raw: Uint8Array, level: number): EncodedBlock {
  const stored = zstdCompressSync(raw, {
    chunkSize: codecBufferLength,
    pledgedSrcSize: raw.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
  return stored.length < raw.length ? { codec: 'zstd', stored } : { codec: 'raw', stored: raw };
}

/**
 * The raw bytes of a block; a view of `stored` where it is raw. Nothing above `rawLength` is ever allocated.
 * Throws `damaged` (`blockCodec`, `blockLength`) where it is not exactly one frame of `rawLength` bytes with a window of at most 8 MiB.
 */
export function decodeBlock(stored: Uint8Array, codec: BlockCodec, rawLength: number, subject: string): Buffer {
  return decode(stored, codec, rawLength, subject, codecBufferLength);
}

/**
 * The same for whoever is done with the bytes when `use` returns: they are in one buffer, which is given back at once. Where it throws before `use` is
 * called, zlib may hold as much as the block until a full collection.
 */
export function useBlock(stored: Uint8Array, codec: BlockCodec, rawLength: number, subject: string, use: (raw: Buffer) => void): void {
  // One byte more: a buffer that is full makes zlib take the next.
  const raw = decode(stored, codec, rawLength, subject, Math.max(constants.Z_MIN_CHUNK, rawLength + 1));
  use(raw);
  if (codec === 'zstd') release(raw);
}

function decode(stored: Uint8Array, codec: BlockCodec, rawLength: number, subject: string, chunkSize: number): Buffer {
  if (rawLength > maxBlockRawLength) throw refusal(subject, 'blockLength', `a block claims ${rawLength} bytes`);
  if (codec === 'raw') {
    if (stored.length !== rawLength) throw refusal(subject, 'blockLength', `a raw block has ${stored.length} of ${rawLength} bytes`);
    return bufferOver(stored);
  }
  checkFrame(bufferOver(stored), rawLength, subject);
  const raw = decompress(stored, rawLength, chunkSize);
  if (raw === undefined) throw refusal(subject, 'blockCodec', 'a compressed block cannot be decoded');
  if (raw.length !== rawLength) throw refusal(subject, 'blockLength', `a block decodes to ${raw.length} of ${rawLength} bytes`);
  return raw;
}

function decompress(stored: Uint8Array, rawLength: number, chunkSize: number): Buffer | undefined {
  try {
    return zstdDecompressSync(stored, {
      maxOutputLength: Math.max(1, rawLength),
      chunkSize,
      params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
    });
  } catch {
    return undefined;
  }
}

/** Walks the frame's own lengths (RFC 8878, 3.1.1), so that neither a second frame nor a larger window reaches the decoder. */
function checkFrame(frame: Buffer, rawLength: number, subject: string): void {
  const refuse = (cause: string): Error => refusal(subject, 'blockCodec', cause);
  if (frame.length < 6 || frame.readUInt32LE(0) !== 0xfd2fb528) throw refuse('a compressed block is no zstd frame');
  const descriptor = frame.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  if ((descriptor & 0x0b) !== 0) throw refuse('a compressed block needs a dictionary or sets a reserved bit');
  let at = 5;
  if (!isSingleSegment) {
    const window = frame.readUInt8(at);
    at += 1;
    const base = 2 ** (10 + (window >> 3));
    if (base + (base / 8) * (window & 7) > 2 ** maxWindowLog) throw refuse('a compressed block has a window above 8 MiB');
  }
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  if (frame.length < at + sizeBytes + 3) throw refuse('a compressed block ends in its header');
  const size = contentSize(frame, at, sizeBytes);
  if (size !== undefined && size !== BigInt(rawLength))
    throw refusal(subject, 'blockLength', `a block claims ${size} of ${rawLength} bytes`);
  at += sizeBytes;
  for (let isLast = false; !isLast; ) {
    if (at + 3 > frame.length) throw refuse('a compressed block is cut');
    const header = frame.readUIntLE(at, 3);
    isLast = (header & 1) === 1;
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
  }
  if (at + (hasChecksum ? 4 : 0) !== frame.length) throw refuse('a compressed block is not exactly one frame');
}

function contentSize(frame: Buffer, at: number, sizeBytes: number): bigint | undefined {
  switch (sizeBytes) {
    case 0:
      return undefined;
    case 1:
      return BigInt(frame.readUInt8(at));
    case 2:
      return BigInt(frame.readUInt16LE(at) + 256);
    case 4:
      return BigInt(frame.readUInt32LE(at));
    default:
      return frame.readBigUInt64LE(at);
  }
}
