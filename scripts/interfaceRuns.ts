// The tests that drive the user interface: the packaged extension, installed as users do it, in headless Chromium.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { HostEnvironment } from '../test/host/hostEnvironment.ts';
import { runMochaBatch } from './mochaBatch.ts';
import type { LayerReport } from './testReport.ts';
import type { WorkbenchRunOptions } from './workbenchRuns.ts';
import { installExtension, startWorkbenchServer } from './workbench/workbenchServer.ts';

const fileLimit = 5 * 60_000;
const browserArguments = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--font-render-hinting=none',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** A browser that listens, for tests in processes of their own. Disposing ends it. */
export async function launchBrowser(program: string): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const server = await chromium.launchServer({
    executablePath: program,
    args: browserArguments,
    host: '127.0.0.1',
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  return { endpoint: server.wsEndpoint(), [Symbol.asyncDispose]: async () => await server.close() };
}

/**
 * Takes files from the queue until there are none, with a server and a browser of its own: settings hold for all windows of a server, and the clipboard
 * for all of a browser.
 */
export async function runInterfaceLane(
  lane: number,
  queue: string[],
  vsix: string,
  options: WorkbenchRunOptions,
): Promise<readonly LayerReport[]> {
  const { workbench, scratch, environment, builtInExtensions, kept, signal } = options;
  const dataDirectory = path.join(scratch, `ui${lane}`);
  await installExtension(workbench.codeServer, dataDirectory, vsix);
  await using server = await startWorkbenchServer({
    codeServer: workbench.codeServer,
    dataDirectory,
    environment: { ...environment, TMPDIR: scratch },
    builtInExtensions,
    signal,
  });
  await using browser = await launchBrowser(workbench.chromium);
  const host: HostEnvironment = {
    address: server.address,
    dataDirectory,
    browser: browser.endpoint,
    failures: path.join(kept, 'failures'),
    screenshots: path.join(kept, 'screenshots'),
    codeServer: { folder: workbench.codeServer.folder, serverMain: workbench.codeServer.serverMain },
    builtInExtensions,
    vsix,
  };
  const hostFile = path.join(scratch, `ui${lane}.json`);
  writeFileSync(hostFile, JSON.stringify(host), { mode: 0o600 });
  const reports: LayerReport[] = [];
  for (let file = queue.shift(); file !== undefined && !signal.aborted; file = queue.shift()) {
    reports.push(
      await runMochaBatch({
        files: [file],
        reportFile: path.join(scratch, `ui${lane}.report.json`),
        environment: { ...environment, TMPDIR: scratch, HOLDFAST_HOST: hostFile },
        limit: fileLimit,
        say: options.say,
        signal,
      }),
    );
  }
  return reports;
}
