// Everything that can be said of the sources without running them. `npm run check`, and the first layer of `npm test`.
import path from 'node:path';
import { root, run } from './run.ts';

export interface CheckResult {
  readonly title: string;
  /** What is wrong, as the tool said it; `undefined` where nothing is. */
  readonly problem: string | undefined;
  readonly seconds: number;
}

interface Check {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What the output must not say, whatever the exit status. */
  readonly forbidden?: RegExp;
}

const tool = (...parts: readonly string[]): string => path.join(root, 'node_modules', ...parts);

const checks: readonly Check[] = [
  { title: 'types', command: process.execPath, args: [tool('typescript', 'bin', 'tsc')] },
  {
    title: 'types of page code',
    command: process.execPath,
    args: [tool('typescript', 'bin', 'tsc'), '-p', path.join('test', 'host', 'page')],
  },
  { title: 'lint', command: process.execPath, args: [tool('oxlint', 'bin', 'oxlint'), '--type-aware', '--deny-warnings'] },
  { title: 'format', command: process.execPath, args: [tool('@biomejs', 'biome', 'bin', 'biome'), 'format', '--max-diagnostics=50'] },
  // A lock without the platform packages of some system installs here and fails there; npm names them as missing.
  {
    title: 'lock file',
    command: 'npm',
    args: ['ci', '--dry-run', '--no-audit', '--no-fund'],
    forbidden: /^npm (error|ERR!) .*(Missing|Invalid):/m,
  },
];

async function runCheck(check: Check): Promise<CheckResult> {
  const result = await run(check.command, check.args, { env: { npm_config_update_notifier: 'false' } });
  const isFine = result.status === 0 && check.forbidden?.test(result.output) !== true;
  return { title: check.title, problem: isFine ? undefined : result.output || `exit ${String(result.status)}`, seconds: result.seconds };
}

/** Runs all checks at once. */
export async function runChecks(): Promise<readonly CheckResult[]> {
  return await Promise.all(checks.map(runCheck));
}

export function describeChecks(results: readonly CheckResult[]): string {
  return results
    .map(
      ({ title, problem, seconds }) =>
        `${problem === undefined ? 'ok    ' : 'FAILED'} ${title} (${seconds.toFixed(1)} s)\n${problem ?? ''}`,
    )
    .join('');
}

if (import.meta.main) {
  const results = await runChecks();
  const failed = results.filter((result) => result.problem !== undefined).length;
  process.stdout.write(`${describeChecks(results)}${results.length - failed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
