// Runs every layer of tests and ends with what was shown: `npm test`, or `npm test -- unit process` for some layers.
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { testSeed } from '../test/support/mochaHooks.ts';
import { endProcess, processesNaming } from '../test/support/processes.ts';
import { verbs } from '../test/support/verbs.ts';
import { describeChecks, runChecks } from './check.ts';
import { declaredCommands } from './declaredCommands.ts';
import { runHostLayer } from './hostLayer.ts';
import { logLines } from './logLines.ts';
import { runMochaLanes } from './mochaLanes.ts';
import { prepareReaderEnvironment } from './readerEnvironment.ts';
import { root, run } from './run.ts';
import { prepareServers } from './servers/prepareServers.ts';
import { commandRows, commandRun, type LayerReport, threatRows, verbCall, verbRows } from './testReport.ts';
import { prepareWorkbench } from './workbench/prepareWorkbench.ts';

interface LayerResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** Why the layer could not run, and what to install. */
  readonly notRun?: string;
  readonly report?: LayerReport;
}

const layerNames = ['check', 'unit', 'architecture', 'integration', 'process', 'host', 'reader'] as const;
type LayerName = (typeof layerNames)[number];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !layerNames.some((known) => known === name));
if (unknown.length > 0) {
  process.stdout.write(`Failed to run ${unknown.join(', ')}: the layers are ${layerNames.join(', ')}.\n`);
  process.exit(2);
}

/** Against what hangs: no layer takes half of it on two cores. */
const layerLimit = 25 * 60_000;
const batchLimit = 20 * 60_000;
/** How many of the processes that took longest are named, so that a layer does not grow unseen. */
const longestTold = 8;
const isCi = process.env['CI'] !== undefined && process.env['CI'] !== 'false';
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const seed = testSeed();

// A short path: sockets that lie below it must fit into about a hundred bytes.
const scratch = mkdtempSync(path.join(os.tmpdir(), 'hf-'));
const reports = path.join(root, '.cache', 'test-reports');
const verbLog = path.join(scratch, 'verbs.jsonl');
const commandLog = path.join(scratch, 'commands.jsonl');
const interrupted = new AbortController();
const isWhole = asked.length === 0;
const reader = prepareReaderEnvironment();
const layersWithServers: readonly LayerName[] = ['integration', 'process', 'host'];
const servers = isWhole || layersWithServers.some((name) => asked.includes(name)) ? prepareServers({ say }) : undefined;
const workbench = isWhole || asked.includes('host') ? prepareWorkbench({ say }) : undefined;
// Whoever awaits them later sees how it went; until then a failure is not lost, only early.
reader.catch(() => undefined);
workbench?.catch(() => undefined);
servers?.catch(() => undefined);

async function runCheckLayer(): Promise<LayerResult> {
  const started = performance.now();
  const results = await runChecks();
  process.stdout.write(describeChecks(results));
  const failed = results.filter((result) => result.problem !== undefined).length;
  return { name: 'check', passed: results.length - failed, failed, skipped: 0, seconds: (performance.now() - started) / 1000 };
}

/** The folder of the servers for a layer that has tests on them. Where they are missing, those tests are skipped, and fail where CI is set. */
async function serversFor(name: LayerName): Promise<string | undefined> {
  if (servers === undefined || !layersWithServers.includes(name)) return undefined;
  const prepared = await servers;
  if ('ready' in prepared) return prepared.ready;
  say(`NOT RUN: the tests on real S3 servers. ${prepared.missing}`);
  return undefined;
}

async function runMochaLayer(name: LayerName): Promise<LayerResult> {
  const files = globSync(`test/${name}/**/*.test.ts`, { cwd: root }).toSorted();
  if (files.length === 0) return { name, passed: 0, failed: 1, skipped: 0, seconds: 0, notRun: `There is no test in test/${name}.` };
  const environment = await reader;
  const serverFolder = await serversFor(name);
  const reportFile = path.join(reports, `${name}.json`);
  rmSync(reportFile, { force: true });
  const started = performance.now();
  const { report, times } = await runMochaLanes({
    files,
    filesOfBatch: name === 'unit' ? 12 : 1,
    together: usesServers,
    scratch,
    environment: {
      HOLDFAST_VERBS_LOG: verbLog,
      HOLDFAST_TEST_SEED: String(seed),
      HOLDFAST_TEST_PYTHON: 'python' in environment ? environment.python : undefined,
      HOLDFAST_TEST_SERVERS: serverFolder,
    },
    seed,
    limit: batchLimit,
    say,
    signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(layerLimit)]),
  });
  writeFileSync(reportFile, JSON.stringify(report));
  const longest = times.toSorted((left, right) => right.seconds - left.seconds).slice(0, longestTold);
  for (const { files: those, seconds } of longest) say(`${seconds.toFixed(1).padStart(7)} s  ${those.join(' ')}`);
  return resultOf(name, report, (performance.now() - started) / 1000);
}

/** They share a server of a process: two of a kind are more than two cores carry. */
function usesServers(file: string): boolean {
  return /\bshared(Seaweed|Moto|OpenBao)\b/.test(readFileSync(path.join(root, file), 'utf8'));
}

