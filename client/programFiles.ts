import { createHash } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../protocol/errors.ts';
import { systemCode } from '../protocol/systemCode.ts';

/** The files of a program by their paths in a copy, `/` between names: the daemon's in order of names, then the command line, where it lies beside them. */
export type ProgramFiles = ReadonlyMap<string, Buffer>;

export const daemonFolder = 'daemon';
export const commandLineFolder = 'cli';
/** Of the command line, which is one file. */
const commandLineName = 'main.js';

/** The entry of the daemon's process and of its threads: a program without either is none. */
export const entryNames: { readonly main: string; readonly worker: string } = { main: 'main.js', worker: 'worker.js' };

const bytesMost = 64 * 1024 * 1024;

/** What a copy is run as: files that end with `.js` are ES modules only where a package.json says so. */
export const moduleMark: Buffer = Buffer.from('{"type":"module"}\n');

/**
 * Reads the daemon's bundle, the `.js` files of a folder, and the command line beside it, which finds its daemon by its own place. Rejects with `failed`
 * where the daemon is not whole.
 */
export async function readProgram(folder: string): Promise<ProgramFiles> {
  const files = new Map<string, Buffer>();
  let bytes = 0;
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.js')).toSorted();
    for (const name of names) {
      await using file = await open(path.join(folder, name), 'r');
      bytes += (await file.stat()).size;
      if (bytes > bytesMost) throw notWhole(folder, `it is larger than ${bytesMost} bytes`);
      files.set(`${daemonFolder}/${name}`, await file.readFile());
    }
    const commandLine = await readIfThere(path.join(folder, '..', commandLineFolder, commandLineName));
    if (commandLine !== undefined) files.set(`${commandLineFolder}/${commandLineName}`, commandLine);
  } catch (error) {
    if (HoldfastError.is(error)) throw error;
    throw notWhole(folder, systemCode(error) ?? 'unknown cause', error);
  }
  const missing = [entryNames.main, entryNames.worker].find((name) => !files.has(`${daemonFolder}/${name}`));
  if (missing !== undefined) throw notWhole(folder, `${missing} is missing`);
  return files;
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    await using opened = await open(file, 'r');
    if ((await opened.stat()).size > bytesMost) throw notWhole(path.dirname(file), `it is larger than ${bytesMost} bytes`);
    return await opened.readFile();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** SHA-256 of names and contents, each with its length before it, in hex; cut to 128 bits, which a folder's name has room for. */
export function contentsHash(files: ProgramFiles): string {
  const hash = createHash('sha256');
  for (const [name, contents] of files) {
    for (const part of [Buffer.from(name), contents]) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64BE(BigInt(part.length));
      hash.update(length).update(part);
    }
  }
  return hash.digest('hex').slice(0, 32);
}

/** Whether `file` is a regular file of this user's that nobody else may read or write, with exactly these bytes. */
export async function isExactly(file: string, contents: Buffer): Promise<boolean> {
  try {
    const facts = await lstat(file);
    if (!facts.isFile() || facts.size !== contents.length || !isOursAlone(facts)) return false;
    await using opened = await open(file, 'r');
    return contents.equals(await opened.readFile());
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** On Windows the folder's inherited rights carry this alone. */
export function isOursAlone(facts: { readonly uid: number; readonly mode: number }): boolean {
  return process.platform === 'win32' || (facts.uid === process.getuid?.() && (facts.mode & 0o077) === 0);
}

function notWhole(folder: string, cause: string, error?: unknown): HoldfastError {
  return new HoldfastError('failed', `Failed to read the daemon's program in ${folder}: ${cause}.`, {
    fix: 'Install Holdfast anew.',
    ...(error === undefined ? {} : { cause: error }),
  });
}
