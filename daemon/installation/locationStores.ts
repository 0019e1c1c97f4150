import { createHash } from 'node:crypto';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId } from '../../protocol/ids.ts';
import { parseLocationSpec } from '../../protocol/locationSpec.ts';
import type { LocationSpec, S3KeysSecret, S3Spec } from '../../protocol/methods/locations.ts';
import { parseStrictJson } from '../../protocol/strictJson.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { FileSystem } from '../locations/fileAccess.ts';
import { openFilesystemStore } from '../locations/filesystem.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { pacedStore, UploadPace } from '../locations/pacedStore.ts';
import type { connectS3, S3Connection, S3Features, S3Keys, S3Limits } from '../locations/s3/openS3.ts';
import { validatedFactsOf } from '../locations/validatedFacts.ts';
import { LockKeeper, lockingStore } from '../locks/lockKeeper.ts';
import type { ClockReading } from '../locks/localClocks.ts';
import { type LockPlan, lockPlan, lockTerms } from '../locks/lockPlan.ts';
import { StoreClock } from '../locks/storeClock.ts';
import { runStateOf } from '../locks/storedRunState.ts';

export interface LocationStoresOptions {
  readonly catalog: Catalog;
  readonly fileSystem: FileSystem;
  readonly connectS3: typeof connectS3;
  readonly clocks: () => ClockReading;
  /** Days. */
  readonly longestAbsence: () => number;
}

/** A location whose store is there. */
export interface OpenLocation {
  readonly record: LocationRecord;
  /** Its puts are locked where the location is immutable. */
  readonly store: ObjectStore;
  /** `undefined` at a soft location. */
  readonly locks: OpenLocks | undefined;
}

export interface OpenLocks {
  readonly keeper: LockKeeper;
  readonly clock: StoreClock;
}

/** What is kept of a bucket between two openings: its sockets, and what is known of its time. */
interface Connected {
  readonly identity: string;
  readonly connection: S3Connection;
  clock: StoreClock | undefined;
}

/** Keys as the catalog seals them: as they were handed over. */
export type SealedKeys = S3KeysSecret;

export const sealedKeys: z.ZodType<SealedKeys> = z.strictObject({
  accessKeyId: z.string().min(1).max(256),
  secretAccessKey: z.string().min(1).max(1024),
  sessionToken: z.string().min(1).max(8192).exactOptional(),
});

/** The way from the row of a location to its open store. Owns connections. */
export class LocationStores implements Disposable {
  readonly #options: LocationStoresOptions;
  readonly #connected: Map<LocationId, Connected> = new Map();
  /** One for all that is under way to a location. */
  readonly #paces: Map<LocationId, UploadPace> = new Map();

  constructor(options: LocationStoresOptions) {
    this.#options = options;
  }