function resultOf(name: LayerName, report: LayerReport, seconds: number): LayerResult {
  const count = (state: string): number => report.cases.filter((one) => one.state === state).length;
  return { name, passed: count('passed'), failed: count('failed'), skipped: count('skipped'), seconds, report };
}

async function runHostLayerHere(): Promise<LayerResult> {
  const prepared = (await workbench) ?? { missing: 'The workbench was not prepared.' };
  const serverFolder = await serversFor('host');
  if ('missing' in prepared) return { name: 'host', passed: 0, failed: 0, skipped: 0, seconds: 0, notRun: prepared.missing };
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const report = await runHostLayer({
      workbench: prepared.ready,
      scratch,
      environment: {
        HOLDFAST_COMMANDS_LOG: commandLog,
        HOLDFAST_VERBS_LOG: verbLog,
        HOLDFAST_TEST_SEED: String(seed),
        HOLDFAST_TEST_SERVERS: serverFolder,
      },
      say,
      signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(layerLimit)]),
    });
    return resultOf('host', report, seconds());
  } catch (error) {
    say(`FAILED host: it could not be made ready. ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return { name: 'host', passed: 0, failed: 1, skipped: 0, seconds: seconds() };
  }
}

async function runReaderLayer(): Promise<LayerResult> {
  const environment = await reader;
  if ('missing' in environment) return { name: 'reader', passed: 0, failed: 0, skipped: 0, seconds: 0, notRun: environment.missing };
  const result = await run(environment.python, ['-B', 'test_reader.py'], {
    cwd: path.join(root, 'test', 'reader'),
    limit: layerLimit,
    env: { TMPDIR: scratch },
  });
  const totals = /^(\d+) passed, (\d+) failed\s*$/m.exec(result.stdout);
  const [passed, failed] = totals === null ? [0, 1] : [Number(totals[1]), Number(totals[2])];
  if (result.status !== 0 || failed > 0 || passed === 0) process.stdout.write(result.output);
  return {
    name: 'reader',
    passed,
    failed: failed === 0 && (result.status !== 0 || passed === 0) ? 1 : failed,
    skipped: 0,
    seconds: result.seconds,
  };
}

async function runLayer(name: LayerName): Promise<LayerResult> {
  if (name === 'check') return await runCheckLayer();
  if (name === 'reader') return await runReaderLayer();
  if (name === 'host') return await runHostLayerHere();
  return await runMochaLayer(name);
}

/** Ends what tests left running; each is a fault of its test. */
async function endLeftBehind(): Promise<number> {
  const left = processesNaming(scratch);
  for (const pid of left) {
    say(`FAILED process ${pid} was left running by a test.`);
    await endProcess(pid);
  }
  return left.length;
}

/** Prints the tables of threats, verbs and commands; gives the number of rows that nothing stands behind. */
function account(results: readonly LayerResult[]): number {
  const allReports = results.flatMap(({ report }) => (report === undefined ? [] : [report]));
  const threats = threatRows(allReports);
  say('\nthreat  cases  seeds');
  for (const { id, cases, seeds } of threats) say(`${id.padEnd(6)}  ${String(cases).padStart(5)}  ${seeds.join(' ') || 'NONE RAN'}`);
  const rows = verbRows(verbs, logLines(verbLog, verbCall));
  say('\nverb                     tests through the real command line');
  for (const { verb, tests } of rows) say(`${verb.padEnd(23)}  ${tests === 0 ? 'NONE' : tests}`);
  const commands = commandRows(declaredCommands(), logLines(commandLog, commandRun), allReports);
  say('\ncommand                             tests that ran it in the workbench');
  for (const { command, tests } of commands) say(`${command.padEnd(34)}  ${tests === 0 ? 'NONE' : tests}`);
  return threats.filter(({ cases }) => cases === 0).length + [...rows, ...commands].filter(({ tests }) => tests === 0).length;
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    interrupted.abort();
    void endLeftBehind().finally(() => {
      rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
      process.exit(status);
    });
  });
}

mkdirSync(reports, { recursive: true });
say(`seed ${seed} (HOLDFAST_TEST_SEED=${seed} repeats this run)`);
const results: LayerResult[] = [];
for (const name of layerNames) {
  if (!isWhole && !asked.includes(name)) continue;
  say(`\n== ${name}`);
  const result = await runLayer(name);
  results.push(result);
  if (result.notRun !== undefined) say(`NOT RUN: ${result.notRun}`);
  say(`${name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped in ${result.seconds.toFixed(1)} s`);
}
const leftBehind = await endLeftBehind();
const without = isWhole ? account(results) : 0;
if (!isWhole) say('\nOnly some layers ran: threats, verbs and commands are not counted.');
rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });

const notRun = results.filter((result) => result.notRun !== undefined);
say('');
for (const { name, notRun: reason } of notRun) say(`${isCi ? 'FAILED' : 'NOT RUN'} ${name}: ${reason}`);
if (without > 0) say(`FAILED ${without} threats, verbs or commands of the tables above have no test that ran.`);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed =
  results.reduce((sum, result) => sum + result.failed, 0) +
  leftBehind +
  without +
  (isCi ? notRun.filter((result) => result.failed === 0).length : 0);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
