import { availableParallelism } from 'node:os';

/** Each file worker fills a pack of 32 MiB, and as many more lie in sealed buffers: more of both would not fit into what the daemon may take. */
const mostWorkers = 6;
const mostSealedBuffers = 3;

/** File workers of a run: one for each core, as far as memory allows. */
export function fileWorkerCount(wanted: number | undefined): number {
  return Math.max(1, Math.min(wanted ?? availableParallelism(), mostWorkers));
}

/** Packs that may be on their way into the store at once. */
export function sealedBufferCount(workers: number): number {
  return Math.min(Math.max(2, workers), mostSealedBuffers);
}
