// The tests in the real workbench: `node scripts/hostLayer.ts [FILE…]` for some or all of them, after the build. `npm test -- host` builds first.
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BrowserServer, chromium } from 'playwright-core';
import * as z from 'zod';
import type { HostEnvironment } from '../test/host/hostEnvironment.ts';
import { declaredCommands } from './declaredCommands.ts';
import { runInside } from './insideRuns.ts';
import { logLines } from './logLines.ts';
import { packageExtension } from './package.ts';
import { root, run } from './run.ts';
import { commandRows, commandRun, type LayerReport, layerReport } from './testReport.ts';
import { type PreparedWorkbench, prepareWorkbench } from './workbench/prepareWorkbench.ts';
import { installExtension, startWorkbenchServer } from './workbench/workbenchServer.ts';

export interface HostLayerOptions {
  readonly workbench: PreparedWorkbench;
  /** Test files from the checkout's root; default: all of test/host. */
  readonly files?: readonly string[];
  /** A folder that is removed afterwards. Its path is short, since sockets lie below it. */
  readonly scratch: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

const kept = path.join(root, '.cache', 'host');
/** Of what comes with the workbench: themes, icons, and the languages of the pictures. Each more costs every window time. */
const builtInExtensions = ['theme-defaults', 'theme-seti', 'json', 'javascript', 'typescript-basics', 'markdown-basics'];
const browserArguments = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--font-render-hinting=none',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

async function launchBrowser(program: string): Promise<BrowserServer & AsyncDisposable> {
  const server = await chromium.launchServer({
    executablePath: program,
    args: browserArguments,
    host: '127.0.0.1',
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  return Object.assign(server, { [Symbol.asyncDispose]: async () => await server.close() });
}

/** The tests that drive the user interface: the packaged extension, installed as users do it. */
async function runInterfaceTests(files: readonly string[], browser: BrowserServer, options: HostLayerOptions): Promise<LayerReport> {
  const { workbench, scratch, environment, signal } = options;
  const started = performance.now();
  const { file, bytes } = await packageExtension({ out: path.join(scratch, 'holdfast.vsix'), signal });
  const dataDirectory = path.join(scratch, 'ui');
  await installExtension(workbench.codeServer, dataDirectory, file);
  await using server = await startWorkbenchServer({
    codeServer: workbench.codeServer,
    dataDirectory,
    environment: { ...environment, TMPDIR: scratch },
    builtInExtensions,
    signal,
  });
  options.say(
    `Packed (${Math.round(bytes / 1024)} KiB), installed and serving after ${((performance.now() - started) / 1000).toFixed(1)} s.`,
  );
  const host: HostEnvironment = {
    address: server.address,
    dataDirectory,
    browser: browser.wsEndpoint(),
    failures: path.join(kept, 'failures'),
    screenshots: path.join(kept, 'screenshots'),
  };
  const hostFile = path.join(scratch, 'host.json');
  writeFileSync(hostFile, JSON.stringify(host), { mode: 0o600 });
  const reportFile = path.join(scratch, 'ui.json');
  await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(root, 'scripts', 'mochaLayer.ts'), reportFile, ...files],
    {
      output: 'inherit',
      env: { ...environment, TMPDIR: scratch, HOLDFAST_HOST: hostFile },
      signal,
    },
  );
  return readReport(reportFile, 'test/host/ui');
}

/** Where there is no report, something broke outside of every test: one failed case. */
function readReport(file: string, title: string): LayerReport {
  if (existsSync(file)) return layerReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  return { seed: 0, cases: [{ title: `${title} ended without a report`, ids: [], state: 'failed', seconds: 0 }] };
}

const activationShape = z.strictObject({ reason: z.string(), load: z.number(), activate: z.number() });

function middle(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0;
}

/** How long the extension took to be active in the windows of this run. Told and not judged: it depends on what else the machine did. */
function describeActivations(file: string): string {
  const activations = logLines(file, activationShape);
  const [load, activate] = [middle(activations.map((one) => one.load)), middle(activations.map((one) => one.activate))];
  return `Activated ${activations.length} times; in the middle ${load} ms to load and ${activate} ms to activate.`;
}

/** Runs both kinds of tests, one after the other, on one browser. */
export async function runHostLayer(options: HostLayerOptions): Promise<LayerReport> {
  const files = options.files ?? globSync('test/host/{inside,ui}/**/*.test.ts', { cwd: root }).toSorted();
  rmSync(path.join(kept, 'failures'), { recursive: true, force: true });
  mkdirSync(kept, { recursive: true });
  await using browser = await launchBrowser(options.workbench.chromium);
  const inside = files.filter((file) => file.includes('test/host/inside/'));
  const interfaceFiles = files.filter((file) => file.includes('test/host/ui/'));
  const reports: LayerReport[] = [];
  if (inside.length > 0) reports.push(await runInside(inside, browser.wsEndpoint(), { ...options, kept, builtInExtensions }));
  if (interfaceFiles.length > 0) {
    options.say('Host of the user interface tests: the workbench of code-server in headless Chromium.');
    const activations = path.join(options.scratch, 'activations.jsonl');
    const environment = { ...options.environment, HOLDFAST_ACTIVATIONS_LOG: activations };
    reports.push(await runInterfaceTests(interfaceFiles, browser, { ...options, environment }));
    options.say(describeActivations(activations));
  }
  return { seed: reports[0]?.seed ?? 0, cases: reports.flatMap(({ cases }) => cases) };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

if (import.meta.main) {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const prepared = await prepareWorkbench({ say });
  if ('missing' in prepared) {
    say(`NOT RUN: ${prepared.missing}`);
    process.exit(1);
  }
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'hf-'));
  try {
    const commands = path.join(scratch, 'commands.jsonl');
    const files = process.argv.slice(2).map((file) => path.relative(root, path.resolve(file)));
    await run(process.execPath, [path.join(root, 'scripts', 'build.mjs')]);
    const report = await runHostLayer({
      workbench: prepared.ready,
      ...(files.length === 0 ? {} : { files }),
      scratch,
      environment: { HOLDFAST_COMMANDS_LOG: commands },
      say,
      signal: interrupted.signal,
    });
    for (const { title, state, seconds } of report.cases) say(`${state.padEnd(7)} ${title} (${seconds.toFixed(1)} s)`);
    const rows = commandRows(declaredCommands(), logLines(commands, commandRun), [report]);
    say(
      `commands that ran: ${rows
        .filter(({ tests }) => tests > 0)
        .map(({ command }) => command)
        .join(' ')}`,
    );
    if (files.length === 0)
      say(
        `commands that no test ran: ${rows
          .filter(({ tests }) => tests === 0)
          .map(({ command }) => command)
          .join(' ')}`,
      );
    const failed = report.cases.filter(({ state }) => state === 'failed').length;
    say(`${report.cases.filter(({ state }) => state === 'passed').length} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
