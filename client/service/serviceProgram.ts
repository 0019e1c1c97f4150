import { createHash } from 'node:crypto';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { allocatorSettings, launchedFlag, runtimeOptions } from '../../protocol/daemonLaunch.ts';

/** What the operating system starts, and as whom. All paths are absolute. */
export interface ServiceProgram {
  /** Of the service, without what a system adds to it: `serviceName`. */
  readonly name: string;
  readonly runtimePath: string;
  /** VS Code's own runtime instead of Node. */
  readonly isElectron: boolean;
  /** In the daemon's own copy. */
  readonly entryPath: string;
  readonly stateDirectory: string;
  readonly homeDirectory: string;
  /** `PATH` for the commands of policies; empty: the system's own. */
  readonly searchPath: string;
  /** Folders that the daemon may write to where the system confines it; `undefined`: not confined. */
  readonly writable: readonly string[] | undefined;
}

/** One service for each state directory; the usual one has the plain name. */
export function serviceName(stateDirectory: string, usual: string): string {
  if (path.resolve(stateDirectory) === path.resolve(usual)) return 'holdfast';
  return `holdfast-${createHash('sha256').update(path.resolve(stateDirectory)).digest('hex').slice(0, 8)}`;
}

/** The daemon's command line: the same as a client starts it with. */
export function commandLine(program: ServiceProgram): readonly string[] {
  const { runtimePath, entryPath, stateDirectory } = program;
  return [runtimePath, ...runtimeOptions, entryPath, '--state', stateDirectory, launchedFlag];
}

/** What the daemon's environment needs beside what the system gives it. Nothing of the caller's that could be a secret. */
export function serviceEnvironment(program: ServiceProgram, platform: 'linux' | 'darwin'): Readonly<Record<string, string>> {
  return {
    ...(platform === 'linux' ? allocatorSettings : {}),
    ...(program.isElectron ? { ELECTRON_RUN_AS_NODE: '1' } : {}),
    ...(program.searchPath === '' ? {} : { PATH: program.searchPath }),
  };
}

/** Throws `badValue` for text that no such file can carry: a control character would end its line. */
export function refuseControlCharacters(texts: readonly string[]): void {
  const bad = texts.find((text) => /\p{Cc}/u.test(text));
  if (bad === undefined) return;
  throw new HoldfastError('badValue', `Failed to write the service: the path ${JSON.stringify(bad)} has control characters.`, {
    fix: 'Use a folder with another name.',
  });
}

/**
 * Where a confined daemon may write: what is its own and the user's, the folders of its locations, and where disks and temporary files usually are. A
 * restore into any other folder is refused by the system; `--writable DIR` adds one.
 */
export function writableFolders(folders: {
  readonly homeDirectory: string;
  readonly stateDirectory: string;
  readonly locations: readonly string[];
  readonly more: readonly string[];
}): readonly string[] {
  const usual = ['/tmp', '/var/tmp', '/mnt', '/media', '/run/media'];
  return [...new Set([folders.homeDirectory, folders.stateDirectory, ...folders.locations, ...folders.more, ...usual])];
}
