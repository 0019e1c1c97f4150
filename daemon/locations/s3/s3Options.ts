import type { StoreId } from '../../../protocol/ids.ts';
import type { S3Spec } from '../../../protocol/methods/locations.ts';
import type { BucketFacts } from '../bucketFacts.ts';
import type { LockAttempts } from '../lockAttempts.ts';
import type { StoreMarker } from '../marker.ts';
import type { ObjectStore, StoreCapabilities } from '../objectStore.ts';
import type { Every, LeastProgressRule } from './leastProgress.ts';

/** Keys of a user of the store. The bytes stay their owner's, who overwrites them. */
export interface S3Keys {
  /** Not a secret. */
  readonly accessKeyId: string;
  readonly secretAccessKey: Uint8Array;
  readonly sessionToken?: Uint8Array;
}

/** Asked for each request; rejects with `locked` where the catalog is sealed at the moment. */
export type S3KeySource = () => S3Keys | Promise<S3Keys>;

/** What the preflight saw of a store. What is left out is asked for, or taken as AWS has it. */
export interface S3Features {
  /** Versions exist (also where versioning was suspended later). */
  readonly versions?: boolean;
  /** `If-None-Match: *` is honoured; taken as so where left out. */
  readonly conditionalPut?: boolean;
  /** The checksum that puts carry; `crc32` where left out. AWS takes no lock with a put that has none. */
  readonly checksum?: 'crc32' | 'sha256' | 'none';
  /** SSE-S3 is known: puts ask for it by name, and the answer must say so. */
  readonly encryption?: boolean;
}

export interface S3Limits {
  /** Sockets to the store at once, for reading objects and for all else each; 16 where left out. */
  readonly connections?: number;
  /** Milliseconds until a connection must stand; 10,000 where left out. */
  readonly connectTimeout?: number;
  /** Milliseconds without a byte after which a request is cut; 30,000 where left out. */
  readonly silenceTimeout?: number;
  /** What has to move of each request in a window of minutes. */
  readonly leastProgress?: LeastProgressRule;
  /** How often one request is made at most; 8 where left out. */
  readonly attempts?: number;
}

/** Where time and chance come from; the process's own where left out. */
export interface S3Surroundings {
  readonly sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** 0 up to, not including, 1. */
  readonly random?: () => number;
  /** When requests are looked at that may be too slow. */
  readonly every?: Every;
  /** For proxies: `HTTPS_PROXY`, `NO_PROXY`. */
  readonly environment?: NodeJS.ProcessEnv;
}

export interface S3ConnectionOptions extends S3Surroundings {
  readonly spec: S3Spec;
  /** Where the credentials are `sealed`. */
  readonly keys?: S3KeySource;
  readonly limits?: S3Limits;
}

export interface OpenOptions {
  /** The store that must be there; any is taken where it is left out. */
  readonly storeId?: StoreId | undefined;
  /** What the location counts as; `soft` where left out. */
  readonly lock?: StoreCapabilities['lock'];
  readonly features?: S3Features;
  readonly signal?: AbortSignal;
}

export interface InitialiseOptions {
  readonly storeId: StoreId;
  readonly now: Date;
  readonly features?: S3Features;
  readonly signal?: AbortSignal;
}

/** One bucket, with one user's credentials. To be disposed: it holds sockets. */
export interface S3Connection extends Disposable {
  /** `s3://bucket/prefix`. */
  readonly place: string;
  readonly facts: BucketFacts;
  /** For the lock proof alone. */
  readonly attempts: LockAttempts;
  /** The location's marker; `undefined` where there is none. Rejects with `damaged` where what is there is no marker. */
  readMarker(options?: { readonly features?: S3Features; readonly signal?: AbortSignal }): Promise<StoreMarker | undefined>;
  /** Makes the marker, or takes the one that is there (a store that is added again keeps its id). */
  initialise(options: InitialiseOptions): Promise<StoreMarker>;
  /** Rejects with `storeUnreachable` where the marker is missing or another's. */
  open(options?: OpenOptions): Promise<ObjectStore>;
  /** Looks at no marker: for the preflight of a bucket that is to become a location. `storeId` goes into nothing. */
  unmarked(options: OpenOptions & { readonly storeId: StoreId }): Promise<ObjectStore>;
}

/** A store that owns its connection. */
export interface S3Store extends ObjectStore, Disposable {}

export type OpenS3StoreOptions = S3ConnectionOptions & OpenOptions;
