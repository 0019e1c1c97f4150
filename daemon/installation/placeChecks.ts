import type { StoreId } from '../../protocol/ids.ts';
import { filesystemSpec } from '../../protocol/locationSpec.ts';
import type { LocationCheck, LocationSpec, LockMode, S3Spec } from '../../protocol/methods/locations.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { FileSystem } from '../locations/fileAccess.ts';
import { initialiseStore } from '../locations/marker.ts';
import type { S3Connection, S3Limits } from '../locations/s3/openS3.ts';
import { validateLocation } from '../locations/validate.ts';
import { bucketKeys, type LocationStores, type LocationStoresOptions, type SealedKeys, specOf } from './locationStores.ts';

/** What the checks of a bucket found; `validated` is JSON for the location's row. */
export interface CheckedPlace {
  readonly checks: readonly LocationCheck[];
  readonly canBeImmutable: boolean;
  readonly validated: string | null;
}

export interface PreflightOptions {
  readonly connection: S3Connection;
  readonly spec: S3Spec;
  /** The store that must be there; `undefined` before the place is a location. */
  readonly storeId: StoreId | undefined;
  /** Whether what immutability needs has to be there, or is only told. */
  readonly isImmutable: boolean;
  readonly lockMode?: LockMode;
  readonly wallClock: () => Date;
  readonly signal: AbortSignal;
}

export type Preflight = (options: PreflightOptions) => Promise<CheckedPlace>;

export interface PlaceChecksOptions {
  readonly stores: LocationStores;
  readonly connectS3: LocationStoresOptions['connectS3'];
  readonly preflight: Preflight;
  readonly stateDirectory: string;
  readonly fileSystem: FileSystem;
  readonly wallClock: () => Date;
}

export interface Place {
  readonly spec: LocationSpec;
  readonly keys: SealedKeys | undefined;
  readonly storeId: StoreId | undefined;
  readonly isImmutable: boolean;
  readonly lockMode?: LockMode;
  readonly signal: AbortSignal;
}

/** Somebody waits for the answer; and what a store does not know, some say by failing, which no patience changes. */
const checkLimits: S3Limits = { attempts: 3 };

/** Tries what a backup will need of a place, and makes it a store. */
export class PlaceChecks {
  readonly #options: PlaceChecksOptions;

  constructor(options: PlaceChecksOptions) {
    this.#options = options;
  }

  async check(place: Place): Promise<CheckedPlace> {
    if (place.spec.kind === 'filesystem') return await this.#checkFolder(place);
    using connection = await this.#connect(place.spec, place.keys, checkLimits);
    return await this.#preflight(connection, { ...place, spec: place.spec });
  }

  /** As it is saved. */
  async checkLocation(record: LocationRecord, signal: AbortSignal): Promise<CheckedPlace> {
    const spec = specOf(record);
    const place = {
      spec,
      keys: undefined,
      storeId: record.storeId,
      isImmutable: record.lockMode !== null,
      ...(record.lockMode === null ? {} : { lockMode: record.lockMode }),
      signal,
    };
    if (spec.kind === 'filesystem') return await this.#checkFolder(place);
    using connection = await this.#options.stores.connectAnew(record, spec, checkLimits);
    return await this.#preflight(connection, { ...place, spec });
  }

  /** Puts the marker, or takes the one that is there, and gives its store. */
  async initialise({
    spec,
    keys,
    signal,
    storeId,
    now,
  }: Omit<Place, 'storeId' | 'isImmutable'> & { readonly storeId: StoreId; readonly now: Date }): Promise<StoreId> {
    if (spec.kind === 'filesystem') {
      const { fileSystem } = this.#options;
      return (await initialiseStore(spec.path, { storeId, now, fileSystem })).storeId;
    }
    using connection = await this.#connect(spec, keys);
    return (await connection.initialise({ storeId, now, signal })).storeId;
  }

  #connect(spec: S3Spec, keys: SealedKeys | undefined, limits: S3Limits = {}): Promise<S3Connection> {
    return this.#options.connectS3({ spec, limits, ...(keys === undefined ? {} : { keys: () => bucketKeys(keys) }) });
  }

  #preflight(connection: S3Connection, place: Place & { readonly spec: S3Spec }): Promise<CheckedPlace> {
    const { preflight, wallClock } = this.#options;
    const { spec, storeId, isImmutable, lockMode, signal } = place;
    return preflight({ connection, spec, storeId, isImmutable, ...(lockMode === undefined ? {} : { lockMode }), wallClock, signal });
  }

  async #checkFolder({ spec, storeId, signal }: Place): Promise<CheckedPlace> {
    const { stateDirectory, fileSystem, wallClock } = this.#options;
    const checks = await validateLocation({
      spec: filesystemSpec(spec),
      ...(storeId === undefined ? {} : { storeId }),
      stateDirectory,
      fileSystem,
      now: wallClock,
      signal,
    });
    return { checks, canBeImmutable: false, validated: null };
  }
}
