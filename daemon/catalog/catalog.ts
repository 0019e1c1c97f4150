import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../protocol/errors.ts';
import type { ActionId, LocationId, PolicyId, RestorePointId } from '../../protocol/ids.ts';
import { ActionStore } from './actionStore.ts';
import { AlertStore } from './alertStore.ts';
import { AuditStore } from './auditStore.ts';
import { BegunRotationStore } from './begunRotationStore.ts';
import { BundleStore } from './bundleStore.ts';
import { type CellSeal, SealedCells } from './cellSeal.ts';
import { Connection } from './connection.ts';
import { FormerKeyringStore } from './formerKeyringStore.ts';
import { ImportedPolicyStore } from './importedPolicyStore.ts';
import { InstallationStore } from './installationStore.ts';
import { KeyringStore } from './keyringStore.ts';
import { LocationStore } from './locationStore.ts';
import { LockRunStore } from './lockRunStore.ts';
import { ObjectLedger, type RecordedObject } from './objectLedger.ts';
import { OwnershipStore } from './ownershipStore.ts';
import { PasskeyStore } from './passkeyStore.ts';
import { PolicyStore } from './policyStore.ts';
import { ReachStore } from './reachStore.ts';
import { RecoveryStore } from './recoveryStore.ts';
import { RestorePointStore } from './restorePointStore.ts';
import { RunPinStore } from './runPinStore.ts';
import { ScheduleStore } from './scheduleStore.ts';
import { SequenceStore } from './sequenceStore.ts';
import { ServiceKeyStore } from './serviceKeyStore.ts';
import { SettingStore } from './settingStore.ts';
import { TamperStore } from './tamperStore.ts';

/**
 * What the daemon remembers, in one SQLite file with one store a table. All calls are synchronous, and what they write is on the disk when they
 * return (outside a transaction) or when `transaction` returns. They throw `HoldfastError`: `diskFailed` (full, read-only, input/output),
 * `catalogDamaged`, `locked` where a sealed cell is written without a seal.
 */
export class Catalog implements Disposable {
  readonly installation: InstallationStore;
  readonly passkeys: PasskeyStore;
  readonly serviceKeys: ServiceKeyStore;
  readonly begunRotations: BegunRotationStore;
  readonly keyrings: KeyringStore;
  readonly formerKeyrings: FormerKeyringStore;
  readonly locations: LocationStore;
  readonly policies: PolicyStore;
  readonly importedPolicies: ImportedPolicyStore;
  readonly restorePoints: RestorePointStore;
  readonly objects: ObjectLedger;
  readonly runPins: RunPinStore;
  readonly reaches: ReachStore;
  readonly lockRuns: LockRunStore;
  readonly ownerships: OwnershipStore;
  readonly tamperings: TamperStore;
  readonly actions: ActionStore;
  readonly alerts: AlertStore;
  readonly schedules: ScheduleStore;
  readonly sequences: SequenceStore;
  readonly settings: SettingStore;
  readonly auditLog: AuditStore;
  readonly recovery: RecoveryStore;
  readonly bundles: BundleStore;
  readonly #connection: Connection;
  readonly #cells: SealedCells = new SealedCells();