  /** Rejects with `unknownName`; with `storeUnreachable` where the marker, or another's, is not there; with `locked` where the credentials are sealed. */
  async open(locationId: LocationId, signal?: AbortSignal): Promise<OpenLocation> {
    const record = this.#options.catalog.locations.get(locationId);
    if (record === undefined) {
      throw new HoldfastError('unknownName', `Failed to open location ${locationId}: there is none.`, {
        fix: '"holdfast location list" shows them.',
      });
    }
    const spec = specOf(record);
    const { store, locks } =
      spec.kind === 'filesystem'
        ? { store: await this.#openFolder(record, spec.path), locks: undefined }
        : await this.#openBucket(record, spec, signal);
    const { uploadLimit } = record;
    return { record, store: uploadLimit === null ? store : pacedStore(store, this.#paceOf(locationId, uploadLimit)), locks };
  }

  /** The connection of a bucket, whether its marker is there or not. */
  async connection(record: LocationRecord, spec: S3Spec): Promise<S3Connection> {
    return (await this.#connect(record, spec)).connection;
  }

  /** Another connection of its own to the bucket, the caller's to dispose. */
  async connectAnew({ locationId, name }: LocationRecord, spec: S3Spec, limits: S3Limits = {}): Promise<S3Connection> {
    const { connectS3, catalog } = this.#options;
    const keys = (): S3Keys => keysOf(catalog.locations.credentials(locationId), name);
    return await connectS3({ spec, limits, ...(spec.credentials.source === 'sealed' ? { keys } : {}) });
  }

  /** Whether a locked daemon can reach it as well as an unlocked one. */
  isReachableLocked(record: LocationRecord): boolean {
    const spec = specOf(record);
    return spec.kind !== 's3' || spec.credentials.source !== 'sealed';
  }

  /** What puts and extensions are asked for by; `undefined` at a soft location. */
  planOf({ protectionPeriodDays }: Pick<LocationRecord, 'protectionPeriodDays'>): LockPlan | undefined {
    if (protectionPeriodDays === null) return undefined;
    return lockPlan(lockTerms({ protectionPeriodDays, longestAbsenceDays: this.#options.longestAbsence() }));
  }

  /** What the last validation has shown of its store. */
  featuresOf({ validated, lockMode }: LocationRecord): S3Features {
    if (validated !== null) return validatedFactsOf(validated).features;
    return lockMode === null ? {} : { versions: true };
  }

  /** Lets go of what is kept of a location: it was removed, or is another one now. */
  forget(locationId: LocationId): void {
    this.#connected.get(locationId)?.connection[Symbol.dispose]();
    this.#connected.delete(locationId);
  }

  [Symbol.dispose](): void {
    for (const locationId of this.#connected.keys()) this.forget(locationId);
  }

  #openFolder({ storeId }: LocationRecord, root: string): Promise<ObjectStore> {
    return openFilesystemStore({ root, storeId, fileSystem: this.#options.fileSystem });
  }

  async #openBucket(
    record: LocationRecord,
    spec: S3Spec,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly store: ObjectStore; readonly locks: OpenLocks | undefined }> {
    const { lockMode, locationId, storeId } = record;
    const connected = await this.#connect(record, spec);
    const store = await connected.connection.open({
      storeId,
      lock: lockMode ?? 'soft',
      features: this.featuresOf(record),
      ...(signal === undefined ? {} : { signal }),
    });
    const { versions } = store;
    if (lockMode === null) return { store, locks: undefined };
    if (versions === undefined) {
      throw HoldfastError.failedTo('lockRefused', `open location ${record.name}`, 'its store has no versions', {
        fix: 'Validate the location: "holdfast location validate NAME".',
      });
    }
    const { clocks } = this.#options;
    const clock = (connected.clock ??= new StoreClock({ store: versions, clocks, former: this.#formerTime(locationId) }));
    const locks = { mode: lockMode, clock, plan: () => this.#currentPlan(locationId) };
    return { store: lockingStore(store, locks), locks: { clock, keeper: new LockKeeper(versions, locks) } };
  }

  /**
   * What the store's clock had passed for sure when the last whole run of the monitor began: a clock that went back since no daemon ran is noticed by it. Not
   * the end of that run, which is a later bound: an answer that was wrong once would be carried on from run to run.
   */
  #formerTime(locationId: LocationId): Date | null {
    const text = this.#options.catalog.lockRuns.get(locationId);
    if (text === undefined) return null;
    try {
      const { lastCompleted } = runStateOf(text);
      return lastCompleted === null ? null : new Date(lastCompleted.start);
    } catch (error) {
      // The monitor tells of it, and writes it anew.
      if (!HoldfastError.is(error, 'catalogDamaged')) throw error;
      return null;
    }
  }

  /** As it is now: a run that began before the period was changed asks for the new one. */
  #currentPlan(locationId: LocationId): LockPlan {
    const record = this.#options.catalog.locations.get(locationId);
    const plan = record === undefined ? undefined : this.planOf(record);
    if (plan === undefined) {
      throw new HoldfastError('unknownName', 'Failed to lock what is put: the location was removed, or is not immutable any more.');
    }
    return plan;
  }

  async #connect(record: LocationRecord, spec: S3Spec): Promise<Connected> {
    const { locationId } = record;
    const identity = createHash('sha256')
      .update(record.spec)
      .update(record.credentials ?? new Uint8Array(0))
      .digest('hex');
    const known = this.#connected.get(locationId);
    if (known?.identity === identity) return known;
    this.forget(locationId);
    const connection = await this.connectAnew(record, spec);
    const made: Connected = { identity, connection, clock: undefined };
    // Another opening may have come first while the client was loaded.
    const other = this.#connected.get(locationId);
    if (other?.identity === identity) {
      connection[Symbol.dispose]();
      return other;
    }
    this.#connected.set(locationId, made);
    return made;
  }

  #paceOf(locationId: LocationId, bytesPerSecond: number): UploadPace {
    const known = this.#paces.get(locationId);
    if (known?.bytesPerSecond === bytesPerSecond) return known;
    const pace = new UploadPace(bytesPerSecond);
    this.#paces.set(locationId, pace);
    return pace;
  }
}

export function specOf(record: Pick<LocationRecord, 'spec'>): LocationSpec {
  return parseLocationSpec(JSON.parse(record.spec));
}

function keysOf(opened: unknown, name: string): S3Keys {
  if (opened === undefined) {
    throw HoldfastError.failedTo('locked', `reach location ${name}`, 'its credentials are sealed and the daemon is locked', {
      fix: 'Run "holdfast unlock".',
    });
  }
  return bucketKeys(sealedKeys.parse(opened));
}

/** As the client of the bucket takes them. */
export function bucketKeys({ accessKeyId, secretAccessKey, sessionToken }: SealedKeys): S3Keys {
  return {
    accessKeyId,
    secretAccessKey: Buffer.from(secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: Buffer.from(sessionToken) }),
  };
}

/** The bytes of the secret that came with a request. Throws `badValue`. */
export function keysIn(bytes: Uint8Array): SealedKeys {
  try {
    return sealedKeys.parse(parseStrictJson(bytes, { maxBytes: 16_384, maxDepth: 2, what: 'the keys' }));
  } catch {
    // Nothing of what was wrong is told: it may be a part of a secret.
    throw HoldfastError.failedTo('badValue', 'read the keys of the bucket', 'they are not an access key id and a secret access key', {
      fix: 'Give a file with {"accessKeyId": "…", "secretAccessKey": "…"}.',
    });
  }
}
