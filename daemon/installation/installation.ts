import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { type InstallationId, idOf, type LocationId, type SlotId } from '../../protocol/ids.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { KeyAgent } from '../keys/agent/keyAgent.ts';
import { CatalogSeal } from '../keys/catalogSeal.ts';
import { MasterKey } from '../keys/masterKey.ts';
import type { ScryptRunner } from '../keys/scryptRunner.ts';
import { UnlockDelay, type UnlockClock } from '../keys/unlockDelay.ts';
import type { FileSystem } from '../locations/fileAccess.ts';
import { preflightS3 } from '../locations/preflight/s3Preflight.ts';
import { connectS3 as overTheWire } from '../locations/s3/openS3.ts';
import { type ClockReading, readClocks } from '../locks/localClocks.ts';
import { KeyHolder } from './keyHolder.ts';
import { KeyringDelivery, type Undelivered } from './keyringDelivery.ts';
import { LocationService, type LocationServiceOptions } from './locationService.ts';
import { LocationStores, type LocationStoresOptions } from './locationStores.ts';
import { LongestAbsence } from './longestAbsence.ts';
import { PasskeyService } from './passkeys/passkeyService.ts';
import { newServiceKey, type NewSlotKey, type Opening, openingOf, SlotKeys, type SlotKeysOptions } from './passkeys/slotKeys.ts';
import { PlaceChecks, type Preflight } from './placeChecks.ts';
import { recoveryKeysIn } from './recoveryKeys.ts';

export interface InstallationOptions {
  readonly catalog: Catalog;
  readonly stateDirectory: string;
  /** Under the stores of all filesystem locations. */
  readonly fileSystem: FileSystem;
  readonly scrypt: ScryptRunner;
  /** Asks KMS and Vault. */
  readonly keyAgent: KeyAgent;
  readonly unlockClock: UnlockClock;
  readonly wallClock: () => Date;
  /** The process's own where left out. */
  readonly environment?: SlotKeysOptions['environment'];
  /** The process's own where left out. */
  readonly clocks?: () => ClockReading;
  /** Reaches buckets; by the wire where left out. */
  readonly connectS3?: LocationStoresOptions['connectS3'];
  readonly preflight?: Preflight;
  /** Until when what was promised at a location is safe; nothing is where left out. */
  readonly safeUntil?: LocationServiceOptions['safeUntil'];
  readonly onStateChanged: () => void;
  readonly onPasskeyChanged: (slotId: SlotId) => void;
  readonly onLocationChanged: (locationId: LocationId) => void;
  /** A keyring that could not be brought to a location; it is tried again before the next backup there. */
  readonly onUndelivered: (undelivered: Undelivered) => void;
}

export interface SetUp {
  readonly installationId: InstallationId;
  readonly passkey: string;
  readonly slotId: SlotId;
}

/** The installation of a state directory: set up or not, locked or unlocked, with its passkeys and locations. Owns the keys and the catalog. */
export class Installation implements Disposable {
  readonly catalog: Catalog;
  readonly keys: KeyHolder;
  readonly passkeys: PasskeyService;
  readonly slotKeys: SlotKeys;
  readonly locations: LocationService;
  readonly stores: LocationStores;
  readonly longestAbsence: LongestAbsence;
  readonly keyrings: KeyringDelivery;
  readonly stateDirectory: string;
  readonly #options: InstallationOptions;

  constructor(options: InstallationOptions) {
    const {
      catalog,
      wallClock,
      stateDirectory,
      fileSystem,
      connectS3 = overTheWire,
      preflight = preflightS3,
      clocks = readClocks,
    } = options;
    this.#options = options;
    this.catalog = catalog;
    this.keys = new KeyHolder((policyId) => catalog.importedPolicies.get(policyId));
    this.stateDirectory = stateDirectory;
    this.keyrings = new KeyringDelivery({ catalog, keys: this.keys, wallClock });
    this.longestAbsence = new LongestAbsence(catalog.settings);
    this.stores = new LocationStores({ catalog, fileSystem, connectS3, clocks, longestAbsence: () => this.longestAbsence.days });
    this.locations = new LocationService({
      catalog,
      wallClock,
      safeUntil: options.safeUntil ?? (() => null),
      stores: this.stores,
      places: new PlaceChecks({ stores: this.stores, connectS3, preflight, stateDirectory, fileSystem, wallClock }),
      deliverKeyring: (locationId, store) => this.keyrings.deliver(locationId, store),
      onChanged: options.onLocationChanged,
    });
    this.slotKeys = new SlotKeys({
      serviceKeys: catalog.serviceKeys,
      scrypt: options.scrypt,
      agent: options.keyAgent,
      wallClock,
      environment: options.environment ?? process.env,
      drSlot: () => catalog.recovery.get()?.drSlot,
    });
    this.passkeys = new PasskeyService({
      catalog,
      keys: this.keys,
      slotKeys: this.slotKeys,
      delay: new UnlockDelay(options.unlockClock),
      wallClock,
      keyringChanged: () => this.keyrings.changed(),
      assertRoom: () => this.keyrings.assertRoom(),
      deliver: (signal) => this.deliverKeyrings(signal),
      onChanged: options.onPasskeyChanged,
      storeTime: (locationId, signal) => this.#storeTime(locationId, signal),
    });
  }

