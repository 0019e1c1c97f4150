// The tests in the real workbench: `node scripts/hostLayer.ts [FILE…]` for some or all of them, after the build. `npm test -- host` builds first.
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BrowserServer, chromium } from 'playwright-core';
import type { HostEnvironment } from '../test/host/hostEnvironment.ts';
import { runInside } from './insideRuns.ts';
import { packageExtension } from './package.ts';
import { root, run } from './run.ts';
import { type LayerReport, layerReport } from './testReport.ts';
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
export function readReport(file: string, title: string): LayerReport {
  if (existsSync(file)) return layerReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  return { seed: 0, cases: [{ title: `${title} ended without a report`, ids: [], state: 'failed', seconds: 0 }] };
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
    reports.push(await runInterfaceTests(interfaceFiles, browser, options));
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
    const files = process.argv.slice(2).map((file) => path.relative(root, path.resolve(file)));
    await run(process.execPath, [path.join(root, 'scripts', 'build.mjs')]);
    const report = await runHostLayer({
      workbench: prepared.ready,
      ...(files.length === 0 ? {} : { files }),
      scratch,
      environment: {},
      say,
      signal: interrupted.signal,
    });
    for (const { title, state, seconds } of report.cases) say(`${state.padEnd(7)} ${title} (${seconds.toFixed(1)} s)`);
    const failed = report.cases.filter(({ state }) => state === 'failed').length;
    say(`${report.cases.filter(({ state }) => state === 'passed').length} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
