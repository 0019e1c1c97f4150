import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, readdir, realpath, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../protocol/errors.ts';
import { makeStateDirectory } from '../protocol/stateDirectory.ts';
import { systemCode } from '../protocol/systemCode.ts';
import { programVersion } from '../protocol/version.ts';
import { programsFolder, removeOldCopies, temporaryPrefix } from './oldCopies.ts';
import {
  commandLineFolder,
  contentsHash,
  daemonFolder,
  entryNames,
  isExactly,
  isOursAlone,
  moduleMark,
  type ProgramFiles,
  readProgram,
} from './programFiles.ts';

export interface CopyRequest {
  /** The folder of the daemon's bundle, `dist/daemon`, with that of the command line beside it. */
  readonly from: string;
  readonly stateDirectory: string;
  /** In milliseconds since 1970, for the age of old copies. */
  readonly now?: () => number;
}

/** A copy of the daemon's program that nobody's update takes away. */
export interface DaemonCopy {
  readonly folder: string;
  /** What to start: `DaemonProgram.entryPath`. */
  readonly entryPath: string;
  /** The command line's entry, whose daemon is this copy's; `undefined` where none lay beside the daemon. */
  readonly commandLinePath: string | undefined;
  /** Old copies that were removed, by their folders' names. */
  readonly removed: readonly string[];
}

const markName = 'package.json';

/**
 * Copies the daemon's program to `programs/<version>-<hash of its contents>/` of the state directory, 0700 with files 0600, and gives what to start there.
 * To be called before each start: a copy that is there is compared with `from` byte by byte, and what is damaged or missing is put right, file by file, so
 * that a daemon that runs from it finds its threads' program at any moment. Windows that do the same at once do not hinder each other.
 * Rejects with `failed` (no whole program in `from`), `refusedByRule` (a link or somebody else's folder lies in its place) and `diskFailed`.
 */
export async function copyDaemon(request: CopyRequest): Promise<DaemonCopy> {
  const { from, now = Date.now } = request;
  const files = await readProgram(from);
  try {
    makeStateDirectory(request.stateDirectory);
    const stateDirectory = await realpath(request.stateDirectory);
    const programs = path.join(stateDirectory, programsFolder);
    await ownFolder(programs);
    const name = `${programVersion}-${contentsHash(files)}`;
    const folder = path.join(programs, name);
    if (!(await isWhole(folder, files))) await make(programs, folder, files);
    const at = now() / 1000;
    await utimes(folder, at, at);
    const removed = await removeOldCopies({ programs, stateDirectory, keep: name, now: now() });
    return {
      folder,
      entryPath: path.join(folder, daemonFolder, entryNames.main),
      commandLinePath: files.has(`${commandLineFolder}/main.js`) ? path.join(folder, commandLineFolder, 'main.js') : undefined,
      removed,
    };
  } catch (error) {
    if (HoldfastError.is(error)) throw error;
    throw new HoldfastError(
      'diskFailed',
      `Failed to copy the daemon's program into ${request.stateDirectory}: ${systemCode(error) ?? 'unknown cause'}.`,
      { fix: 'Look at the rights and the free space of that directory.', cause: error },
    );
  }
}

/** All files of a copy with their paths inside it. */
function pathsOf(files: ProgramFiles): ReadonlyMap<string, Buffer> {
  return new Map([[markName, moduleMark], ...[...files].map(([name, contents]): [string, Buffer] => [path.join(name), contents])]);
}

/** The folders in a copy. */
function foldersOf(files: ProgramFiles): readonly string[] {
  return [...new Set([...files.keys()].map((name) => path.dirname(path.join(name))))];
}

async function isWhole(folder: string, files: ProgramFiles): Promise<boolean> {
  const facts = await lstatIfThere(folder);
  if (facts === undefined) return false;
  refuseForeign(folder, facts);
  if (!isOursAlone(facts)) return false;
  for (const name of foldersOf(files)) {
    const inner = await lstatIfThere(path.join(folder, name));
    if (inner === undefined || !inner.isDirectory() || !isOursAlone(inner)) return false;
  }
  for (const [name, contents] of pathsOf(files)) if (!(await isExactly(path.join(folder, name), contents))) return false;
  return (await strangersIn(folder, files)).length === 0;
}

/** A whole copy under a temporary name takes its place in one step; where something is there already, its files are put right one by one. */
async function make(programs: string, folder: string, files: ProgramFiles): Promise<void> {
  const temporary = path.join(programs, `${temporaryPrefix}${randomBytes(8).toString('hex')}`);
  try {
    for (const name of foldersOf(files)) await mkdir(path.join(temporary, name), { recursive: true, mode: 0o700 });
    for (const [name, contents] of pathsOf(files)) await writeFile(path.join(temporary, name), contents, { flag: 'wx', mode: 0o600 });
    if (!(await moved(temporary, folder))) await putRight(temporary, folder, files);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** `false` where the place is taken, which each system says in its own way. */
async function moved(temporary: string, folder: string): Promise<boolean> {
  try {
    await rename(temporary, folder);
    return true;
  } catch (error) {
    if ((await lstatIfThere(folder)) !== undefined) return false;
    throw error;
  }
}

async function putRight(temporary: string, folder: string, files: ProgramFiles): Promise<void> {
  await ownFolder(folder);
  for (const name of foldersOf(files)) {
    const inner = path.join(folder, name);
    if ((await lstatIfThere(inner))?.isDirectory() === false) await rm(inner, { force: true });
    await ownFolder(inner);
  }
  for (const [name, contents] of pathsOf(files)) {
    const file = path.join(folder, name);
    if (await isExactly(file, contents)) continue;
    // A file can not take a folder's place.
    if ((await lstatIfThere(file))?.isDirectory() === true) await rm(file, { recursive: true, force: true });
    await rename(path.join(temporary, name), file);
  }
  for (const stranger of await strangersIn(folder, files)) await rm(stranger, { recursive: true, force: true });
}

/** What lies in a copy and does not belong there: a program finds its modules by their places. */
async function strangersIn(folder: string, files: ProgramFiles): Promise<readonly string[]> {
  const folders = foldersOf(files);
  const known = new Set([...folders, ...pathsOf(files).keys()]);
  const strangers: string[] = [];
  for (const within of ['', ...folders]) {
    for (const name of await readdir(path.join(folder, within))) {
      if (!known.has(path.join(within, name))) strangers.push(path.join(folder, within, name));
    }
  }
  return strangers;
}

/** Makes a folder of ours, 0700, where it is missing. */
async function ownFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const facts = await lstat(folder);
  refuseForeign(folder, facts);
  if (!isOursAlone(facts)) await chmod(folder, 0o700);
}

function refuseForeign(folder: string, facts: Stats): void {
  const isForeign = process.platform !== 'win32' && facts.uid !== process.getuid?.();
  if (facts.isDirectory() && !isForeign) return;
  const cause = isForeign ? 'it belongs to another user' : 'it is no folder';
  throw new HoldfastError('refusedByRule', `Failed to use ${folder} for the daemon's program: ${cause}.`, {
    fix: 'Look who put it there, and remove it.',
  });
}

async function lstatIfThere(file: string): Promise<Stats | undefined> {
  try {
    return await lstat(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