  /** Takes over the connection, which `openCatalog` has checked. */
  constructor(database: DatabaseSync) {
    const connection = new Connection(database);
    this.#connection = connection;
    this.installation = new InstallationStore(connection);
    this.passkeys = new PasskeyStore(connection);
    this.serviceKeys = new ServiceKeyStore(connection, this.#cells);
    this.begunRotations = new BegunRotationStore(connection);
    this.keyrings = new KeyringStore(connection);
    this.formerKeyrings = new FormerKeyringStore(connection);
    this.locations = new LocationStore(connection, this.#cells);
    this.policies = new PolicyStore(connection, this.#cells);
    this.importedPolicies = new ImportedPolicyStore(connection, this.#cells);
    this.restorePoints = new RestorePointStore(connection, this.#cells);
    this.objects = new ObjectLedger(connection);
    this.runPins = new RunPinStore(connection);
    this.reaches = new ReachStore(connection);
    this.lockRuns = new LockRunStore(connection);
    this.ownerships = new OwnershipStore(connection);
    this.tamperings = new TamperStore(connection);
    this.actions = new ActionStore(connection, this.#cells);
    this.alerts = new AlertStore(connection, this.#cells);
    this.schedules = new ScheduleStore(connection);
    this.sequences = new SequenceStore(connection);
    this.settings = new SettingStore(connection);
    this.auditLog = new AuditStore(connection);
    this.recovery = new RecoveryStore(connection);
    this.bundles = new BundleStore(connection);
  }

  /** Sealed cells can be read and written from now on; with `undefined` (lock) no more. */
  useSeal(seal: CellSeal | undefined): void {
    this.#cells.use(seal);
  }

  /**
   * All of `work` or nothing. A transaction inside another one belongs to it. `work` must not be asynchronous. After an input/output error nobody knows
   * what reached the disk: every later write is refused until the catalog is opened anew.
   */
  transaction<Result>(work: () => Result): Result {
    return this.#connection.transaction(work);
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

  /**
   * Takes an object to condemned, unless a run has pinned it or `isReached` says so: `false`. What the ledger calls missing is condemned too, since a
   * listing has shown it. An object that the ledger does not know is condemned only where `found` describes it.
   */
  condemn(locationId: LocationId, objectKey: string, isReached: () => boolean = () => false, found?: RecordedObject): boolean {
    return this.transaction(() => {
      const state = this.objects.get(locationId, objectKey)?.state;
      if (state === 'condemned') return true;
      if (state === 'deleting' || this.runPins.isPinned(locationId, objectKey) || isReached()) return false;
      if (state !== undefined) return this.objects.change(locationId, objectKey, { state: 'condemned' });
      if (found !== undefined) this.objects.record({ ...found, state: 'condemned' });
      return found !== undefined;
    });
  }

  /** From condemned to deleting, unless a run has pinned it or `isReached` says so: `false`. Afterwards the object may be deleted in the store. */
  beginDelete(locationId: LocationId, objectKey: string, isReached: () => boolean = () => false): boolean {
    return this.transaction(() => {
      const state = this.objects.get(locationId, objectKey)?.state;
      if (state === 'deleting') return true;
      if (state !== 'condemned' || this.runPins.isPinned(locationId, objectKey) || isReached()) return false;
      return this.objects.change(locationId, objectKey, { state: 'deleting' });
    });
  }

  /** Once an object is gone from the store. A manifest takes its restore point with it, if that was retired. */
  endDelete(locationId: LocationId, objectKey: string, restorePointId?: RestorePointId): void {
    this.transaction(() => {
      if (restorePointId === undefined) {
        this.objects.change(locationId, objectKey, { state: 'missing' });
        return;
      }
      this.objects.forget(locationId, objectKey);
      if (this.restorePoints.get(restorePointId)?.state !== 'retired') return;
      this.restorePoints.remove(restorePointId);
      this.reaches.forget(restorePointId);
    });
  }

  /**
   * From whatever it is to deleting, for an object that this run put itself and that no index names: `false` where another run has pinned it or the ledger
   * does not know it. The run's own pin does not count, since it is what says that the object is its own; nobody can pin it from now on.
   */
  beginTakingBack(actionId: ActionId, locationId: LocationId, objectKey: string): boolean {
    return this.transaction(() => {
      if (this.runPins.isPinnedByAnother(actionId, locationId, objectKey)) return false;
      return this.objects.change(locationId, objectKey, { state: 'deleting' });
    });
  }

  /**
   * Keys at a location that are kept locked for the sake of disaster recovery: the newest bundle and the one that it builds on, while it is on there, and the keyrings
   * of all bundles that are there (docs/format.md, Locks).
   */
  keptForRecovery(locationId: LocationId): readonly string[] {
    const bundles = this.bundles.list(locationId);
    const newest = this.recovery.get()?.locationId === locationId ? bundles.find(({ isWhole }) => isWhole === 1) : undefined;
    const base = newest === undefined || newest.base === null ? undefined : this.bundles.get(newest.base);
    return [newest, base].flatMap((bundle) => bundle?.objectKey ?? []).concat(bundles.map(({ keyringKey }) => keyringKey));
  }

  /** Takes an imported policy away as if it had never come: what it has is the other installation's, and stays there. */
  forgetImported(policyId: PolicyId): void {
    this.transaction(() => {
      if (this.importedPolicies.get(policyId) === undefined) throw new RangeError('a policy that was not imported');
      this.restorePoints.removeAllOf(policyId);
      this.schedules.remove(policyId);
      this.importedPolicies.remove(policyId);
      this.policies.remove(policyId);
    });
  }

  /**
   * Removes a location and what is known to be there; restore points stay, since they name the store and come back to use with a location that holds it, and
   * so does what the retirement gate has to know of the keyrings that are locked there.
   * Throws `stillInUse` while a policy or disaster recovery stores there.
   */
  forgetLocation(locationId: LocationId): void {
    this.transaction(() => {
      const [user] = this.policies.atLocation(locationId);
      if (user !== undefined) {
        throw new HoldfastError('stillInUse', `Failed to remove the location: policy ${user.name} stores there.`, {
          fix: 'Delete the policy, or give it another location, first.',
        });
      }
      if (this.recovery.get()?.locationId === locationId) {
        throw new HoldfastError('stillInUse', 'Failed to remove the location: disaster recovery puts its bundles there.', {
          fix: 'Turn disaster recovery off first: "holdfast dr disable".',
        });
      }
      this.bundles.forgetLocation(locationId);
      this.policies.forgetLocation(locationId);
      this.#keepLockedKeyrings(locationId);
      this.keyrings.forgetLocation(locationId);
      this.runPins.forgetLocation(locationId);
      this.reaches.forgetLocation(locationId);
      this.lockRuns.forgetLocation(locationId);
      this.tamperings.forgetLocation(locationId);
      this.objects.forgetLocation(locationId);
      this.locations.remove(locationId);
    });
  }

  #keepLockedKeyrings(locationId: LocationId): void {
    const location = this.locations.get(locationId);
    if (location === undefined || location.lockMode === null) return;
    for (const { key, sequence, readBackAt } of this.keyrings.copiesAt(locationId)) {
      const { retainUntil = null, lockReadAt = null } = this.objects.get(locationId, key) ?? {};
      const { storeId, name } = location;
      this.formerKeyrings.keep({ storeId, objectKey: key, location: name, sequence, readBackAt, retainUntil, lockReadAt });
    }
  }

  close(): void {
    this.#cells.use(undefined);
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
