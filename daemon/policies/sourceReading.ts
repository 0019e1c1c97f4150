import { type BigIntStats, constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';

/** A source as it is now, read without ever blocking the daemon. Paths are bytes. All reject with `sourceMissing` for what cannot be read. */

const pieceBytes = 1024 * 1024;
const longestPatterns = 4 * 1024 * 1024;
/** A source may hold FIFOs and links where a moment ago a file was: neither is waited for or followed. */
const carefully = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Facts of the name itself; `undefined` where it is not there. */
export async function factsOf(path: Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isGone(error)) return undefined;
    throw unreadable(path, error);
  }
}

/** The names in a folder; none where it has gone meanwhile. */
export async function namesIn(path: Buffer): Promise<readonly Buffer[]> {
  try {
    return await readdir(path, { encoding: 'buffer' });
  } catch (error) {
    if (isGone(error)) return [];
    throw unreadable(path, error);
  }
}

/** What a symbolic link says. */
export async function targetOf(path: Buffer): Promise<Buffer> {
  try {
    return await readlink(path, { encoding: 'buffer' });
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A file with patterns below a folder; `undefined` for what is not a regular file of at most 4 MiB that can be read. */
export async function readPatterns(folder: Buffer, name: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(Buffer.concat([folder, Buffer.from(`/${name}`)]), carefully);
    const facts = await file.stat();
    return facts.isFile() && facts.size <= longestPatterns ? await file.readFile() : undefined;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** A file's content piece by piece. */
export async function* sourceChunks(path: Buffer): AsyncGenerator<Buffer, void, void> {
  try {
    await using file = await open(path, carefully);
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function isGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unreadable(path: Buffer, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  return new HoldfastError('sourceMissing', `Failed to compare with ${path.toString('utf8')}: it cannot be read (${code}).`, {
    fix: 'Give this user the right to read it, or compare two restore points instead.',
    cause: error,
  });
}
