// Runs the test files of one layer in mocha: `mochaLayer.ts REPORT FILE…`. Failures are shown at once, the report is written at the end.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import * as z from 'zod';
import { mochaHooks, testSeed } from '../test/support/mochaHooks.ts';
import { root } from './run.ts';
import { type CaseResult, idsOf, type LayerReport } from './testReport.ts';

const slowSeconds = 5;
const lingerMilliseconds = 5000;
const settings = z.looseObject({ timeout: z.number() });

const [reportFile = '', ...files] = process.argv.slice(2);
const { timeout } = settings.parse(JSON.parse(readFileSync(path.join(root, '.mocharc.json'), 'utf8')));
const cases: CaseResult[] = [];

function record(test: Mocha.Runnable, state: CaseResult['state']): void {
  const titles = test.titlePath();
  cases.push({ title: titles.join(' › '), ids: idsOf(titles), state, seconds: (test.duration ?? 0) / 1000 });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const difference =
    'actual' in error && 'expected' in error && !error.message.includes('\n')
      ? `\n  actual:   ${JSON.stringify(error.actual)?.slice(0, 2000)}\n  expected: ${JSON.stringify(error.expected)?.slice(0, 2000)}`
      : '';
  return `${error.stack ?? error.message}${difference}${error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`}`;
}

class LayerReporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.on('pass', (test) => record(test, 'passed'));
    runner.on('pending', (test) => record(test, 'skipped'));
    runner.on('fail', (test, error: unknown) => {
      record(test, 'failed');
      process.stdout.write(`\nFAILED ${test.titlePath().join(' › ')}\n${describe(error).replaceAll(/^/gm, '  ')}\n\n`);
    });
  }
}

const mocha = new Mocha({
  ui: 'bdd',
  timeout,
  forbidOnly: process.env['CI'] !== undefined,
  rootHooks: mochaHooks,
  reporter: LayerReporter,
});
for (const file of files) mocha.addFile(file);
await mocha.loadFilesAsync();
const failures = await new Promise<number>((resolve) => void mocha.run(resolve));

const report: LayerReport = { seed: testSeed(), cases };
writeFileSync(reportFile, JSON.stringify(report));
for (const one of cases.filter((each) => each.state === 'skipped')) process.stdout.write(`skipped ${one.title}\n`);
for (const one of cases.filter((each) => each.seconds >= slowSeconds))
  process.stdout.write(`slow    ${one.title} (${one.seconds.toFixed(1)} s)\n`);
process.exitCode = failures === 0 ? 0 : 1;
setTimeout(() => {
  process.stdout.write(`Something keeps this process alive after its tests: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit();
}, lingerMilliseconds).unref();
