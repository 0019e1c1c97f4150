// The tests that run inside an extension host: one window, one state directory and one daemon a file of tests.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import { runTests } from '@vscode/test-electron';
import { chromium } from 'playwright-core';
import type { InsideInstructions } from '../test/host/inside/instructions.ts';
import { ScratchState } from '../test/support/daemon.ts';
import { root } from './run.ts';
import { tellingLines } from './tellingLines.ts';
import { type LayerReport, layerReport } from './testReport.ts';
import type { WorkbenchRunOptions } from './workbenchRuns.ts';
import { remoteUri, startWorkbenchServer, workbenchUrl, writeSettings } from './workbench/workbenchServer.ts';

/** Opens a window whose extension host runs test/host/index.ts, and resolves when that has ended or the signal came. */
interface InsideLauncher extends AsyncDisposable {
  readonly name: string;
  launch(what: { readonly state: string; readonly folder: string; readonly logFile: string; readonly signal: AbortSignal }): Promise<void>;
}

const fileLimit = 120_000;
const index = path.join(root, 'test', 'host', 'index.ts');

function settings(state: string): Readonly<Record<string, unknown>> {
  return { 'holdfast.stateDirectory': state, 'workbench.startupEditor': 'none', 'chat.disableAIFeatures': true, 'git.enabled': false };
}

/** Resolves with nothing when the signal comes. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function codeServerLauncher(
  browserEndpoint: string,
  instructionsFile: string,
  options: WorkbenchRunOptions,
): Promise<InsideLauncher> {
  const { workbench, scratch, environment, builtInExtensions, signal } = options;
  const dataDirectory = path.join(scratch, 'inside');
  const server = await startWorkbenchServer({
    codeServer: workbench.codeServer,
    dataDirectory,
    environment: { ...environment, TMPDIR: scratch, HOLDFAST_INSIDE: instructionsFile },
    isTestDriven: true,
    builtInExtensions,
    signal,
  });
  const browser = await chromium.connect(browserEndpoint);
  return {
    name: 'the workbench of code-server',
    launch: async ({ state, folder, logFile, signal: ended }) => {
      writeSettings(dataDirectory, 'Machine', settings(state));
      const context = await browser.newContext();
      const { promise, resolve } = Promise.withResolvers<void>();
      await context.exposeFunction('codeAutomationExit', () => resolve());
      await context.exposeFunction('codeAutomationLog', (type: string, args: readonly unknown[]) => {
        appendFileSync(logFile, `${type} ${format(...args)}\n`);
      });
      try {
        const page = await context.newPage();
        await page.goto(
          workbenchUrl(server.address, {
            folder,
            payload: {
              skipWelcome: 'true',
              extensionDevelopmentPath: remoteUri(server.address, root),
              extensionTestsPath: remoteUri(server.address, index),
            },
          }),
        );
        await Promise.race([promise, server.ended, aborted(ended)]);
        // Where the time ran out, what stood on the screen tells what it waited for.
        if (ended.aborted) await page.screenshot({ path: `${logFile}.png` });
      } finally {
        await context.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function desktopLauncher(executable: string, instructionsFile: string, options: WorkbenchRunOptions): InsideLauncher {
  return {
    name: `desktop VS Code (${executable})`,
    launch: async ({ state, folder, logFile }) => {
      const user = path.join(options.scratch, 'desktop');
      const settingsFile = path.join(user, 'User', 'settings.json');
      mkdirSync(path.dirname(settingsFile), { recursive: true });
      writeFileSync(settingsFile, JSON.stringify(settings(state)));
      try {
        await runTests({
          vscodeExecutablePath: executable,
          extensionDevelopmentPath: root,
          extensionTestsPath: index,
          extensionTestsEnv: { ...process.env, ...options.environment, TMPDIR: options.scratch, HOLDFAST_INSIDE: instructionsFile },
          launchArgs: [folder, '--user-data-dir', user, '--extensions-dir', path.join(user, 'extensions'), '--disable-workspace-trust'],
        });
      } catch (error) {
        // Failed tests end the window so; the report tells which.
        appendFileSync(logFile, `${String(error)}\n`);
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function runFile(
  file: string,
  launcher: InsideLauncher,
  instructionsFile: string,
  options: WorkbenchRunOptions,
): Promise<LayerReport> {
  const name = path.basename(file, '.test.ts');
  const logFile = path.join(options.kept, 'failures', `${name}.inside.log`);
  const reportFile = path.join(options.scratch, 'inside.report.json');
  const outputFile = path.join(options.scratch, 'inside.output');
  mkdirSync(path.dirname(logFile), { recursive: true });
  rmSync(reportFile, { force: true });
  writeFileSync(outputFile, '');
  await using scratch = new ScratchState(options.scratch);
  const instructions: InsideInstructions = {
    files: [path.join(root, file)],
    reportFile,
    outputFile,
    state: scratch.state,
    passphraseFile: scratch.passphraseFile,
    folder: scratch.makeFolder('work'),
  };
  writeFileSync(instructionsFile, JSON.stringify(instructions));
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(fileLimit)]);
  await launcher.launch({ state: scratch.state, folder: instructions.folder, logFile, signal });
  process.stdout.write(readFileSync(outputFile, 'utf8'));
  if (!existsSync(reportFile)) {
    const why = signal.aborted ? `within ${fileLimit / 1000} s` : 'with its window';
    options.say(`FAILED ${file}: it left no report ${why}; ${path.relative(root, logFile)} holds what was said.`);
    // Where a run keeps nothing but what it printed, the file is gone.
    for (const line of existsSync(logFile) ? tellingLines(readFileSync(logFile, 'utf8')) : []) options.say(`  ${line}`);
    return { seed: 0, cases: [{ title: `${file} ended without a report`, ids: [], state: 'failed', seconds: 0 }] };
  }
  const report = layerReport.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  if (report.cases.every(({ state }) => state !== 'failed')) rmSync(logFile, { force: true });
  return report;
}

/** Runs each file in a window of its own: in desktop VS Code where VSCODE_EXECUTABLE names one, else in code-server. */
export async function runInside(files: readonly string[], browserEndpoint: string, options: WorkbenchRunOptions): Promise<LayerReport> {
  const instructionsFile = path.join(options.scratch, 'inside.json');
  const desktop = process.env['VSCODE_EXECUTABLE'];
  await using launcher =
    desktop === undefined
      ? await codeServerLauncher(browserEndpoint, instructionsFile, options)
      : desktopLauncher(desktop, instructionsFile, options);
  options.say(`Host of the tests inside: ${launcher.name}.`);
  const reports: LayerReport[] = [];
  for (const file of files) {
    if (options.signal.aborted) break;
    reports.push(await runFile(file, launcher, instructionsFile, options));
  }
  return { seed: reports[0]?.seed ?? 0, cases: reports.flatMap(({ cases }) => cases) };
}
