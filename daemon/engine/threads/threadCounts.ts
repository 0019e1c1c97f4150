import { availableParallelism } from 'node:os';

/** Each file worker fills a pack of 32 MiB, and as many more lie in sealed buffers: more of both would not fit into what the daemon may take. */
const mostWorkers = 6;

/** File workers of a run: one for each core, as far as memory allows. */
export function fileWorkerCount(wanted: number | undefined): number {
  return Math.max(1, Math.min(wanted ?? availableParallelism(), mostWorkers));
}

/** Workers of a restore: a core is left to who fetches, plans and compiles. One more gains nothing and costs a heap and the compilation of all it runs. */
export function restoreWorkerCount(wanted: number | undefined): number {
  return fileWorkerCount(wanted ?? availableParallelism() - 1);
}

/**
 * Packs that may be on their way into the store at once, however few workers fill them: one connection carries no more than a window's worth for each round
 * trip, and a store that is far away would keep two of them waiting. A store that is faster than the workers leaves the last one untouched.
 */
export const sealedBufferCount: number = 3;
