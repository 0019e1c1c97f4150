import { HoldfastError } from '../../protocol/errors.ts';
import type { SlotId } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import type { Passkey } from '../../protocol/methods/passkeys.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { PasskeyRecord } from '../catalog/passkeyStore.ts';
import { mostSlots } from '../keys/keyring.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import { unwrapWithPassphrase, wrapWithPassphrase, wrongPassphrase } from '../keys/passkeys/passphrase.ts';
import type { ScryptRunner } from '../keys/scryptRunner.ts';
import type { PassphraseSlot } from '../keys/slot.ts';
import type { UnlockDelay } from '../keys/unlockDelay.ts';
import type { KeyHolder } from './keyHolder.ts';
import { slotOf } from './keyringDelivery.ts';
import { pageOfArray } from './pageOfArray.ts';
import { checkRetire, checkUse, nameOfRotated } from './passkeyRules.ts';
import { resolveReference } from './reference.ts';

export interface PasskeyServiceOptions {
  readonly catalog: Catalog;
  readonly keys: KeyHolder;
  readonly scrypt: ScryptRunner;
  readonly delay: UnlockDelay;
  readonly wallClock: () => Date;
  /** Marks the keyring as changed; called within the transaction that changes the slots. */
  readonly keyringChanged: () => void;
  /** Brings the changed keyring to every location that can be reached. */
  readonly deliver: (signal: AbortSignal) => Promise<void>;
  readonly onChanged: (slotId: SlotId) => void;
}

/** Passkeys as the user knows them. A change is one transaction of the catalog, and then goes to every location. */
export class PasskeyService {
  readonly #options: PasskeyServiceOptions;
  readonly #catalog: Catalog;

  constructor(options: PasskeyServiceOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
  }

  /** Names of retired ones are free again; a retired one is found by its id. Throws `unknownName`, `ambiguousName`. */
  resolve(reference: string): PasskeyRecord {
    const all = this.#catalog.passkeys.list();
    const named = all.map((record) => ({ id: record.slotId, name: record.state === 'retired' ? '' : record.name, record }));
    return resolveReference('passkey', reference, named).record;
  }

