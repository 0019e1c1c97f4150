import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run, type RunResult } from '../run.ts';
import { ScriptFailed } from '../scriptFailed.ts';
import type { CodeServer } from './codeServer.ts';

export interface WorkbenchServerOptions {
  readonly codeServer: CodeServer;
  /** Everything that this workbench keeps: settings, extensions, logs, and what users see as theirs. Made where it is not there. */
  readonly dataDirectory: string;
  /** Added to this process's environment; reaches the extension host. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** For tests that run inside the extension host. Toasts and dialogs do not appear then. */
  readonly isTestDriven?: boolean;
  /** Names of the extensions that come with the workbench and are wanted. Default: all. Fewer open a window in half the time. */
  readonly builtInExtensions?: readonly string[];
  /** Milliseconds until the server has to listen. Default 60,000. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface WorkbenchUrl {
  /** Absolute folder, or a `.code-workspace` file; without either a window with no folder. */
  readonly folder?: string;
  readonly workspace?: string;
  /** What the window is told beside: pairs that the workbench knows. */
  readonly payload?: Readonly<Record<string, string>>;
}

/** Where a workbench is reached, and the word that lets one in. */
export interface WorkbenchAddress {
  readonly port: number;
  readonly token: string;
}

/** A running workbench on the loopback interface. Disposing ends it. */
export interface WorkbenchServer extends AsyncDisposable {
  readonly pid: number;
  readonly address: WorkbenchAddress;
  /** All that it said, standard output and error. */
  readonly logFile: string;
  /** Resolves once the server has ended, however that came. */
  readonly ended: Promise<void>;
}

const graceMilliseconds = 5000;

/** Where a workbench keeps the extensions that were installed: one folder for each, `<publisher>.<name>-<version>`. */
export function extensionsFolder(dataDirectory: string): string {
  return path.join(dataDirectory, 'extensions');
}

/** Settings, names to values, in force for every window that is opened afterwards: the machine's, or the user's, which also hold what machines can't say. */
export function writeSettings(dataDirectory: string, whose: 'Machine' | 'User', settings: Readonly<Record<string, unknown>>): void {
  const file = path.join(dataDirectory, 'data', whose, 'settings.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(settings, undefined, 2)}\n`);
}

/** Installs a packaged extension as a user does. Throws what the workbench said where it refuses. */
export async function installExtension(codeServer: CodeServer, dataDirectory: string, vsix: string): Promise<void> {
  mkdirSync(extensionsFolder(dataDirectory), { recursive: true });
  const { status, output } = await manageExtensions(codeServer, dataDirectory, ['--install-extension', vsix, '--force']);
  if (status !== 0 || !/was successfully installed/.test(output)) throw new ScriptFailed(`install ${vsix} into the workbench`, output);
}

/** Takes an extension away as a user does. Windows that are open have it until they are loaded again. Throws what the workbench said where it refuses. */
export async function uninstallExtension(codeServer: CodeServer, dataDirectory: string, id: string): Promise<void> {
  const { status, output } = await manageExtensions(codeServer, dataDirectory, ['--uninstall-extension', id]);
  if (status !== 0 || !/was successfully uninstalled/.test(output)) throw new ScriptFailed(`uninstall ${id} from the workbench`, output);
}

async function manageExtensions(codeServer: CodeServer, dataDirectory: string, what: readonly string[]): Promise<RunResult> {
  const where = ['--server-data-dir', dataDirectory, '--extensions-dir', extensionsFolder(dataDirectory)];
  return await run(process.execPath, [codeServer.serverMain, '--accept-server-license-terms', ...where, ...what]);
}

/** The address of a window, for a browser. It holds the token: whoever has it may run programs as this user. */
export function workbenchUrl({ port, token }: WorkbenchAddress, { folder, workspace, payload }: WorkbenchUrl): string {
  const address = new URL(`http://127.0.0.1:${port}/`);
  address.searchParams.set('tkn', token);
  if (folder !== undefined) address.searchParams.set('folder', folder);
  if (workspace !== undefined) address.searchParams.set('workspace', workspace);
  if (folder === undefined && workspace === undefined) address.searchParams.set('ew', 'true');
  if (payload !== undefined) address.searchParams.set('payload', JSON.stringify(Object.entries(payload)));
  return address.href;
}

/** A file of this machine as the workbench names it. */
export function remoteUri({ port }: WorkbenchAddress, file: string): string {
  return `vscode-remote://127.0.0.1:${port}${file}`;
}

/** A folder that holds the wanted ones of the extensions that come with the workbench. */
function builtInFolder(codeServer: CodeServer, dataDirectory: string, names: readonly string[]): string {
  const folder = path.join(dataDirectory, 'built-in');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of names) symlinkSync(path.join(codeServer.folder, 'extensions', name), path.join(folder, name), 'junction');
  return folder;
}

/** Resolves with the port once the server listens. */
async function listening(child: ChildProcess, heard: () => string, limit: number): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    const fail = (why: string): void => reject(new ScriptFailed('start the workbench', `${heard()}\n${why}`));
    const timer = setTimeout(() => fail(`it does not listen after ${limit} ms`), limit);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => fail(`it ended with ${String(code ?? signal)}`));
    child.stdout?.on('data', () => {
      const port = /Extension host agent listening on (\d+)/.exec(heard())?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
  await ended;
  clearTimeout(impatient);
}

/** Starts the workbench on a free port of the loopback interface. */
export async function startWorkbenchServer(options: WorkbenchServerOptions): Promise<WorkbenchServer> {
  const { codeServer, dataDirectory } = options;
  options.signal?.throwIfAborted();
  mkdirSync(extensionsFolder(dataDirectory), { recursive: true });
  const token = randomBytes(18).toString('base64url');
  const tokenFile = path.join(dataDirectory, 'token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const logFile = path.join(dataDirectory, 'server.log');
  const log = createWriteStream(logFile, { mode: 0o600 });
  const child = spawn(
    process.execPath,
    [
      codeServer.serverMain,
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--connection-token-file',
      tokenFile,
      '--accept-server-license-terms',
      '--server-data-dir',
      dataDirectory,
      '--extensions-dir',
      extensionsFolder(dataDirectory),
      '--telemetry-level',
      'off',
      ...(options.builtInExtensions === undefined
        ? []
        : ['--builtin-extensions-dir', builtInFolder(codeServer, dataDirectory, options.builtInExtensions)]),
      ...(options.isTestDriven === true ? ['--enable-smoke-test-driver', '--disable-workspace-trust'] : []),
    ],
    { cwd: dataDirectory, env: { ...process.env, ...options.environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      log.write(data);
      text = (text + data.toString('utf8')).slice(-20_000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => log.end(() => resolve()));
    child.once('error', () => resolve());
  });
  const abort = (): void => void child.kill('SIGTERM');
  options.signal?.addEventListener('abort', abort, { once: true });
  let port: number;
  try {
    port = await listening(child, () => text, options.limit ?? 60_000);
  } catch (error) {
    await end(child, ended);
    throw error;
  }
  return {
    pid: child.pid ?? -1,
    address: { port, token },
    logFile,
    ended,
    [Symbol.asyncDispose]: async () => {
      options.signal?.removeEventListener('abort', abort);
      await end(child, ended);
    },
  };
}
