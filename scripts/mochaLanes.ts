// The test files of a layer, in processes of their own, two at a time.
import { mkdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { failedCase, runMochaBatch } from './mochaBatch.ts';
import { root } from './run.ts';
import type { LayerReport } from './testReport.ts';

export interface MochaLanesOptions {
  /** Test files from the checkout's root. */
  readonly files: readonly string[];
  /** How many files share a process. Those that `together` picks share one, whatever their number. */
  readonly filesOfBatch: number;
  /** For files that share something costly, as a server. */
  readonly together?: (file: string) => boolean;
  /** Each lane has a folder in it for what its tests lay down. Its path is short, since sockets lie below it. */
  readonly scratch: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly seed: number;
  /** Milliseconds for one process. */
  readonly limit: number;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface BatchTime {
  readonly files: readonly string[];
  readonly seconds: number;
}

/** More would only wait for each other, and need memory: tests have daemons and command lines in processes of their own beside them. */
const mostLanes = 2;

/** The largest files first, so that no lane ends long after the others. */
export function inOrder(files: readonly string[]): readonly string[] {
  return files
    .map((file) => ({ file, size: sizeOf(file) }))
    .toSorted((left, right) => right.size - left.size)
    .map(({ file }) => file);
}

function sizeOf(file: string): number {
  return statSync(path.join(root, file)).size;
}

/**
 * What each process gets, in the order in which they start. Files are dealt out as cards are, by their size, so that batches are much alike. Depends on
 * nothing but the files: a run that is repeated does the same.
 */
export function batchesOf({
  files,
  filesOfBatch,
  together,
}: Pick<MochaLanesOptions, 'files' | 'filesOfBatch' | 'together'>): readonly (readonly string[])[] {
  const shared = files.filter((file) => together?.(file) === true);
  const others = inOrder(files.filter((file) => !shared.includes(file)));
  const count = Math.ceil(others.length / filesOfBatch);
  const batches = Array.from({ length: count }, (_value, at) => others.filter((_file, index) => index % count === at).toSorted());
  return shared.length === 0 ? batches : [shared.toSorted(), ...batches];
}

/** Runs all of them to their end, and gives one report in the order of the batches, with how long each took. */
export async function runMochaLanes(
  options: MochaLanesOptions,
): Promise<{ readonly report: LayerReport; readonly times: readonly BatchTime[] }> {
  const { scratch, environment, seed, limit, say, signal } = options;
  const batches = batchesOf(options);
  const waiting = [...batches.entries()];
  const reports: LayerReport[] = [];
  const times: BatchTime[] = [];
  const runLane = async (lane: number): Promise<void> => {
    const folder = path.join(scratch, String(lane));
    mkdirSync(folder, { recursive: true });
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      const [at, files] = next;
      const started = performance.now();
      reports[at] = await runMochaBatch({
        files,
        reportFile: path.join(scratch, `lane${lane}.json`),
        environment: { ...environment, TMPDIR: folder },
        limit,
        say,
        signal,
      });
      times.push({ files, seconds: (performance.now() - started) / 1000 });
    }
  };
  await Promise.all(Array.from({ length: Math.min(mostLanes, availableParallelism(), batches.length) }, (_value, at) => runLane(at + 1)));
  const cases = reports.flatMap((report) => report.cases);
  // Files that did not get their turn are in no report.
  if (signal.aborted) cases.push(failedCase('the layer was ended before all of its files had run'));
  return { report: { seed, cases }, times };
}
