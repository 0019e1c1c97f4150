import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../protocol/errors.ts';
import type { ActionId, LocationId } from '../../protocol/ids.ts';
import { ActionStore } from './actionStore.ts';
import { catalogError, isInputOutputError } from './catalogErrors.ts';
import { type CellSeal, SealedCells } from './cellSeal.ts';
import { InstallationStore } from './installationStore.ts';
import { KeyringStore } from './keyringStore.ts';
import { LocationStore } from './locationStore.ts';
import { ObjectLedger } from './objectLedger.ts';
import { PasskeyStore } from './passkeyStore.ts';
import { PolicyStore } from './policyStore.ts';
import { RestorePointStore } from './restorePointStore.ts';
import { RunPinStore } from './runPinStore.ts';
import { SequenceStore } from './sequenceStore.ts';

/**
 * What the daemon remembers, in one SQLite file with one store a table. All calls are synchronous, and what they write is on the disk when they
 * return (outside a transaction) or when `transaction` returns. They throw `HoldfastError`: `diskFailed` (full, read-only, input/output),
 * `catalogDamaged`, `locked` where a sealed cell is written without a seal.
 */
export class Catalog implements Disposable {
  readonly installation: InstallationStore;
  readonly passkeys: PasskeyStore;
  readonly keyrings: KeyringStore;
  readonly locations: LocationStore;
  readonly policies: PolicyStore;
  readonly restorePoints: RestorePointStore;
  readonly objects: ObjectLedger;
  readonly runPins: RunPinStore;
  readonly actions: ActionStore;
  readonly sequences: SequenceStore;
  readonly #database: DatabaseSync;
  readonly #cells: SealedCells = new SealedCells();
  #failed: HoldfastError | undefined;

  /** Takes over the connection, which `openCatalog` has checked. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.installation = new InstallationStore(database);
    this.passkeys = new PasskeyStore(database);
    this.keyrings = new KeyringStore(database);
    this.locations = new LocationStore(database);
    this.policies = new PolicyStore(database, this.#cells);
    this.restorePoints = new RestorePointStore(database, this.#cells);
    this.objects = new ObjectLedger(database);
    this.runPins = new RunPinStore(database);
    this.actions = new ActionStore(database, this.#cells);
    this.sequences = new SequenceStore(database);
  }

  /** Sealed cells can be read and written from now on; with `undefined` (lock) no more. */
  useSeal(seal: CellSeal | undefined): void {
    this.#cells.use(seal);
  }

  /**
   * All of `work` or nothing. A transaction inside another one belongs to it. `work` must not be asynchronous. After an input/output error nobody knows
   * what reached the disk: every later transaction is refused until the catalog is opened anew.
   */
  transaction<Result>(work: () => Result): Result {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#database.isTransaction) return work();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = work();
      if (result instanceof Promise) throw new HoldfastError('failed', 'Failed to write the catalog: a transaction cannot wait.');
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      const mapped = catalogError('write the catalog', error);
      if (isInputOutputError(error) || isInputOutputError(mapped.cause)) this.#failed = mapped;
      // SQLite has rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw mapped;
    }
  }

  /**
   * Pins what a run found in the store already. Gives the keys that it must upload anew: condemned, being deleted or missing. Keys that the ledger does not
   * know are pinned; the commit gate looks at them.
   */
  pinHits(actionId: ActionId, locationId: LocationId, objectKeys: readonly string[]): readonly string[] {
    return this.transaction(() => {
      const refused: string[] = [];
      for (const objectKey of objectKeys) {
        const known = this.objects.get(locationId, objectKey);
        if (known === undefined || known.state === 'present') this.runPins.pin({ actionId, locationId, objectKey, reason: 'hit' });
        else refused.push(objectKey);
      }
      return refused;
    });
  }

  /** Takes an object from present to condemned, unless a run has pinned it: `false`. */
  condemn(locationId: LocationId, objectKey: string): boolean {
    return this.transaction(() => {
      const state = this.objects.get(locationId, objectKey)?.state;
      if (state === 'condemned') return true;
      if (state !== 'present' || this.runPins.isPinned(locationId, objectKey)) return false;
      return this.objects.change(locationId, objectKey, { state: 'condemned' });
    });
  }

  /** From condemned to deleting, unless a run has pinned it: `false`. Afterwards the object may be deleted in the store. */
  beginDelete(locationId: LocationId, objectKey: string): boolean {
    return this.transaction(() => {
      const state = this.objects.get(locationId, objectKey)?.state;
      if (state === 'deleting') return true;
      if (state !== 'condemned' || this.runPins.isPinned(locationId, objectKey)) return false;
      return this.objects.change(locationId, objectKey, { state: 'deleting' });
    });
  }

  /**
   * Removes a location and what is known to be there; restore points stay, since they name the store and come back to use with a location that holds it.
   * Throws `stillInUse` while a policy stores there.
   */
  forgetLocation(locationId: LocationId): void {
    this.transaction(() => {
      const [user] = this.policies.atLocation(locationId);
      if (user !== undefined) {
        throw new HoldfastError('stillInUse', `Failed to remove the location: policy ${user.name} stores there.`, {
          fix: 'Delete the policy, or give it another location, first.',
        });
      }
      this.policies.forgetLocation(locationId);
      this.keyrings.forgetLocation(locationId);
      this.runPins.forgetLocation(locationId);
      this.objects.forgetLocation(locationId);
      this.locations.remove(locationId);
    });
  }

  close(): void {
    this.#cells.use(undefined);
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
