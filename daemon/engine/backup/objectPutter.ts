import type { BackupJob, UploadedObject, UploadingObject } from '../jobs.ts';

/** Puts a run's objects: the ledger hears of each before and after, and what was put is kept in order. A dry run puts nothing, and counts. */
export class ObjectPutter {
  readonly uploaded: UploadedObject[] = [];
  readonly #job: Pick<BackupJob, 'store' | 'ledger' | 'dryRun'>;
  #bytes = 0;
  #packBytes = 0;

  constructor(job: Pick<BackupJob, 'store' | 'ledger' | 'dryRun'>) {
    this.#job = job;
  }

  /** Stored bytes put so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get packBytes(): number {
    return this.#packBytes;
  }

  async put(object: UploadingObject, body: Uint8Array, signal: AbortSignal): Promise<UploadedObject> {
    signal.throwIfAborted();
    const { store, ledger, dryRun } = this.#job;
    if (dryRun === true) return this.#note({ ...object, versionId: null });
    await ledger.uploading(object);
    const { versionId } = await store.put(object.key, body, { signal, sha256: object.sha256 });
    const uploaded = this.#note({ ...object, versionId });
    await ledger.uploaded(uploaded);
    return uploaded;
  }

  #note(uploaded: UploadedObject): UploadedObject {
    this.uploaded.push(uploaded);
    this.#bytes += uploaded.length;
    if (uploaded.kind === 'pack') this.#packBytes += uploaded.length;
    return uploaded;
  }
}
