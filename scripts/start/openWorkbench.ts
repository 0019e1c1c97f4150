// The workbench that `npm start` opens: the VS Code of this machine, or the same workbench in the browser.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { systemCode } from '../../protocol/systemCode.ts';
import { packageExtension } from '../package.ts';
import { run } from '../run.ts';
import { ScriptFailed } from '../scriptFailed.ts';
import { type DownloadSize, prepareCodeServer } from '../workbench/codeServer.ts';
import { installExtension, startWorkbenchServer, workbenchUrl, writeSettings } from '../workbench/workbenchServer.ts';

export interface WorkbenchRequest {
  /** What the window shows. */
  readonly folder: string;
  readonly stateDirectory: string;
  /** Everything that the workbench keeps lies below it, so that the user's own settings and extensions stay as they are. */
  readonly dataDirectory: string;
  readonly say: (text: string) => void;
  /** Aborted by Ctrl-C: ends the workbench. */
  readonly signal: AbortSignal;
}

/** Opens a window with the extension of this checkout in it and resolves once it has ended; `false` where the user did not want the download. */
export async function openWorkbench(request: WorkbenchRequest): Promise<boolean> {
  const { dataDirectory, signal, say } = request;
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const code = installedCode(process.env['PATH'] ?? '');
  if (code !== undefined) {
    const { file } = await packageExtension({ signal });
    await desktop(code, file, request);
    return true;
  }
  const prepared = await prepareCodeServer({ say, signal, ...(process.stdin.isTTY ? { onSize: mayDownload } : {}) });
  if ('missing' in prepared) {
    say(prepared.missing);
    return false;
  }
  const codeServer = prepared.ready;
  const { file } = await packageExtension({ signal });
  writeSettings(dataDirectory, 'Machine', settingsOf(request));
  await installExtension(codeServer, dataDirectory, file);
  await using server = await startWorkbenchServer({ codeServer, dataDirectory, signal });
  say(
    `\nThe workbench is here (the address lets in whoever has it; it is of this machine alone):\n\n    ${workbenchUrl(server.address, request)}\n`,
  );
  say('Ctrl-C ends it and the daemon.');
  await server.ended;
  return true;
}

/** The path of the first `code` that may be run. The one of a remote window's terminal opens windows elsewhere and is passed over. */
export function installedCode(searchPath: string): string | undefined {
  const names = process.platform === 'win32' ? ['code.cmd', 'code.exe'] : ['code'];
  for (const folder of searchPath.split(path.delimiter).filter((part) => part !== '' && !/[/\\]remote-cli$/.test(part))) {
    for (const name of names) {
      try {
        accessSync(path.join(folder, name), constants.X_OK);
        return path.join(folder, name);
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}

async function desktop(code: string, vsix: string, { folder, dataDirectory, say, signal, ...request }: WorkbenchRequest): Promise<void> {
  const userData = path.join(dataDirectory, 'user-data');
  const own = ['--user-data-dir', userData, '--extensions-dir', path.join(dataDirectory, 'desktop-extensions')];
  mkdirSync(path.join(userData, 'User'), { recursive: true });
  writeFileSync(path.join(userData, 'User', 'settings.json'), `${JSON.stringify(settingsOf(request), undefined, 2)}\n`);
  const installed = await run(code, [...own, '--install-extension', vsix, '--force'], { signal });
  if (installed.status !== 0) throw new ScriptFailed(`install the extension into ${code}`, installed.output);
  say(`\nOpening ${code} with settings and extensions of its own. Close its window, or type Ctrl-C here: both end it and the daemon.`);
  const child = spawn(code, [...own, '--new-window', '--wait', folder], { stdio: 'ignore', shell: process.platform === 'win32' });
  const end = (): void => {
    child.kill();
    endDesktop(userData);
  };
  signal.addEventListener('abort', end, { once: true });
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new ScriptFailed(`open ${code}`, error.message)));
    child.once('close', () => resolve());
  });
}

/** The window is not a child of the `code` that opened it. It notes its process in its own folder. */
function endDesktop(userData: string): void {
  try {
    const pid = Number(readFileSync(path.join(userData, 'code.lock'), 'utf8'));
    // To kill, 0 is this very group.
    if (Number.isSafeInteger(pid) && pid > 1) process.kill(pid, 'SIGTERM');
  } catch (error) {
    // It has ended already.
    if (systemCode(error) === undefined) throw error;
  }
}

function settingsOf({ stateDirectory }: Pick<WorkbenchRequest, 'stateDirectory'>): Readonly<Record<string, unknown>> {
  return {
    'holdfast.stateDirectory': stateDirectory,
    // What the workbench would show of itself in a first window.
    'chat.disableAIFeatures': true,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'workbench.startupEditor': 'none',
  };
}

async function mayDownload({ download, disk }: DownloadSize): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const question = `No VS Code was found here. Download its workbench for the browser (${megabytes(download)}, ${megabytes(disk)} on disk, once)? [y/N] `;
    return /^y(es)?$/i.test((await asking.question(question)).trim());
  } finally {
    asking.close();
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
