import type { StoreId } from '../../protocol/ids.ts';
import type { ObjectPart, PartSink } from './objectParts.ts';

/**
 * Where objects go. Every object is written once under a key of the grammar `[a-z0-9-/]` and never changed.
 * Keys are relative to the location's prefix; they begin with the installation's id. All calls take an abort signal and reject with
 * `HoldfastError`: `storeUnreachable` (also: the location's marker is not there), `storeFull`, `storeReadOnly`, `storeRefused`, `storeFailed`,
 * `objectExists`, `cancelled`. A read of what is not there gives `undefined`, never an error.
 *
 * Where the store has versions, a read without a version id and `list` see of each key its OLDEST version, and no delete marker: a key is written
 * once, so that whatever came later is no object of ours (docs/format.md, Recovery).
 */
export interface ObjectStore {
  /** Taken from the location's marker when the store was opened; goes into every header written here. */
  readonly storeId: StoreId;
  readonly capabilities: StoreCapabilities;

  /** Puts `body` if nothing is under `key`, durable when it resolves. The bytes may lie in a SharedArrayBuffer and are not kept. */
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult>;
  head(key: string, options?: ReadOptions): Promise<ObjectFacts | undefined>;
  /** Reads all of an object, or `length` bytes from `offset`; fewer bytes than asked for is an error of the caller's to notice. `into` is filled and returned (as a view) where given. */
  get(key: string, options?: GetOptions): Promise<ObjectBody | undefined>;
  /**
   * Reads parts of an object as they follow one another, by one request as far as that goes. Rejects with `damaged` where the object is not of the size that
   * is expected; whatever it rejects with, the parts that were told of are there. Stores that gain nothing by it do not have it.
   */
  getParts?(key: string, options: GetPartsOptions): Promise<'there' | undefined>;
  /** All objects whose keys begin with `prefix`, in key order, in pages. Temporary names (a last part that begins with a dot) never appear. */
  list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly ListedObject[]>;
  /** Removes one version; resolves also where it is gone already. */
  delete(key: string, versionId: string | null, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Removes what puts below `prefix` left behind that were cut short; resolves to the count. No put may be under way there. Stores whose puts leave
   * nothing behind do not have it.
   */
  sweepTemporaries?(prefix: string, options?: SweepOptions): Promise<number>;
  /** Only where the store has versions and locks. */
  readonly versions?: VersionedObjects;
}

/**
 * Versions, locks and the clock of a store that has them (S3 with Object Lock). Besides the errors of `ObjectStore`: `objectMissing` where the
 * version is not there, `lockRefused` where the store did not take a lock or an act against one.
 */
export interface VersionedObjects {
  /** Every version and delete marker below `prefix`, in key order, and of each key the newest first. */
  list(prefix: string, options?: ListVersionsOptions): AsyncIterable<readonly ListedVersion[]>;
  /** The lock of one version as the store holds it now; `null` where it has none. */
  lockOf(key: string, versionId: string, options?: { readonly signal?: AbortSignal }): Promise<LockUntil | null>;
  /** Gives one version a lock with a later end. Says nothing of what the store holds afterwards: that is read back with `lockOf`. */
  extend(key: string, versionId: string, lock: LockUntil, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Asks the store for its time: the `Date` of an answer to a request that it authenticated. */
  time(options?: { readonly signal?: AbortSignal }): Promise<Date>;
}

export interface ListVersionsOptions {
  readonly signal?: AbortSignal;
  /** What lies below `prefix` under a name outside the grammar of keys, so that it can be none of ours: `key` is any text. May tell of one twice. */
  readonly onOther?: (entry: ListedVersion) => void;
}

export interface ListedVersion {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  /** What a plain read of the key meets. */
  readonly isLatest: boolean;
  /** 0 for a delete marker. */
  readonly size: number;
  /** Whole seconds on most stores. */
  readonly lastModified: Date;
}

export interface StoreCapabilities {
  /** Versions, locks and dates exist and are enforced. A folder declines: `soft`. */
  readonly lock: 'soft' | 'governance' | 'compliance';
  readonly versions: boolean;
  readonly conditionalPut: boolean;
}

export interface LockUntil {
  readonly mode: 'governance' | 'compliance';
  readonly until: Date;
}

export interface PutOptions {
  readonly signal?: AbortSignal;
  /** Also over what is under the key already, as a further version: nothing is lost by it. For ownership terms alone; a store without versions refuses as ever. */
  readonly asFurtherVersion?: boolean;
  readonly lock?: LockUntil;
  /** Over the body, where the caller has it already: spares the store's client from computing it again. */
  readonly sha256?: Uint8Array;
}

export interface PutResult {
  /** `null` where the store has no versions. */
  readonly versionId: string | null;
  /** The lock that was asked for; whether the store holds it is known only once it was read back. `null` on a soft location. */
  readonly lock: LockUntil | null;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly versionId?: string | null;
}

export interface GetOptions extends ReadOptions {
  readonly offset?: number;
  readonly length?: number;
  readonly into?: Uint8Array;
}

export interface GetPartsOptions extends ReadOptions {
  /** Of the whole object. */
  readonly size: number;
  readonly parts: readonly ObjectPart[];
  readonly sink: PartSink;
}

export interface SweepOptions {
  /** Only what was last written before this time. */
  readonly before?: Date;
  readonly signal?: AbortSignal;
}

export interface ObjectFacts {
  readonly key: string;
  readonly versionId: string | null;
  readonly size: number;
  readonly lastModified: Date;
  readonly lock: LockUntil | null;
}

export interface ObjectBody extends ObjectFacts {
  readonly body: Uint8Array;
  /** First byte of `body` within the object. `size` is the object's total. */
  readonly offset: number;
}

export interface ListedObject {
  readonly key: string;
  readonly versionId: string | null;
  readonly size: number;
  readonly lastModified: Date;
}
