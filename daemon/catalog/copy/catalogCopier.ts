import { mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../../protocol/errors.ts';
import {
  type CopyThreadData,
  type FromCopyThread,
  type MadeCopy,
  type MakeJob,
  type RebuildJob,
  receivedError,
  type ToCopyThread,
} from './copyMessages.ts';
import type { IndexedPack } from './expectedPacks.ts';
import { buffersOf, inBatches } from './packBatch.ts';
import type { RebuildFacts } from './rebuildCatalog.ts';

export type MakeCopyOptions = Omit<MakeJob, 'what' | 'scratch'>;

export interface RestoreCatalogOptions extends Omit<RebuildJob, 'what' | 'scratch'> {
  /** The rows of every index that a restore point of the copy pins, in any order, as often as they come. It is read as fast as it is used. */
  readonly packs: AsyncIterable<IndexedPack>;
}

const scratchPrefix = 'catalog-copy-';
/** Of a thread, in MiB: a rebuild keeps what indexes say of each pack, 150 bytes or so. */
const heapLimit = 1024;

/** Makes the copies of the catalog that bundles carry, and catalogs of such copies, each in a thread of its own. */
export class CatalogCopier {
  readonly #workerUrl: URL;

  /** `workerUrl`: the entry of the daemon's threads. */
  constructor(workerUrl: URL) {
    this.#workerUrl = workerUrl;
  }

  /**
   * A copy of the catalog as it is at one moment, while it is written; then a delta upon the base, or else the whole of it, as one zstd frame. What lies at `framePath`
   * and, where it is a full one, at `copyPath` is replaced. Rejects with `catalogDamaged`, `diskFailed`, the signal's reason.
   */
  async make(options: MakeCopyOptions, signal: AbortSignal): Promise<MadeCopy> {
    return await inScratch(path.dirname(options.copyPath), async (scratch) => {
      const answer = await this.#run({ what: 'make', ...options, scratch }, none(), signal);
      if (answer.kind !== 'made') throw noAnswer();
      return answer.made;
    });
  }

  /**
   * The catalog of a new state directory, from a full copy and, where there is one, a delta upon it, both out of their frames. Everything in them is looked at
   * first. Rejects with `catalogDamaged`, `catalogNewer`, `targetNotEmpty`, `diskFailed`, the signal's reason, and as `packs` does.
   */
  async restore({ packs, ...options }: RestoreCatalogOptions, signal: AbortSignal): Promise<RebuildFacts> {
    return await inScratch(path.dirname(options.catalogPath), async (scratch) => {
      const answer = await this.#run({ what: 'rebuild', ...options, scratch }, packs, signal);
      if (answer.kind !== 'rebuilt') throw noAnswer();
      return answer.facts;
    });
  }

  async #run(job: MakeJob | RebuildJob, packs: AsyncIterable<IndexedPack>, signal: AbortSignal): Promise<FromCopyThread> {
    signal.throwIfAborted();
    const workerData: CopyThreadData = { role: 'catalogCopy', job };
    const worker = new Worker(this.#workerUrl, { workerData, resourceLimits: { maxOldGenerationSizeMb: heapLimit } });
    const { promise, resolve, reject } = Promise.withResolvers<FromCopyThread>();
    const batches = inBatches(packs);
    const feed = async (): Promise<void> => {
      const { value } = await batches.next();
      const message: ToCopyThread = { packs: value ?? null };
      worker.postMessage(message, value === undefined ? [] : [...buffersOf(value)]);
    };
    const onAbort = (): void => reject(signal.reason);
    worker.on('message', (message: FromCopyThread) => {
      if (message.kind === 'failed') reject(receivedError(message.error));
      else if (message.kind === 'more') feed().catch(reject);
      else resolve(message);
    });
    worker.once('error', (error) => reject(HoldfastError.unforeseen('copy the catalog', error)));
    worker.once('exit', () => reject(noAnswer()));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await worker.terminate();
      await batches.return(undefined);
    }
  }
}

/** Removes what a crash left of copies in a folder where they are made. Nobody may be making one. */
export async function removeLeftCopies(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith(scratchPrefix));
  for (const name of left) await rm(path.join(folder, name), { recursive: true, force: true });
}

/** A folder for this user alone, gone with everything in it afterwards. */
async function inScratch<Result>(parent: string, work: (scratch: string) => Promise<Result>): Promise<Result> {
  const scratch = await mkdtemp(path.join(parent, scratchPrefix));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function* none(): AsyncGenerator<IndexedPack> {
  // Whoever makes a copy is told of no packs.
}

function noAnswer(): HoldfastError {
  return HoldfastError.failedTo('failed', 'copy the catalog', 'its thread ended without an answer', {
    fix: 'Try again; the log says more.',
  });
}
