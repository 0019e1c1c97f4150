import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { measure } from './measure.ts';
import { type RecoveryFigures, type RecoveryStep, recoverySteps } from './recoverySteps.ts';

const child = path.join(import.meta.dirname, 'recoveryChild.ts');

const titles: Readonly<Record<Exclude<RecoveryStep, 'prepare'>, string>> = {
  bundle: 'copied and compressed, in full',
  delta: 'copied, compared and compressed, as a delta',
  expand: 'decompressed',
  restore: 'made a catalog again',
  open: 'opened, with all of its checks, on the main thread as the daemon does before anything else',
};

/** A catalog of 10,000 restore points and 1,000,000 rows of the ledger into a bundle's copy and back. One Markdown table; `say` hears of each step. */
export async function benchRecovery(say: (line: string) => void, parent: string): Promise<string> {
  const folder = mkdtempSync(path.join(parent, 'holdfast-bench-recovery-'));
  const rows: string[] = [];
  try {
    for (const step of recoverySteps) {
      const { stdout } = await measure({ command: process.execPath, args: [child, step, folder], env: {} });
      const figures: unknown = JSON.parse(stdout);
      if (!isFigures(figures)) throw new Error(`the measurement says ${stdout}`);
      if (step === 'prepare') continue;
      const { seconds, cpuSeconds, peakBytes, longestBlock, made } = figures;
      const cells = [titles[step], seconds.toFixed(1), cpuSeconds.toFixed(1), (peakBytes / 1e6).toFixed(0), longestBlock.toFixed(0), made];
      const row = `| ${cells.join(' | ')} |`;
      say(row);
      rows.push(row);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return ['| | seconds | of a processor | peak memory, MB | event loop blocked, ms | |', '|---|---:|---:|---:|---:|---|', ...rows].join(
    '\n',
  );
}

function isFigures(value: unknown): value is RecoveryFigures {
  return (
    typeof value === 'object' && value !== null && 'seconds' in value && 'cpuSeconds' in value && 'longestBlock' in value && 'made' in value
  );
}
