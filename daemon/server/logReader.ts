import { type FileHandle, open } from 'node:fs/promises';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { type LogLine, type LogReadParams, type LogReadResult, logLevels, logReadDefault } from '../../protocol/methods/log.ts';
import { systemCode } from '../../protocol/systemCode.ts';

const lineSchema: z.ZodType<LogLine> = z
  .object({
    time: z.string(),
    level: z.enum(logLevels),
    message: z.string(),
    facts: z.record(z.string(), z.unknown()).optional(),
  })
  .transform((line) => ({ ...line, facts: line.facts ?? null }));

const cursorSchema = z.tuple([z.string(), z.int().min(0)]);

/** So much of the end of a file is looked at for the newest lines, and so much is answered at once. */
const window = 512 * 1024;
const answerBytes = 192 * 1024;

interface Piece {
  readonly file: string;
  readonly from: number;
  readonly bytes: Buffer;
}

/**
 * Reads the daemon's log for a client: the newest lines, or what was written since a cursor. A cursor names the file by its inode, so that a rotation
 * in between loses nothing of the older file as long as it is there.
 *
 * @param path the log's path; its rotated files are `path.1`, `path.2`
 */
export async function readLog(path: string, params: LogReadParams): Promise<LogReadResult> {
  const limit = params.limit ?? logReadDefault;
  const piece = params.after === undefined ? await newestPiece(path) : await pieceAfter(path, params.after);
  const lines = wholeLines(piece.bytes);
  const taken = params.after === undefined ? lines.slice(-limit) : lines.slice(0, limit);
  const chosen = params.after === undefined ? lastThatFit(taken) : firstThatFit(taken);
  const end = chosen.at(-1)?.end ?? (params.after === undefined ? (lines.at(-1)?.end ?? 0) : 0);
  return {
    items: chosen.flatMap(({ text }) => parsed(text)),
    cursor: encodeCursor(piece.file, piece.from + end),
  };
}

async function newestPiece(path: string): Promise<Piece> {
  await using file = await openIfThere(path);
  if (file === undefined) return { file: '0', from: 0, bytes: Buffer.alloc(0) };
  const { size, ino } = await file.stat({ bigint: true });
  const from = Math.max(0, Number(size) - window);
  const bytes = await readAt(file, from, window);
  // What begins in the middle of a line is not a line.
  const skip = from === 0 ? 0 : bytes.indexOf(0x0a) + 1;
  return { file: String(ino), from: from + skip, bytes: bytes.subarray(skip) };
}

async function pieceAfter(path: string, after: string): Promise<Piece> {
  const [file, from] = decodeCursor(after);
  for (const candidate of [path, `${path}.1`, `${path}.2`]) {
    await using handle = await openIfThere(candidate);
    if (handle === undefined || String((await handle.stat({ bigint: true })).ino) !== file) continue;
    const bytes = await readAt(handle, from, window);
    if (bytes.length > 0 || candidate === path) return { file, from, bytes };
    // All of a rotated file has been read: go on with the one after it.
    return await fromStart(candidate === `${path}.1` ? path : `${path}.1`);
  }
  return await fromStart(path);
}

async function fromStart(path: string): Promise<Piece> {
  await using file = await openIfThere(path);
  if (file === undefined) return { file: '0', from: 0, bytes: Buffer.alloc(0) };
  return { file: String((await file.stat({ bigint: true })).ino), from: 0, bytes: await readAt(file, 0, window) };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, from);
  return buffer.subarray(0, bytesRead);
}

interface Line {
  readonly text: string;
  /** Where the next line begins, from the start of the piece. */
  readonly end: number;
}

function wholeLines(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, at);
    if (newline < 0) break;
    lines.push({ text: bytes.toString('utf8', at, newline), end: newline + 1 });
    at = newline + 1;
  }
  return lines;
}

function firstThatFit(lines: readonly Line[]): readonly Line[] {
  let bytes = 0;
  const over = lines.findIndex(({ text }) => (bytes += text.length) > answerBytes);
  return over < 0 ? lines : lines.slice(0, Math.max(1, over));
}

function lastThatFit(lines: readonly Line[]): readonly Line[] {
  return firstThatFit(lines.toReversed()).toReversed();
}

function parsed(text: string): readonly LogLine[] {
  try {
    const line = lineSchema.safeParse(JSON.parse(text));
    return line.success ? [line.data] : [];
  } catch (error) {
    // A line that a crash cut short.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function encodeCursor(file: string, offset: number): string {
  return Buffer.from(JSON.stringify([file, offset]), 'utf8').toString('base64url');
}

function decodeCursor(cursor: string): readonly [string, number] {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (error) {
    throw new HoldfastError('badValue', 'Failed to read the log: the place to go on from is not one that the log gave.', {
      fix: 'Read the log from its newest lines.',
      cause: error,
    });
  }
}
