import path from 'node:path';
import { type LockFigures, type LockTask, lockTasks } from './lockTasks.ts';
import { measure } from './measure.ts';

const child = path.join(import.meta.dirname, 'locksChild.ts');

/** Refreshes and audits of many locked objects in a bucket in memory, each in a process of its own. One Markdown table; `say` hears of each. */
export async function benchLocks(say: (line: string) => void): Promise<string> {
  const rows: string[] = [];
  for (const [number, task] of lockTasks.entries()) {
    const { stdout } = await measure({ command: process.execPath, args: ['--expose-gc', child, String(number)], env: {} });
    const row = rowOf(task, figuresOf(stdout));
    say(row);
    rows.push(row);
  }
  return [
    '| | objects | seconds | memory above the start, MB | extended or found | calls |',
    '|---|---:|---:|---:|---:|---|',
    ...rows,
  ].join('\n');
}

function rowOf({ title, objects }: LockTask, { seconds, addedBytes, result, calls }: LockFigures): string {
  const counted = Object.entries(calls).map(([verb, count]) => `${verb} ${count.toLocaleString('en')}`);
  const cells = [title, objects.toLocaleString('en'), seconds.toFixed(2), (addedBytes / 1e6).toFixed(0), result.toLocaleString('en')];
  return `| ${[...cells, counted.join(', ')].join(' | ')} |`;
}

function figuresOf(line: string): LockFigures {
  const figures: unknown = JSON.parse(line);
  if (!isFigures(figures)) throw new Error(`the measurement says ${line}`);
  return figures;
}

function isFigures(value: unknown): value is LockFigures {
  return (
    typeof value === 'object' && value !== null && 'seconds' in value && 'addedBytes' in value && 'result' in value && 'calls' in value
  );
}
