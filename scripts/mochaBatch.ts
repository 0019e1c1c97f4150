import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './run.ts';
import { type CaseResult, type LayerReport, layerReport } from './testReport.ts';

export interface MochaBatch {
  /** Test files from the checkout's root, for one process. */
  readonly files: readonly string[];
  readonly reportFile: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds after which it is killed: against what hangs. */
  readonly limit: number;
  /** Gets all that it said at once, so that what runs beside it does not mix with it. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Runs test files in mocha in a process of their own. One that ends badly is a failed case of the report. */
export async function runMochaBatch({ files, reportFile, environment, limit, say, signal }: MochaBatch): Promise<LayerReport> {
  rmSync(reportFile, { force: true });
  const { output, status } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(root, 'scripts', 'mochaLayer.ts'), reportFile, ...files],
    { env: environment, limit, signal },
  );
  const said = output.trim();
  const names = files.length > 3 ? `${files.slice(0, 2).join(' ')} and ${files.length - 2} more files` : files.join(' ');
  if (said !== '') say(`${names}\n${said}`);
  if (!existsSync(reportFile)) {
    const end = status === null ? `a signal, after at most ${limit / 60_000} minutes` : `status ${status}`;
    if (!signal.aborted) say(`FAILED ${names}: it ended with ${end} and left no report.`);
    return { seed: 0, cases: [failedCase(`${names} ended without a report`)] };
  }
  const report = layerReport.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  // A status without a failed case: something broke outside of every test.
  const isUntold = status !== 0 && report.cases.every(({ state }) => state !== 'failed');
  return isUntold ? { ...report, cases: [...report.cases, failedCase(`${names} broke outside of every test`)] } : report;
}

/** Stands in a report for what broke outside of every test. */
export function failedCase(title: string): CaseResult {
  return { title, ids: [], state: 'failed', seconds: 0 };
}
