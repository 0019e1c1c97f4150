import { randomUUID } from 'node:crypto';
import { mkdir, rmdir } from 'node:fs/promises';
import { HoldfastError } from '../../protocol/errors.ts';
import { shellWord } from '../../protocol/wording.ts';
import { idOf, type LocationId, type StoreId } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import type {
  Location,
  LocationAddParams,
  LocationCheck,
  LocationEditParams,
  LocationSaved,
  LocationSpec,
} from '../../protocol/methods/locations.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type LocationRecord, softLocation } from '../catalog/locationStore.ts';
import type { FileSystem } from '../locations/fileAccess.ts';
import { openFilesystemStore } from '../locations/filesystem.ts';
import { filesystemSpec, parseLocationSpec } from '../../protocol/locationSpec.ts';
import { initialiseStore } from '../locations/marker.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { pacedStore, UploadPace } from '../locations/pacedStore.ts';
import { validateLocation } from '../locations/validate.ts';
import { pageOfArray } from './pageOfArray.ts';
import { resolveReference } from './reference.ts';

export interface LocationServiceOptions {
  readonly catalog: Catalog;
  readonly stateDirectory: string;
  readonly fileSystem: FileSystem;
  readonly wallClock: () => Date;
  /** Brings the newest keyring to a location and reads it back. */
  readonly deliverKeyring: (locationId: LocationId, store: ObjectStore) => Promise<void>;
  readonly onChanged: (locationId: LocationId) => void;
}

/** Locations as the user knows them, and the way from a location to its open store. */
export class LocationService {
  readonly #options: LocationServiceOptions;
  readonly #catalog: Catalog;
  /** One for all that is under way to a location. */
  readonly #paces = new Map<LocationId, UploadPace>();

  constructor(options: LocationServiceOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
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
    const record = this.#catalog.locations.get(locationId);
    if (record === undefined) {
      throw new HoldfastError('unknownName', `Failed to open location ${locationId}: there is none.`, {
        fix: '"holdfast location list" shows them.',
      });
    }
    const { fileSystem } = this.#options;
    const store = await openFilesystemStore({ root: filesystemSpec(specOf(record)).path, storeId: record.storeId, fileSystem });
    return record.uploadLimit === null ? store : pacedStore(store, this.#paceOf(locationId, record.uploadLimit));
  }

  /** The folders of all filesystem locations: never part of a source. */
  folders(): readonly string[] {
    return this.#catalog.locations
      .list()
      .map(specOf)
      .flatMap((spec) => (spec.kind === 'filesystem' ? [spec.path] : []));
  }

  /** Validates and saves; `refusedByRule` where another location is the same store. The folder gets its marker and the keyring. A folder that is missing is made, its parent is not. */
  async add(params: LocationAddParams, signal: AbortSignal): Promise<LocationSaved> {
    const spec = filesystemSpec(parseLocationSpec(params.spec));
    this.#refuseTaken(params.name);
    const madeFolder = await makeFolder(spec.path);
    const checks = await this.#validate(spec, undefined, signal);
    if (checks.some((check) => check.result === 'fail')) {
      if (madeFolder) await rmdir(spec.path);
      return { location: null, checks };
    }
    const { fileSystem, wallClock } = this.#options;
    const now = wallClock();
    const { storeId } = await initialiseStore(spec.path, { storeId: idOf<StoreId>(randomUUID()), now, fileSystem });
    this.#refuseSameStore(params.name, storeId);
    const record: LocationRecord = {
      locationId: idOf<LocationId>(randomUUID()),
      name: params.name,
      kind: spec.kind,
      spec: JSON.stringify(spec),
      storeId,
      createdAt: now.toISOString(),
      lastValidatedAt: now.toISOString(),
      uploadLimit: params.uploadLimit ?? null,
      ...softLocation,
    };
    const store = await openFilesystemStore({ root: spec.path, storeId, fileSystem });
    this.#catalog.locations.add(record);
    await this.#options.deliverKeyring(record.locationId, store);
    this.#options.onChanged(record.locationId);
    return { location: this.describe(record), checks };
  }

  async validate(reference: string, signal: AbortSignal): Promise<readonly LocationCheck[]> {
    const record = this.resolve(reference);
    const checks = await this.#validate(specOf(record), record.storeId, signal);
    if (checks.every((check) => check.result !== 'fail')) {
      this.#catalog.locations.change(record.locationId, { lastValidatedAt: this.#options.wallClock().toISOString() });
      this.#options.onChanged(record.locationId);
    }
    return checks;
  }

  /** Errors: `nameTaken`; `refusedByRule` where another store lies at the new path. */
  async edit(params: LocationEditParams, signal: AbortSignal): Promise<LocationSaved> {
    const record = this.resolve(params.location);
    const spec = params.path === undefined ? specOf(record) : parseLocationSpec({ kind: 'filesystem', path: params.path });
    const checks = params.path === undefined ? [] : await this.#validate(spec, record.storeId, signal);
    if (checks.some((check) => check.result === 'fail')) return { location: null, checks };
    this.#catalog.locations.change(record.locationId, {
      ...(params.name === undefined ? {} : { name: params.name }),
      ...(params.uploadLimit === undefined ? {} : { uploadLimit: params.uploadLimit }),
      ...(params.path === undefined ? {} : { spec: JSON.stringify(spec), lastValidatedAt: this.#options.wallClock().toISOString() }),
    });
    this.#options.onChanged(record.locationId);
    return { location: this.describe(this.#known(record.locationId)), checks };
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
    if (!confirmed) {
      throw new HoldfastError(
        'confirmationNeeded',
        `Remove location ${record.name}? What is stored there stays, but this installation forgets where it is.`,
        { fix: 'Say --yes.' },
      );
    }
    return record;
  }

  remove(reference: string, confirmed: boolean): Location {
    const record = this.checkRemove(reference, confirmed);
    const described = this.describe(record);
    this.#catalog.forgetLocation(record.locationId);
    this.#options.onChanged(record.locationId);
    return described;
  }

  describe(record: LocationRecord): Location {
    const spec = specOf(record);
    return {
      locationId: record.locationId,
      name: record.name,
      kind: record.kind,
      storeId: record.storeId,
      path: spec.kind === 'filesystem' ? spec.path : null,
      // A folder has no lock; nothing on it is ever called immutable.
      immutable: false,
      protectionPeriodDays: null,
      lastValidatedAt: record.lastValidatedAt,
      lockProof: null,
      heldBytes: this.#catalog.objects.heldBytes(record.locationId),
      uploadLimit: record.uploadLimit,
    };
  }

  #paceOf(locationId: LocationId, bytesPerSecond: number): UploadPace {
    const known = this.#paces.get(locationId);
    if (known?.bytesPerSecond === bytesPerSecond) return known;
    const pace = new UploadPace(bytesPerSecond);
    this.#paces.set(locationId, pace);
    return pace;
  }

  #validate(spec: LocationSpec, storeId: StoreId | undefined, signal: AbortSignal): Promise<readonly LocationCheck[]> {
    return validateLocation({
      spec: filesystemSpec(spec),
      ...(storeId === undefined ? {} : { storeId }),
      stateDirectory: this.#options.stateDirectory,
      fileSystem: this.#options.fileSystem,
      now: this.#options.wallClock,
      signal,
    });
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

function specOf(record: LocationRecord): LocationSpec {
  return parseLocationSpec(JSON.parse(record.spec));
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
