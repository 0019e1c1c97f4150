import type { LockUntil, ObjectStore } from '../../locations/objectStore.ts';
import type { RunLedger, UploadedObject, UploadingObject } from '../jobs.ts';

/** Puts a run's objects: the ledger hears of each before and after, and what was put is kept in order. */
export class ObjectPutter {
  readonly uploaded: UploadedObject[] = [];
  readonly #store: ObjectStore;
  readonly #ledger: RunLedger;
  readonly #lockUntil: (() => LockUntil) | undefined;
  #bytes = 0;
  #packBytes = 0;

  constructor(store: ObjectStore, ledger: RunLedger, lockUntil: (() => LockUntil) | undefined) {
    this.#store = store;
    this.#ledger = ledger;
    this.#lockUntil = lockUntil;
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
    await this.#ledger.uploading(object);
    const lock = this.#lockUntil?.();
    const { versionId } = await this.#store.put(object.key, body, { signal, ...(lock === undefined ? {} : { lock }) });
    const uploaded: UploadedObject = { ...object, versionId };
    this.uploaded.push(uploaded);
    this.#bytes += object.length;
    if (object.kind === 'pack') this.#packBytes += object.length;
    await this.#ledger.uploaded(uploaded);
    return uploaded;
  }
}
