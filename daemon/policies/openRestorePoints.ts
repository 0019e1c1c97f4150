import { HoldfastError } from '../../protocol/errors.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { Installation } from '../installation/installation.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { keySourceOf } from '../repository/keySource.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import { RestorePointReader } from '../repository/restorePointReader.ts';

/** An open restore point, ready to be read. */
export interface OpenRestorePoint {
  readonly record: RestorePointRecord;
  readonly reader: RestorePointReader;
  readonly store: ObjectStore;
  readonly keys: readonly PolicyKeys[];
}

/** So many stay open: a client that browses asks for one restore point again and again, or compares two. */
const keptOpen = 3;
/** Decoded blocks that each may keep, in bytes. */
const cacheBytes = 32 * 1024 * 1024;

/** Opens restore points for reading, and keeps the last few open while the daemon is unlocked. */
export class OpenRestorePoints {
  readonly #installation: Installation;
  readonly #open = new Map<string, OpenRestorePoint>();

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  /** Rejects with `objectMissing`, `damaged`, `tampered`, `unsupportedFormat`, `storeUnreachable`, `locked`. */
  async open(record: RestorePointRecord, signal: AbortSignal): Promise<OpenRestorePoint> {
    const known = this.#open.get(record.id);
    if (known !== undefined) {
      this.#open.delete(record.id);
      this.#open.set(record.id, known);
      return known;
    }
    const { catalog, keys: holder } = this.#installation;
    const policy = catalog.policies.get(record.policyId);
    const keys = holder.policyKeysOfAllGenerations(record.policyId, policy?.keyGeneration ?? 1);
    const store = await this.openStore(record);
    const expected = { policyId: record.policyId, storeId: record.storeId, sha256: record.sha256 };
    const reader = await RestorePointReader.open(store, record.manifestKey, keySourceOf(...keys), expected, { signal, cacheBytes });
    const opened: OpenRestorePoint = { record, reader, store, keys };
    this.#open.set(record.id, opened);
    const [oldest] = this.#open.keys();
    if (this.#open.size > keptOpen && oldest !== undefined) this.#open.delete(oldest);
    return opened;
  }

  /** The store of a restore point: at the one location that holds it. Rejects with `unknownName` where that was removed, and as locations do. */
  async openStore(record: RestorePointRecord): Promise<ObjectStore> {
    const { catalog, locations } = this.#installation;
    const [location] = catalog.locations.byStore(record.storeId);
    if (location !== undefined) return locations.open(location.locationId);
    throw new HoldfastError('unknownName', `Failed to open restore point ${record.id.slice(0, 8)}: its location was removed.`, {
      fix: 'Add the folder that holds it as a location again.',
    });
  }

  /** For `lock`: the readers hold keys. */
  clear(): void {
    this.#open.clear();
  }
}
