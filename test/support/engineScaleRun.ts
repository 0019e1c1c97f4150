import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { EngineBench } from './engineBench.ts';

/**
 * Backs up so many empty files twice and restores them, half of them in one folder; prints one line of JSON: files of each step, and the peak of this
 * process's memory before and after, in bytes. Run by itself: a peak can't be taken back.
 */
const count = Number(process.argv[2]);
using bench = new EngineBench();
for (let index = 0; index < count; index += 1) {
  const folder = join(bench.source, index % 2 === 0 ? 'one folder' : `folder ${Math.floor(index / 1000)}`);
  if (index < 2 || index % 1000 === 1) mkdirSync(folder, { recursive: true });
  closeSync(openSync(join(folder, `file ${index}`), 'w'));
}
const before = process.resourceUsage().maxRSS * 1024;
const first = await bench.backup();
const second = await bench.backup();
const restored = await bench.restore(bench.target());
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(
  `${JSON.stringify({ first: first.statistics.files, second: second.statistics.files, restored: restored.files, before, peak })}\n`,
);
