import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { HoldfastError } from '../../../protocol/errors.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { copyDamaged, fileError } from './copyFile.ts';
import { FrameWalker } from './zstdFrame.ts';

/** What a bundle says of the copy in it: docs/format.md, Bundle. */
export interface FrameFacts {
  /** Bytes of the frame: zLen. */
  readonly length: number;
  /** Of the frame, 32 bytes: catalogSha256. */
  readonly sha256: Uint8Array;
  /** Of what it decodes to: catalogLength. */
  readonly catalogLength: number;
}

/** What a copy may decode to: more than any catalog has, and no more than so many times its frame, beside some pages that are empty. */
export const longestCatalog: number = 16 * 2 ** 30;
const greatestRatio = 100;
const emptyPages = 4 * 2 ** 20;
const compressionLevel = 3;
const largestWindowLog = 23;
const pieceLength = 256 * 1024;

/** One zstd frame of a copy, into a new file for this user alone. Rejects with `diskFailed` and the like, with the signal's reason, and leaves nothing then. */
export async function compressCopy(copyPath: string, framePath: string, signal?: AbortSignal): Promise<FrameFacts> {
  return await orRemoved(framePath, 'compress a copy of the catalog', async () => {
    const { size: catalogLength } = await stat(copyPath);
    const hash = createHash('sha256');
    let length = 0;
    const frame = createZstdCompress({
      chunkSize: pieceLength,
      pledgedSrcSize: catalogLength,
      params: { [constants.ZSTD_c_compressionLevel]: compressionLevel },
    });
    const counted = new Transform({
      transform(piece: Uint8Array, _, done) {
        hash.update(piece);
        length += piece.length;
        done(null, piece);
      },
    });
    await pipeline(createReadStream(copyPath, { highWaterMark: pieceLength }), frame, counted, newFile(framePath), { signal });
    return { length, sha256: hash.digest(), catalogLength };
  });
}

/**
 * The copy out of its frame, into a new file for this user alone. The frame comes in pieces of any length; nothing beyond the lengths that the bundle gives is
 * written. Rejects with `catalogDamaged` where it is not the one frame of a bundle with these facts, and leaves nothing then.
 */
export async function expandCopy(
  pieces: AsyncIterable<Uint8Array>,
  { length, sha256, catalogLength }: FrameFacts,
  copyPath: string,
  signal?: AbortSignal,
): Promise<void> {
  if (catalogLength > Math.min(longestCatalog, length * greatestRatio + emptyPages)) {
    throw copyDamaged(`it claims to be ${catalogLength} bytes long, of ${length} compressed ones`);
  }
  await orRemoved(copyPath, 'use a copy of the catalog', async () => {
    const written = capped(catalogLength);
    try {
      const source = Readable.from(checkedFrame(pieces, length, sha256), { objectMode: false });
      const decoded = createZstdDecompress({ chunkSize: pieceLength, params: { [constants.ZSTD_d_windowLogMax]: largestWindowLog } });
      await pipeline(source, decoded, written.stream, newFile(copyPath), { signal });
    } catch (error) {
      throw isDecoderError(error) ? copyDamaged('it cannot be decoded', error) : error;
    }
    if (written.length() !== catalogLength) throw copyDamaged(`it decodes to ${written.length()} of ${catalogLength} bytes`);
  });
}

async function* checkedFrame(pieces: AsyncIterable<Uint8Array>, length: number, sha256: Uint8Array): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  const walker = new FrameWalker();
  let read = 0;
  for await (const piece of pieces) {
    read += piece.length;
    if (read > length) throw copyDamaged('it is longer than recorded');
    hash.update(piece);
    const problem = walker.push(piece);
    if (problem !== undefined) throw copyDamaged(problem);
    yield piece;
  }
  if (read !== length) throw copyDamaged(`it has ${read} of ${length} bytes`);
  if (Buffer.compare(hash.digest(), sha256) !== 0) throw copyDamaged('its bytes are not those that were recorded');
  const problem = walker.end();
  if (problem !== undefined) throw copyDamaged(problem);
}

function capped(most: number): { readonly stream: Transform; readonly length: () => number } {
  let length = 0;
  const stream = new Transform({
    transform(piece: Uint8Array, _, done) {
      length += piece.length;
      if (length > most) done(copyDamaged('it decodes to more than recorded'));
      else done(null, piece);
    },
  });
  return { stream, length: () => length };
}

function newFile(path: string): ReturnType<typeof createWriteStream> {
  return createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
}

function isDecoderError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(ZSTD_|ERR_ZSTD|Z_)/.test(error.code);
}

async function orRemoved<Result>(path: string, action: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    // One that was there before is somebody else's.
    if (systemCode(error) !== 'EEXIST') await rm(path, { force: true });
    if (HoldfastError.is(error) || (error instanceof Error && error.name === 'AbortError')) throw error;
    throw fileError(action, error);
  }
}
