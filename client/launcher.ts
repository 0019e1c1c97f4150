import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../protocol/errors.ts';
import { systemCode } from '../protocol/systemCode.ts';
import { launcherMarkName, programsFolder } from './oldCopies.ts';
import { isOursAlone } from './programFiles.ts';

export interface LauncherRequest {
  readonly stateDirectory: string;
  /** Node, or VS Code's own runtime. */
  readonly runtimePath: string;
  readonly isElectron: boolean;
  /** `DaemonCopy.commandLinePath`. */
  readonly commandLinePath: string;
}

const folderName = 'bin';

/**
 * Writes `holdfast` and `holdfast.cmd` into `bin/` of the state directory, 0700, and gives that folder: what a search path needs. They start the copy of the
 * command line on the runtime of whoever wrote them last, so a folder that a terminal has stays right after an update. Rejects with `refusedByRule`
 * (somebody else's folder, or a link, lies in its place) and `diskFailed`.
 */
export async function writeLauncher(request: LauncherRequest): Promise<string> {
  const folder = path.join(request.stateDirectory, folderName);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const facts = await lstat(folder);
    // Who can write there could have any program run by the name of this one.
    if (!facts.isDirectory() || (process.platform !== 'win32' && facts.uid !== process.getuid?.())) {
      throw HoldfastError.failedTo('refusedByRule', `put the command line into ${folder}`, 'it is no folder of yours', {
        fix: 'Look who put it there, and remove it.',
      });
    }
    if (!isOursAlone(facts)) await chmod(folder, 0o700);
    const programs = path.join(request.stateDirectory, programsFolder);
    await mkdir(programs, { recursive: true, mode: 0o700 });
    // Before anything names it: a copy that nothing marks is removed by the next start of another one.
    await replace(path.join(programs, launcherMarkName), `${request.commandLinePath}\n`);
    await replace(path.join(folder, 'holdfast'), shellScript(request));
    await replace(path.join(folder, 'holdfast.cmd'), commandScript(request));
    return folder;
  } catch (cause) {
    if (HoldfastError.is(cause)) throw cause;
    throw HoldfastError.failedTo('diskFailed', `put the command line into ${folder}`, systemCode(cause) ?? 'unknown cause', {
      fix: 'Look at the rights and the free space of that directory.',
      cause,
    });
  }
}

/** For `sh` (POSIX.1-2024, Quoting). */
export function shellScript({ runtimePath, isElectron, commandLinePath }: LauncherRequest): string {
  const words = [runtimePath, '--disable-warning=ExperimentalWarning', commandLinePath].map(quotedForShell).join(' ');
  return `#!/bin/sh\n${isElectron ? 'export ELECTRON_RUN_AS_NODE=1\n' : ''}exec ${words} "$@"\n`;
}

/** For `cmd`, where only `%` means anything between quotation marks that no file's name can hold. */
export function commandScript({ runtimePath, isElectron, commandLinePath }: LauncherRequest): string {
  const lines = [
    '@echo off',
    'setlocal',
    ...(isElectron ? ['set "ELECTRON_RUN_AS_NODE=1"'] : []),
    `${quotedForCmd(runtimePath)} --disable-warning=ExperimentalWarning ${quotedForCmd(commandLinePath)} %*`,
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

function quotedForCmd(text: string): string {
  return `"${text.replaceAll('%', '%%')}"`;
}

function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** In one step, so that a terminal that starts it meanwhile finds a whole one; nothing where it is there already. */
async function replace(file: string, content: string): Promise<void> {
  if ((await contentOf(file)) === content) return;
  const temporary = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    await writeFile(temporary, content, { flag: 'wx', mode: 0o700 });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    const facts = await lstat(file);
    return facts.isFile() && isOursAlone(facts) ? await readFile(file, 'utf8') : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