  list(page: PageParams): Page<Passkey> {
    return pageOfArray(this.#catalog.passkeys.list(), page, (record) => this.describe(record));
  }

  /**
   * Unwraps the master key: with the slot that is named, or with the one in use and then the others. Throws `wrongSecret`, after a delay that
   * grows with every wrong one.
   */
  async unwrap(passphrase: Uint8Array, reference: string | undefined, signal: AbortSignal): Promise<MasterKey> {
    const installation = this.#catalog.installation.get();
    if (installation === undefined)
      throw new HoldfastError('notSetUp', 'Failed to unlock: nothing is set up here.', { fix: 'Run "holdfast init".' });
    const candidates = reference === undefined ? this.#inOrder() : [this.resolve(reference)];
    return this.#options.delay.attempt(async () => {
      for (const record of candidates) {
        if (record.state === 'retired') continue;
        const slot = slotOf(record.slotId, record.slot);
        if (slot.kind !== 'passphrase') continue;
        const masterKey = await this.#open(slot, passphrase, installation.masterKeyId, signal);
        if (masterKey === undefined) continue;
        this.#catalog.passkeys.change(record.slotId, { state: 'ready', verifiedAt: this.#now() });
        return masterKey;
      }
      throw wrongPassphrase();
    }, signal);
  }

  /** Whether the passphrase opens any slot; the key that it gives is dropped at once. Throws `wrongSecret`. */
  async prove(passphrase: Uint8Array, signal: AbortSignal): Promise<void> {
    const masterKey = await this.unwrap(passphrase, undefined, signal);
    masterKey[Symbol.dispose]();
  }

  /** Errors: `nameTaken`, `badValue`. */
  async addPassphrase(name: string, passphrase: Uint8Array, useNow: boolean, signal: AbortSignal): Promise<Passkey> {
    this.#refuseTaken(name);
    this.#refuseFull();
    const slot = await this.#newSlot(passphrase, signal);
    const record = this.#recordOf(slot, name, useNow);
    this.#catalog.transaction(() => {
      this.#catalog.passkeys.add(record);
      this.#options.keyringChanged();
    });
    return this.#afterChange(record.slotId, signal);
  }

  async use(reference: string): Promise<Passkey> {
    const record = this.resolve(reference);
    checkUse(record);
    this.#catalog.transaction(() => this.#catalog.passkeys.use(record.slotId));
    this.#options.onChanged(record.slotId);
    return this.describe(this.#known(record.slotId));
  }

  /** Opens this very slot with its own passphrase. Errors: `wrongSecret`, `refusedByRule` (retired). */
  async verify(reference: string, passphrase: Uint8Array, signal: AbortSignal): Promise<Passkey> {
    const record = this.resolve(reference);
    if (record.state === 'retired') {
      throw new HoldfastError('refusedByRule', `Failed to verify passkey ${record.name}: it is retired.`, { fix: 'Add a new passkey.' });
    }
    const masterKey = await this.unwrap(passphrase, record.slotId, signal);
    masterKey[Symbol.dispose]();
    this.#options.onChanged(record.slotId);
    return this.describe(this.#known(record.slotId));
  }

  /** A new slot takes the name and is in use; the old one goes on under another name until it is retired. */
  async rotate(
    reference: string,
    passphrase: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly passkey: Passkey; readonly previous: Passkey }> {
    const old = this.resolve(reference);
    if (old.state === 'retired') {
      throw new HoldfastError('refusedByRule', `Failed to rotate passkey ${old.name}: it is retired.`, { fix: 'Add a new passkey.' });
    }
    this.#refuseFull();
    const slot = await this.#newSlot(passphrase, signal);
    const record = this.#recordOf(slot, old.name, true);
    const taken = new Set(this.#catalog.passkeys.list().map((passkey) => passkey.name));
    this.#catalog.transaction(() => {
      this.#catalog.passkeys.change(old.slotId, { name: nameOfRotated(old.name, this.#options.wallClock(), taken) });
      this.#catalog.passkeys.add(record);
      this.#options.keyringChanged();
    });
    const passkey = await this.#afterChange(record.slotId, signal);
    this.#options.onChanged(old.slotId);
    return { passkey, previous: this.describe(this.#known(old.slotId)) };
  }

  /** Refusals by rule of `retire`, then `confirmationNeeded`. */
  checkRetire(reference: string, confirmed: boolean): PasskeyRecord {
    const record = this.resolve(reference);
    checkRetire(record, this.#catalog.passkeys.list(), confirmed);
    return record;
  }

  async retire(reference: string, confirmed: boolean, signal: AbortSignal): Promise<Passkey> {
    const record = this.checkRetire(reference, confirmed);
    this.#catalog.transaction(() => {
      this.#catalog.passkeys.change(record.slotId, { state: 'retired' });
      this.#options.keyringChanged();
    });
    return this.#afterChange(record.slotId, signal);
  }

  describe(record: PasskeyRecord): Passkey {
    const retirable = !record.inUse && record.state !== 'retired';
    return {
      slotId: record.slotId,
      name: record.name,
      kind: record.kind,
      inUse: record.inUse,
      state: record.state,
      reference: {},
      createdAt: record.createdAt,
      verifiedAt: record.verifiedAt,
      // Nothing that is locked needs a slot yet: it can go as soon as another one is in use.
      retirableFrom: retirable ? record.createdAt : null,
      warnings: [],
    };
  }

  /** The record of a new slot that was verified just now. */
  #recordOf(slot: PassphraseSlot, name: string, inUse: boolean): PasskeyRecord {
    return {
      slotId: slot.slotId,
      name,
      kind: 'passphrase',
      slot: JSON.stringify(slot),
      state: 'ready',
      inUse,
      createdAt: slot.createdAt,
      verifiedAt: this.#now(),
    };
  }

  /** Wraps, and opens again what was wrapped: a slot that does not open is never written anywhere. */
  async #newSlot(passphrase: Uint8Array, signal: AbortSignal): Promise<PassphraseSlot> {
    const { scrypt, wallClock, keys } = this.#options;
    const { masterKey } = keys;
    const slot = await wrapWithPassphrase({ masterKey, passphrase, scrypt, createdAt: wallClock(), signal });
    using opened = await unwrapWithPassphrase({ installationId: masterKey.installationId, slot, passphrase, scrypt, signal });
    if (!opened.hasId(masterKey.masterKeyId)) throw new HoldfastError('failed', 'Failed to make the passkey: it opens another key.');
    return slot;
  }

  async #open(slot: PassphraseSlot, passphrase: Uint8Array, masterKeyId: Uint8Array, signal: AbortSignal): Promise<MasterKey | undefined> {
    const installationId = this.#catalog.installation.get()?.installationId;
    if (installationId === undefined) return undefined;
    try {
      const masterKey = await unwrapWithPassphrase({ installationId, slot, passphrase, scrypt: this.#options.scrypt, signal });
      if (masterKey.hasId(masterKeyId)) return masterKey;
      masterKey[Symbol.dispose]();
    } catch (error) {
      if (!HoldfastError.is(error, 'wrongSecret')) throw error;
    }
    return undefined;
  }

  #inOrder(): readonly PasskeyRecord[] {
    return this.#catalog.passkeys.list().toSorted((a, b) => Number(b.inUse) - Number(a.inUse));
  }

  #refuseTaken(name: string): void {
    if (this.#catalog.passkeys.byName(name) === undefined) return;
    throw new HoldfastError('nameTaken', `Failed to name the passkey ${name}: another passkey has this name.`, {
      fix: 'Choose another name.',
    });
  }

  #refuseFull(): void {
    if (this.#catalog.passkeys.list().filter((passkey) => passkey.state !== 'retired').length < mostSlots) return;
    throw new HoldfastError('refusedByRule', `Failed to add a passkey: a keyring holds at most ${mostSlots}.`, {
      fix: 'Retire one first.',
    });
  }

  async #afterChange(slotId: SlotId, signal: AbortSignal): Promise<Passkey> {
    this.#options.onChanged(slotId);
    await this.#options.deliver(signal);
    return this.describe(this.#known(slotId));
  }

  #known(slotId: SlotId): PasskeyRecord {
    const record = this.#catalog.passkeys.get(slotId);
    if (record === undefined) throw new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none.`);
    return record;
  }

  #now(): string {
    return this.#options.wallClock().toISOString();
  }
}
