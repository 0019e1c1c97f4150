// The workbench for machines without a desktop VS Code: the npm package `code-server`, installed once below .cache/ without any script.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../run.ts';
import type { Preparation } from './preparation.ts';

export interface CodeServer {
  /** The folder of the workbench itself. */
  readonly folder: string;
  /** The server's entry: run with Node. */
  readonly serverMain: string;
}

export interface DownloadSize {
  /** Bytes that come over the network, about. */
  readonly download: number;
  /** Bytes on the disk afterwards, about. */
  readonly disk: number;
}

export interface PrepareCodeServerOptions {
  /** One line for the person who waits. */
  readonly say: (text: string) => void;
  /** Asked before anything is downloaded; `false` leaves it. Without it there is nobody to ask. */
  readonly onSize?: (size: DownloadSize) => Promise<boolean>;
  /** Ends the installation where it is; nothing half-made is left under the final name. */
  readonly signal?: AbortSignal;
}

const version = '4.139.1';
const size: DownloadSize = { download: 215_000_000, disk: 600_000_000 };
const home = path.join(root, '.cache', 'code-server');
const stampName = '.holdfast-installed';
/** Programs of the workbench that come as sources and would need a compiler, and what stands in for them. */
const standIns: readonly (readonly [file: string, replacement: string])[] = [
  ['node_modules/@vscode/spdlog/index.js', 'fileLogger.cjs'],
  ['node_modules/@vscode/native-watchdog/index.js', 'noWatchdog.cjs'],
];
const installFlags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

function layout(folder: string): CodeServer {
  const workbench = path.join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  return { folder: workbench, serverMain: path.join(workbench, 'out', 'server-main.js') };
}

/** What has to be equal for an installation to be of use: the stamp's content. */
function wanted(): string {
  const sum = createHash('sha256').update([version, process.platform, process.arch, ...installFlags].join('\0'));
  for (const [, replacement] of standIns) sum.update(readFileSync(path.join(import.meta.dirname, replacement)));
  return sum.digest('hex');
}

function isInstalled(): boolean {
  const stamp = path.join(home, stampName);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted() && existsSync(layout(home).serverMain);
}

async function install(folder: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{"private":true}\n');
  const npm = async (cwd: string, args: readonly string[]): Promise<string | undefined> => {
    const { status, output } = await run('npm', ['install', ...installFlags, ...args], {
      cwd,
      env: { npm_config_update_notifier: 'false', npm_config_package_lock: 'false' },
      ...(signal === undefined ? {} : { signal }),
    });
    signal?.throwIfAborted();
    return status === 0 ? undefined : output.trim();
  };
  return (await npm(folder, ['--no-save', `code-server@${version}`])) ?? (await npm(layout(folder).folder, ['--omit=dev']));
}

/** Installs the workbench where it is not there yet. Two that do so at once both succeed. Throws what `signal` was aborted with. */
export async function prepareCodeServer(options: PrepareCodeServerOptions): Promise<Preparation<CodeServer>> {
  if (isInstalled()) return { ready: layout(home) };
  if (options.onSize !== undefined && !(await options.onSize(size))) return { missing: 'The workbench was not downloaded.' };
  const temporary = `${home}.${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  try {
    options.say(`Installing the workbench (code-server ${version}, about ${Math.round(size.disk / 1e6)} MB on disk, once) ...`);
    const problem = await install(temporary, options.signal);
    if (problem !== undefined) {
      return { missing: `Let npm install code-server@${version}, which needs its packages from a registry. It said: ${problem}` };
    }
    writeFileSync(path.join(temporary, stampName), wanted());
    for (const [file, replacement] of standIns) {
      cpSync(path.join(import.meta.dirname, replacement), path.join(layout(temporary).folder, file));
    }
    // Another run may have been faster; what it made is as good.
    if (!isInstalled()) {
      rmSync(home, { recursive: true, force: true });
      renameSync(temporary, home);
    }
    return { ready: layout(home) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
