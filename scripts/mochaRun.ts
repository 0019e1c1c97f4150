import { readFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import * as z from 'zod';
import { mochaHooks, testSeed } from '../test/support/mochaHooks.ts';
import { root } from './run.ts';
import { type CaseResult, idsOf, type LayerReport } from './testReport.ts';

export interface MochaRunOptions {
  /** Absolute, or from the working folder. */
  readonly files: readonly string[];
  /** Milliseconds for one test; default: what .mocharc.json says. */
  readonly timeout?: number;
  /** Gets what people read: failures at once, and at the end what was skipped and what was slow. */
  readonly print: (text: string) => void;
}

const slowSeconds = 5;
const settings = z.looseObject({ timeout: z.number() });

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const difference =
    'actual' in error && 'expected' in error && !error.message.includes('\n')
      ? `\n  actual:   ${JSON.stringify(error.actual)?.slice(0, 2000)}\n  expected: ${JSON.stringify(error.expected)?.slice(0, 2000)}`
      : '';
  return `${error.stack ?? error.message}${difference}${error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`}`;
}

/** Runs test files in this very process, in mocha, and says how each test went. */
export async function runMocha({ files, timeout, print }: MochaRunOptions): Promise<LayerReport> {
  const cases: CaseResult[] = [];
  const record = (test: Mocha.Runnable, state: CaseResult['state']): void => {
    const titles = test.titlePath();
    cases.push({ title: titles.join(' › '), ids: idsOf(titles), state, seconds: (test.duration ?? 0) / 1000 });
  };
  class LayerReporter extends Mocha.reporters.Base {
    constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
      super(runner, options);
      runner.on('pass', (test) => record(test, 'passed'));
      runner.on('pending', (test) => record(test, 'skipped'));
      runner.on('fail', (test, error: unknown) => {
        record(test, 'failed');
        print(`\nFAILED ${test.titlePath().join(' › ')}\n${describe(error).replaceAll(/^/gm, '  ')}\n\n`);
      });
    }
  }
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: timeout ?? settings.parse(JSON.parse(readFileSync(path.join(root, '.mocharc.json'), 'utf8'))).timeout,
    forbidOnly: process.env['CI'] !== undefined,
    rootHooks: mochaHooks,
    reporter: LayerReporter,
    ...(process.env['HOLDFAST_TEST_GREP'] === undefined ? {} : { grep: process.env['HOLDFAST_TEST_GREP'] }),
  });
  for (const file of files) mocha.addFile(file);
  await mocha.loadFilesAsync();
  await new Promise<number>((resolve) => void mocha.run(resolve));
  for (const one of cases.filter((each) => each.state === 'skipped')) print(`skipped ${one.title}\n`);
  for (const one of cases.filter((each) => each.seconds >= slowSeconds)) print(`slow    ${one.title} (${one.seconds.toFixed(1)} s)\n`);
  return { seed: testSeed(), cases };
}
