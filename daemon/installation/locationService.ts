import { randomUUID } from 'node:crypto';
import { mkdir, rmdir } from 'node:fs/promises';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type LocationId, type StoreId } from '../../protocol/ids.ts';
import { parseLocationSpec } from '../../protocol/locationSpec.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import type {
  Location,
  LocationAddParams,
  LocationCheck,
  LocationCheckResult,
  LocationEditParams,
  LocationSaved,
  LocationSpec,
  RemovedLocation,
  S3Spec,
} from '../../protocol/methods/locations.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { shellWord } from '../../protocol/wording.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { leftKeyrings } from './leftKeyrings.ts';
import { keysIn, type LocationStores, type SealedKeys, sealedKeys, specOf } from './locationStores.ts';
import { lockProofOf } from './lockProofRecord.ts';
import { pageOfArray } from './pageOfArray.ts';
import { GateFacts } from './passkeys/gateFacts.ts';
import type { PlaceChecks } from './placeChecks.ts';
import { resolveReference } from './reference.ts';

export interface LocationServiceOptions {
  readonly catalog: Catalog;
  readonly wallClock: () => Date;
  /** RFC 3339; `null` where nothing is promised. */
  readonly safeUntil: (location: LocationRecord) => string | null;
  readonly stores: LocationStores;
  readonly places: PlaceChecks;
  /** Brings the newest keyring to a location and reads it back. */
  readonly deliverKeyring: (locationId: LocationId, store: ObjectStore) => Promise<void>;
  readonly onChanged: (locationId: LocationId) => void;
}

/** A place as it comes with a request; `keys` are the bytes of the secret, the caller's to wipe. */
export interface GivenPlace {
  readonly spec: LocationSpec;
  readonly keys?: Uint8Array;
}

export type LocationAdded = Omit<LocationAddParams, 'keys' | 'spec'> & GivenPlace;

export type LocationEdited = Omit<LocationEditParams, 'keys'> & Pick<GivenPlace, 'keys'>;

/** Locations as the user knows them. */
export class LocationService {
  readonly #options: LocationServiceOptions;
  readonly #catalog: Catalog;
  readonly #gates: GateFacts;

  constructor(options: LocationServiceOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
    this.#gates = new GateFacts(options.catalog);
  }

  /** Throws `unknownName`, `ambiguousName`. */
  resolve(reference: string): LocationRecord {
    const all = this.#catalog.locations.list().map((record) => ({ id: record.locationId, name: record.name, record }));
    return resolveReference('location', reference, all).record;
  }