  get state(): DaemonState {
    if (this.catalog.installation.get() === undefined) return 'notSetUp';
    return this.keys.isUnlocked ? 'unlocked' : 'locked';
  }

  /** What Holdfast keeps its own in, never part of a source nor a target: the state directory and the folders of all filesystem locations. */
  get ownFolders(): readonly string[] {
    return [this.stateDirectory, ...this.locations.folders()];
  }

  get installationId(): InstallationId {
    const installation = this.catalog.installation.get();
    if (installation === undefined)
      throw new HoldfastError('notSetUp', 'Failed to look: nothing is set up here.', { fix: 'Run "holdfast init".' });
    return installation.installationId;
  }

  /** Makes the master key and its first passkey; unlocked afterwards. Throws `alreadySetUp`, `badValue`. */
  async setUp(passkeyName: string, key: NewSlotKey, signal: AbortSignal): Promise<SetUp> {
    const { wallClock } = this.#options;
    this.#refuseSetUp();
    const installationId = idOf<InstallationId>(randomUUID());
    const masterKey = MasterKey.generate(installationId);
    let isHeld = false;
    try {
      const facts = key.kind === 'service' ? await this.slotKeys.describe(key, signal) : null;
      const slot = await this.slotKeys.make(key, masterKey, signal);
      using opened = await this.slotKeys.open(installationId, slot, openingOf(key), signal);
      if (opened?.hasId(masterKey.masterKeyId) !== true)
        throw new HoldfastError('failed', 'Failed to set up: the passkey opens another key.');
      const createdAt = wallClock().toISOString();
      this.catalog.transaction(() => {
        this.#refuseSetUp();
        this.catalog.installation.create({ installationId, masterKeyId: masterKey.masterKeyId, keyEpoch: masterKey.keyEpoch, createdAt });
        this.catalog.passkeys.add({
          slotId: slot.slotId,
          name: passkeyName,
          kind: slot.kind,
          slot: JSON.stringify(slot),
          state: 'ready',
          inUse: true,
          createdAt,
          verifiedAt: createdAt,
        });
        this.keyrings.changed();
        if (key.kind === 'service') {
          // Only what is sealed needs the key before the installation has it.
          this.catalog.useSeal(new CatalogSeal(masterKey.catalogKey(), installationId));
          this.catalog.serviceKeys.add(newServiceKey(slot.slotId, key.access, facts), key.credentials);
        }
      });
      isHeld = true;
      this.hold(masterKey);
      return { installationId, passkey: passkeyName, slotId: slot.slotId };
    } catch (error) {
      if (!isHeld) {
        this.catalog.useSeal(this.keys.isUnlocked ? new CatalogSeal(this.keys.masterKey.catalogKey(), this.installationId) : undefined);
        masterKey[Symbol.dispose]();
      }
      throw error;
    }
  }

  /** Unlocks with a passphrase, or at a key service; brings keyrings to locations that were away. Throws as `PasskeyService.unwrap` does. */
  async unlock(opening: Opening, passkey: string | undefined, signal: AbortSignal): Promise<void> {
    const masterKey = await this.passkeys.unwrap(opening, passkey, signal);
    if (this.keys.isUnlocked) masterKey[Symbol.dispose]();
    else this.hold(masterKey);
    await this.deliverKeyrings(signal);
  }

  /** Takes the master key over and opens the sealed cells of the catalog. Throws `catalogDamaged` where the keys of disaster recovery are not what was sealed. */
  hold(masterKey: MasterKey): void {
    const drKeys = recoveryKeysIn(this.catalog, masterKey);
    this.keys.hold(masterKey);
    this.keys.holdDrKeys(drKeys);
    this.catalog.useSeal(new CatalogSeal(masterKey.catalogKey(), masterKey.installationId));
    this.#options.onStateChanged();
  }

  /** Drops every key. Whatever runs with them has to have ended before. */
  lock(): void {
    this.catalog.useSeal(undefined);
    this.keys.drop();
    this.#options.onStateChanged();
  }

  async deliverKeyrings(signal: AbortSignal): Promise<void> {
    const undelivered = await this.keyrings.deliverEverywhere((locationId) => this.locations.open(locationId), signal);
    for (const one of undelivered) this.#options.onUndelivered(one);
  }

  [Symbol.dispose](): void {
    this.stores[Symbol.dispose]();
    this.catalog.useSeal(undefined);
    this.keys.drop();
    this.catalog.close();
  }

  async #storeTime(locationId: LocationId, signal: AbortSignal): Promise<Date> {
    const { locks } = await this.stores.open(locationId, signal);
    if (locks === undefined) throw new HoldfastError('failed', 'Failed to read the time of the location: nothing is locked there.');
    return (await locks.clock.now({ signal })).earliest;
  }

  #refuseSetUp(): void {
    if (this.catalog.installation.get() === undefined) return;
    throw new HoldfastError('alreadySetUp', 'Failed to set up: an installation is here already.', {
      fix: 'Use it, or choose another --state.',
    });
  }
}
