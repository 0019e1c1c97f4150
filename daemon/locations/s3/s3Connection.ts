import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../protocol/ids.ts';
import type { BucketFacts } from '../bucketFacts.ts';
import type { LockAttempts } from '../lockAttempts.ts';
import type { StoreMarker } from '../marker.ts';
import type { ObjectStore } from '../objectStore.ts';
import type { InitialiseOptions, OpenOptions, S3Connection, S3ConnectionOptions, S3Features } from './s3Options.ts';
import { S3Bucket } from './s3Bucket.ts';
import { S3BucketFacts } from './s3BucketFacts.ts';
import { S3LockAttempts } from './s3LockAttempts.ts';
import { initialiseS3Marker, readS3Marker } from './s3Marker.ts';
import { markerMissing, S3ObjectStore } from './s3Store.ts';

/** For a store whose id is not known yet; nothing is put with it but the marker, which says its own. */
const unknownStore: StoreId = idOf<StoreId>('00000000-0000-0000-0000-000000000000');

export class BucketConnection implements S3Connection {
  readonly place: string;
  readonly facts: BucketFacts;
  readonly attempts: LockAttempts;
  readonly #bucket: S3Bucket;

  constructor(options: S3ConnectionOptions) {
    this.#bucket = new S3Bucket(options);
    this.place = this.#bucket.place;
    this.facts = new S3BucketFacts(this.#bucket);
    this.attempts = new S3LockAttempts(this.#bucket);
  }

  async readMarker(options: { readonly features?: S3Features; readonly signal?: AbortSignal } = {}): Promise<StoreMarker | undefined> {
    return await readS3Marker(await this.#store(unknownStore, options), options.signal);
  }

  async initialise({ storeId, now, features = {}, signal }: InitialiseOptions): Promise<StoreMarker> {
    const store = await this.#store(unknownStore, { features, ...(signal === undefined ? {} : { signal }) });
    return await initialiseS3Marker(store, { storeId, now }, signal);
  }

  async open(options: OpenOptions = {}): Promise<ObjectStore> {
    const known = await this.#known(options);
    const marker = await readS3Marker(await this.#store(unknownStore, known), options.signal);
    if (marker === undefined) throw markerMissing(this.place);
    if (options.storeId !== undefined && marker.storeId !== options.storeId) throw otherStore(this.place, options.storeId, marker.storeId);
    return await this.#store(marker.storeId, known, true);
  }

  async unmarked({ storeId, ...options }: OpenOptions & { readonly storeId: StoreId }): Promise<ObjectStore> {
    return await this.#store(storeId, options);
  }

  [Symbol.dispose](): void {
    this.#bucket[Symbol.dispose]();
  }

  async #store(storeId: StoreId, options: OpenOptions, isMarked = false): Promise<S3ObjectStore> {
    const { lock = 'soft', features } = await this.#known(options);
    return new S3ObjectStore(this.#bucket, { storeId, isMarked, lock, features });
  }

  async #known(options: OpenOptions): Promise<OpenOptions & { readonly features: S3Features & { readonly versions: boolean } }> {
    const { features = {}, signal } = options;
    return { ...options, features: { ...features, versions: features.versions ?? (await this.#hasVersions(signal)) } };
  }

  /** Where the question is not allowed, versions are taken to be there: their listing says of a bucket without any the same as the other. */
  async #hasVersions(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return (await this.facts.versioning(signal === undefined ? {} : { signal })) !== 'off';
    } catch (error) {
      if (HoldfastError.is(error, 'storeRefused')) return true;
      if (HoldfastError.is(error, 'notInThisVersion')) return false;
      throw error;
    }
  }
}

function otherStore(place: string, expected: StoreId, found: StoreId): HoldfastError {
  return new HoldfastError('storeUnreachable', `Failed to open location ${place}: another store is there.`, {
    fix: 'Give the location the bucket and prefix where it was made, or add this one as a location of its own.',
    details: { expected, found },
  });
}