  list(page: PageParams): Page<Location> {
    return pageOfArray(this.#catalog.locations.list(), page, (record) => this.describe(record));
  }

  /** Opens the store of a location. Rejects with `storeUnreachable` where its marker, or another's, is not there. */
  async open(locationId: LocationId): Promise<ObjectStore> {
    return (await this.#options.stores.open(locationId)).store;
  }

  /** The folders of all filesystem locations: never part of a source. */
  folders(): readonly string[] {
    return this.#catalog.locations
      .list()
      .map(specOf)
      .flatMap((spec) => (spec.kind === 'filesystem' ? [spec.path] : []));
  }

  /** Looks at a place that is no location yet; nothing of it stays. */
  async checkPlace(given: GivenPlace, signal: AbortSignal): Promise<LocationCheckResult> {
    const { spec, keys } = this.#given(given);
    const { checks, canBeImmutable } = await this.#options.places.check({ spec, keys, storeId: undefined, isImmutable: true, signal });
    return { checks, canBeImmutable };
  }

  /**
   * Validates and saves; `refusedByRule` where another location is the same store, or where the place can't be made immutable. It gets its marker and the
   * keyring. A folder that is missing is made, its parent is not.
   */
  async add(params: LocationAdded, signal: AbortSignal): Promise<LocationSaved> {
    const { spec, keys } = this.#given(params);
    const { protectionPeriodDays = null } = params;
    const isImmutable = protectionPeriodDays !== null;
    this.#refuseTaken(params.name);
    if (isImmutable && spec.kind === 'filesystem') throw folderHasNoLocks(params.name);
    const madeFolder = spec.kind === 'filesystem' && (await makeFolder(spec.path));
    const { lockMode = 'compliance' } = params;
    const { checks, validated } = await this.#options.places.check({ spec, keys, storeId: undefined, isImmutable, lockMode, signal });
    if (checks.some((check) => check.result === 'fail')) {
      if (madeFolder) await rmdir(spec.path);
      return { location: null, checks };
    }
    const { wallClock, places } = this.#options;
    const now = wallClock();
    const locationId = idOf<LocationId>(randomUUID());
    const storeId = await places.initialise({ spec, keys, storeId: idOf<StoreId>(randomUUID()), now, signal });
    this.#refuseSameStore(params.name, storeId);
    const record: LocationRecord = {
      locationId,
      name: params.name,
      kind: spec.kind,
      spec: JSON.stringify(spec),
      storeId,
      createdAt: now.toISOString(),
      lastValidatedAt: now.toISOString(),
      uploadLimit: params.uploadLimit ?? null,
      lockMode: isImmutable ? lockMode : null,
      protectionPeriodDays,
      credentials: keys === undefined ? null : this.#catalog.locations.sealCredentials(locationId, keys),
      validated,
      lockProof: null,
      auditedAt: null,
    };
    this.#catalog.locations.add(record);
    await this.#bringKeyring(locationId, signal);
    this.#options.onChanged(locationId);
    return { location: this.describe(this.#known(locationId)), checks };
  }

  /** Looks at a location again. What it is now becomes what drift is told from, once nothing fails. */
  async validate(reference: string, signal: AbortSignal): Promise<readonly LocationCheck[]> {
    const record = this.resolve(reference);
    const { checks, validated } = await this.#options.places.checkLocation(record, signal);
    // What was seen of one address is no measure for another, where it was changed meanwhile.
    const isSame = this.#catalog.locations.get(record.locationId)?.spec === record.spec;
    if (isSame && checks.every((check) => check.result !== 'fail')) {
      this.#catalog.locations.change(record.locationId, { lastValidatedAt: this.#options.wallClock().toISOString(), validated });
      this.#options.onChanged(record.locationId);
    }
    return checks;
  }

  /** Errors: `nameTaken`; `refusedByRule` where another store lies at the new place, or where immutability is asked for and can't be had. */
  async edit(params: LocationEdited, signal: AbortSignal): Promise<LocationSaved> {
    const record = this.resolve(params.location);
    const { locationId } = record;
    const { spec, keys } = this.#edited(record, params);
    const isMoved = params.path !== undefined || params.spec !== undefined || params.keys !== undefined;
    const isLocked = record.lockMode !== null || params.protectionPeriodDays !== undefined;
    if (params.lockMode !== undefined && record.lockMode !== null && params.lockMode !== record.lockMode) throw modeStays(record.name);
    if (isLocked && spec.kind === 'filesystem') throw folderHasNoLocks(record.name);
    const { places, wallClock } = this.#options;
    const look = isMoved || (isLocked && record.lockMode === null);
    const lockMode = params.lockMode ?? record.lockMode ?? 'compliance';
    const place = { spec, keys: keys ?? this.#sealedKeys(record), storeId: record.storeId, isImmutable: isLocked, lockMode };
    const found = look ? await places.check({ ...place, signal }) : undefined;
    if (found?.checks.some((check) => check.result === 'fail') === true) return { location: null, checks: found.checks };
    this.#catalog.locations.change(locationId, {
      ...(params.name === undefined ? {} : { name: params.name }),
      ...(params.uploadLimit === undefined ? {} : { uploadLimit: params.uploadLimit }),
      ...(params.protectionPeriodDays === undefined ? {} : { protectionPeriodDays: params.protectionPeriodDays }),
      ...(isLocked ? { lockMode } : {}),
      // A proof speaks of one address and one user's keys.
      ...(isMoved ? { spec: JSON.stringify(spec), credentials: this.#sealedFor(record, spec, keys), lockProof: null } : {}),
      ...(found === undefined ? {} : { validated: found.validated, lastValidatedAt: wallClock().toISOString() }),
    });
    if (isMoved) this.#options.stores.forget(locationId);
    this.#options.onChanged(locationId);
    return { location: this.describe(this.#known(locationId)), checks: found?.checks ?? [] };
  }

  /** Refusals by rule of `remove`: `stillInUse`, then `confirmationNeeded`. */
  checkRemove(reference: string, confirmed: boolean): LocationRecord {
    const record = this.resolve(reference);
    const [user] = this.#catalog.policies.atLocation(record.locationId);
    if (user !== undefined) {
      throw new HoldfastError('stillInUse', `Failed to remove location ${record.name}: policy ${user.name} stores there.`, {
        fix: 'Delete the policy, or give it another location, first.',
      });
    }
    if (this.#catalog.recovery.get()?.locationId === record.locationId) {
      throw new HoldfastError('stillInUse', `Failed to remove location ${record.name}: disaster recovery puts its bundles there.`, {
        fix: 'Turn disaster recovery off first: "holdfast dr disable".',
      });
    }
    if (!confirmed) {
      throw new HoldfastError(
        'confirmationNeeded',
        [
          `Remove location ${record.name}? What is stored there stays, but this installation forgets where it is.`,
          ...leftKeyrings(record.locationId, this.#gates.read()).notes,
        ].join(' '),
        { fix: 'Say --yes.' },
      );
    }
    return record;
  }

  remove(reference: string, confirmed: boolean): RemovedLocation {
    const record = this.checkRemove(reference, confirmed);
    const removed = { ...this.describe(record), ...leftKeyrings(record.locationId, this.#gates.read()) };
    this.#catalog.forgetLocation(record.locationId);
    this.#options.stores.forget(record.locationId);
    this.#options.onChanged(record.locationId);
    return removed;
  }

  describe(record: LocationRecord): Location {
    const spec = specOf(record);
    const lockProof = lockProofOf(record);
    return {
      locationId: record.locationId,
      name: record.name,
      kind: record.kind,
      storeId: record.storeId,
      path: spec.kind === 'filesystem' ? spec.path : null,
      s3: spec.kind === 's3' ? withoutKind(spec) : null,
      // Set to lock is not yet shown to be locked.
      immutable: record.lockMode !== null && lockProof?.verdict === 'enforced',
      protectionPeriodDays: record.protectionPeriodDays,
      lockMode: record.lockMode,
      safeUntil: record.lockMode === null ? null : this.#options.safeUntil(record),
      lastValidatedAt: record.lastValidatedAt,
      lockProof,
      heldBytes: this.#catalog.objects.heldBytes(record.locationId),
      uploadLimit: record.uploadLimit,
    };
  }

  /** A place as a request describes it: the keys that came with it are to be sealed. */
  #given({ spec: form, keys }: GivenPlace): { readonly spec: LocationSpec; readonly keys: SealedKeys | undefined } {
    const spec = parseLocationSpec(form);
    const isSealed = spec.kind === 's3' && spec.credentials.source === 'sealed';
    if (isSealed === (keys !== undefined)) return { spec, keys: keys === undefined ? undefined : keysIn(keys) };
    throw HoldfastError.failedTo(
      'badValue',
      'read the location',
      isSealed ? 'no keys came with it' : 'keys came with it that nothing asks for',
      {
        fix: 'Give the keys of the bucket together with credentials that are "sealed".',
      },
    );
  }

  #edited(
    record: LocationRecord,
    { path, spec, keys }: LocationEdited,
  ): { readonly spec: LocationSpec; readonly keys: SealedKeys | undefined } {
    const present = specOf(record);
    if (path !== undefined && (present.kind !== 'filesystem' || spec !== undefined)) throw kindStays(record.name);
    if (spec !== undefined && present.kind !== 's3') throw kindStays(record.name);
    const changed = path === undefined ? (spec ?? present) : { kind: 'filesystem' as const, path };
    // Keys that are sealed already stay what they are where no others come.
    if (keys === undefined && changed.kind === 's3' && changed.credentials.source === 'sealed' && record.credentials !== null) {
      return { spec: parseLocationSpec(changed), keys: undefined };
    }
    return this.#given({ spec: changed, ...(keys === undefined ? {} : { keys }) });
  }

  /** What is added and can not be opened is no location: the next try begins anew. */
  async #bringKeyring(locationId: LocationId, signal: AbortSignal): Promise<void> {
    const { stores, deliverKeyring } = this.#options;
    try {
      const { store } = await stores.open(locationId, signal);
      await deliverKeyring(locationId, store);
    } catch (error) {
      this.#catalog.forgetLocation(locationId);
      stores.forget(locationId);
      throw error;
    }
  }

  /** The credentials of a changed row: new ones, those that are sealed already, or none where they come from elsewhere. */
  #sealedFor(record: LocationRecord, spec: LocationSpec, keys: SealedKeys | undefined): Uint8Array | null {
    if (keys !== undefined) return this.#catalog.locations.sealCredentials(record.locationId, keys);
    return spec.kind === 's3' && spec.credentials.source === 'sealed' ? record.credentials : null;
  }

  #sealedKeys(record: LocationRecord): SealedKeys | undefined {
    return record.credentials === null ? undefined : sealedKeys.parse(this.#catalog.locations.credentials(record.locationId));
  }

  #refuseTaken(name: string): void {
    if (this.#catalog.locations.byName(name) === undefined) return;
    throw new HoldfastError('nameTaken', `Failed to name the location ${name}: another location has this name.`, {
      fix: 'Choose another name.',
    });
  }

  /** Under two names its objects would be counted and cared for twice. */
  #refuseSameStore(name: string, storeId: StoreId): void {
    const same = this.#catalog.locations.list().find((location) => location.storeId === storeId);
    if (same === undefined) return;
    throw new HoldfastError('refusedByRule', `Failed to add location ${name}: location ${same.name} is the same store.`, {
      fix: `Use ${same.name}; where the store has moved, say so with "holdfast location edit ${shellWord(same.name)} --path DIR".`,
      details: { location: same.name },
    });
  }

  #known(locationId: LocationId): LocationRecord {
    const record = this.#catalog.locations.get(locationId);
    if (record === undefined) throw new HoldfastError('unknownName', `Failed to find location ${locationId}: there is none.`);
    return record;
  }
}

function withoutKind({ kind: _kind, ...spec }: S3Spec): Omit<S3Spec, 'kind'> {
  return spec;
}

function folderHasNoLocks(name: string): HoldfastError {
  return new HoldfastError('refusedByRule', `Failed to make ${name} immutable: a folder has no locks.`, {
    fix: 'Use a bucket with Object Lock: "holdfast location add s3".',
  });
}

/** Stores take no other mode for what is locked, not even a stronger one without bypass: none of it could be extended any more. */
function modeStays(name: string): HoldfastError {
  return new HoldfastError('refusedByRule', `Failed to change location ${name}: what is locked there keeps its lock mode.`, {
    fix: 'Add another location with this mode, and let its policies use that one.',
  });
}

function kindStays(name: string): HoldfastError {
  return new HoldfastError('badValue', `Failed to change location ${name}: it is of another kind.`, {
    fix: 'Add another location instead.',
  });
}

/** Whether the folder was made now. What is wrong with a path that cannot be made, validation says. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemCode(error) !== undefined) return false;
    throw error;
  }
}
