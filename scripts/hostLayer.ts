// The tests in the real workbench: `node scripts/hostLayer.ts [FILE…]` for some or all of them, after the build. `npm test -- host` builds first.
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os, { availableParallelism } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { endProcess, processesNaming } from '../test/support/processes.ts';
import { declaredCommands } from './declaredCommands.ts';
import { runInside } from './insideRuns.ts';
import { launchBrowser, runInterfaceLane } from './interfaceRuns.ts';
import { logLines } from './logLines.ts';
import { failedCase } from './mochaBatch.ts';
import { inOrder } from './mochaLanes.ts';
import { packageExtension } from './package.ts';
import { root, run } from './run.ts';
import { commandRows, commandRun, type LayerReport } from './testReport.ts';
import { type PreparedWorkbench, prepareWorkbench } from './workbench/prepareWorkbench.ts';

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

/**
 * Runs both kinds of tests. With two cores there are two lanes: one begins with the tests inside, the other with the files that drive windows, and both go
 * on with those until none is left.
 */
export async function runHostLayer(options: HostLayerOptions): Promise<LayerReport> {
  const { scratch, say: tell, signal } = options;
  const files = options.files ?? globSync('test/host/{inside,ui}/**/*.test.ts', { cwd: root }).toSorted();
  const inside = files.filter((file) => file.includes('test/host/inside/'));
  const queue = [...inOrder(files.filter((file) => file.includes('test/host/ui/')))];
  const activations = path.join(scratch, 'activations.jsonl');
  const shared = {
    ...options,
    environment: { ...options.environment, HOLDFAST_ACTIVATIONS_LOG: activations },
    kept,
    builtInExtensions,
  };
  rmSync(path.join(kept, 'failures'), { recursive: true, force: true });
  mkdirSync(kept, { recursive: true });

  const runInsideTests = async (): Promise<readonly LayerReport[]> => {
    if (inside.length === 0) return [];
    await using browser = await launchBrowser(options.workbench.chromium);
    return [await runInside(inside, browser.endpoint, shared)];
  };
  const packed = queue.length === 0 ? undefined : packageExtension({ out: path.join(scratch, 'holdfast.vsix'), signal });
  // Whoever awaits it sees how it went; until then a failure is not lost, only early.
  packed?.catch(() => undefined);
  const runLane = async (lane: number): Promise<readonly LayerReport[]> => {
    if (packed === undefined) return [];
    const { file } = await packed;
    return queue.length === 0 ? [] : await runInterfaceLane(lane, queue, file, shared);
  };
  if (packed !== undefined) tell('Host of the user interface tests: the workbench of code-server in headless Chromium.');
  const isParallel = availableParallelism() > 1;
  const first = async (): Promise<readonly LayerReport[]> => [...(await runInsideTests()), ...(await runLane(1))];
  const lanes = await settled(isParallel && inside.length + queue.length > 1 ? [first(), runLane(2)] : [first()]);
  const reports = lanes.flat();
  if (packed !== undefined) tell(`${describeActivations(activations)} The package has ${Math.round((await packed).bytes / 1024)} KiB.`);
  const cases = reports.flatMap((report) => report.cases);
  // Files that did not get their turn are in no report.
  if (signal.aborted) cases.push(failedCase('the host layer was ended before all of its files had run'));
  if (cases.length === 0) cases.push(failedCase('the host layer found no test'));
  return { seed: reports[0]?.seed ?? 0, cases };
}

/** All results once every lane has ended, so that what one of them owns is given back also where another one fails. Then throws the first failure. */
async function settled<Result>(lanes: readonly Promise<Result>[]): Promise<readonly Result[]> {
  await Promise.allSettled(lanes);
  return await Promise.all(lanes);
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
    for (const pid of processesNaming(scratch)) await endProcess(pid);
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
