import { HoldfastError } from '../../protocol/errors.ts';
import type { SlotId } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import type { Passkey } from '../../protocol/methods/passkeys.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { PasskeyRecord } from '../catalog/passkeyStore.ts';
import { mostSlots } from '../keys/keyring.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import { type PasskeyStep, stepsToAdd, stepsToRetire, stepsToRotate, stepsToUse } from '../keys/passkeyStates.ts';
import { unwrapWithPassphrase, wrapWithPassphrase, wrongPassphrase } from '../keys/passkeys/passphrase.ts';
import type { ScryptRunner } from '../keys/scryptRunner.ts';
import type { PassphraseSlot } from '../keys/slot.ts';
import type { UnlockDelay } from '../keys/unlockDelay.ts';
import type { KeyHolder } from './keyHolder.ts';
import { slotOf } from './keyringDelivery.ts';
import { pageOfArray } from './pageOfArray.ts';
import { resolveReference } from './reference.ts';
import { nameOfRotated, nameWhileRotating } from './rotatedName.ts';

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

/** What the steps of one change need. */
interface StepContext {
  readonly record?: PasskeyRecord;
  /** Of the new slot; stays the caller's to wipe. */
  readonly passphrase?: Uint8Array;
  readonly signal: AbortSignal;
  /** Within the transaction that puts the new slot in use. */
  readonly onUse?: () => void;
}

/** Passkeys as the user knows them. A change goes in the steps of keys/passkeyStates.ts, so that at each point at least one slot opens the master key. */
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
    const record = this.#recordOf(await this.#newSlot(passphrase, signal), name);
    await this.#perform(stepsToAdd(this.#catalog.passkeys.list(), record.slotId, useNow), { record, passphrase, signal });
    return this.#described(record.slotId);
  }

  /** Refusals by rule of `use`. */
  checkUse(reference: string): void {
    stepsToUse(this.#catalog.passkeys.list(), this.resolve(reference).slotId);
  }

  async use(reference: string, signal: AbortSignal): Promise<Passkey> {
    const { slotId } = this.resolve(reference);
    await this.#perform(stepsToUse(this.#catalog.passkeys.list(), slotId), { signal });
    return this.#described(slotId);
  }

  /** Opens this very slot with its own passphrase. Errors: `wrongSecret`, `refusedByRule` (retired), `damaged`, `catalogDamaged` (the slot: it is `failing` from then on). */
  async verify(reference: string, passphrase: Uint8Array, signal: AbortSignal): Promise<Passkey> {
    const record = this.resolve(reference);
    if (record.state === 'retired') {
      throw new HoldfastError('refusedByRule', `Failed to verify passkey ${record.name}: it is retired.`, { fix: 'Add a new passkey.' });
    }
    try {
      const masterKey = await this.unwrap(passphrase, record.slotId, signal);
      masterKey[Symbol.dispose]();
    } catch (error) {
      // A wrong passphrase says nothing of the slot.
      if (HoldfastError.is(error, 'damaged', 'catalogDamaged')) this.#isFailing(record.slotId);
      throw error;
    }
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
    this.checkRotate(reference);
    this.#refuseFull();
    const taken = new Set(this.#catalog.passkeys.list().map((passkey) => passkey.name));
    const record = this.#recordOf(await this.#newSlot(passphrase, signal), nameWhileRotating(old.name, taken));
    await this.#perform(stepsToRotate(this.#catalog.passkeys.list(), old.slotId, record.slotId), {
      record,
      passphrase,
      signal,
      onUse: () => {
        this.#catalog.passkeys.change(old.slotId, { name: nameOfRotated(old.name, this.#options.wallClock(), taken) });
        this.#catalog.passkeys.change(record.slotId, { name: old.name });
      },
    });
    this.#options.onChanged(old.slotId);
    return { passkey: this.#described(record.slotId), previous: this.#described(old.slotId) };
  }

  /** Refusals by rule of `rotate`. */
  checkRotate(reference: string): void {
    const old = this.resolve(reference);
    stepsToRotate(this.#catalog.passkeys.list(), old.slotId, old.slotId);
  }

  /** Refusals by rule of `retire`, then `confirmationNeeded`. */
  checkRetire(reference: string, confirmed: boolean): readonly PasskeyStep[] {
    return stepsToRetire(this.#catalog.passkeys.list(), this.resolve(reference).slotId, confirmed);
  }

  async retire(reference: string, confirmed: boolean, signal: AbortSignal): Promise<Passkey> {
    const { slotId } = this.resolve(reference);
    await this.#perform(this.checkRetire(reference, confirmed), { signal });
    return this.#described(slotId);
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

  /** Takes the steps one after the other, each durable before the next begins. */
  async #perform(steps: readonly PasskeyStep[], given: StepContext): Promise<void> {
    const { passkeys } = this.#catalog;
    for (const step of steps) {
      switch (step.step) {
        case 'record':
          if (given.record !== undefined) this.#change(() => given.record !== undefined && passkeys.add(given.record));
          break;
        case 'publish':
          await this.#options.deliver(given.signal);
          break;
        case 'verify':
          await this.#verifyRecorded(step.slotId, given);
          break;
        case 'use':
          this.#catalog.transaction(() => {
            passkeys.use(step.slotId);
            given.onUse?.();
          });
          break;
        case 'retire':
          this.#change(() => passkeys.change(step.slotId, { state: 'retired' }));
          break;
      }
      if ('slotId' in step) this.#options.onChanged(step.slotId);
    }
  }

  /** Slots and the mark that every keyring is behind change in one transaction. */
  #change(work: () => unknown): void {
    this.#catalog.transaction(() => {
      work();
      this.#options.keyringChanged();
    });
  }

  /** Opens the slot as it was written. What does not open is `failing`, and nothing depends on it. */
  async #verifyRecorded(slotId: SlotId, { passphrase, signal }: StepContext): Promise<void> {
    if (passphrase === undefined) return;
    const { masterKey } = this.#options.keys;
    const slot = slotOf(slotId, this.#known(slotId).slot);
    const opened = slot.kind === 'passphrase' ? await this.#open(slot, passphrase, masterKey.masterKeyId, signal) : undefined;
    if (opened === undefined) {
      this.#isFailing(slotId);
      throw new HoldfastError('failed', 'Failed to make the passkey: what was written does not open the master key.', {
        fix: 'Retire it and add another one.',
      });
    }
    opened[Symbol.dispose]();
    this.#catalog.passkeys.change(slotId, { state: 'ready', verifiedAt: this.#now() });
  }

  #isFailing(slotId: SlotId): void {
    this.#catalog.passkeys.change(slotId, { state: 'failing' });
    this.#options.onChanged(slotId);
  }

  #recordOf(slot: PassphraseSlot, name: string): PasskeyRecord {
    const { slotId, kind, createdAt } = slot;
    return { slotId, name, kind, slot: JSON.stringify(slot), state: 'unverified', inUse: false, createdAt, verifiedAt: null };
  }

  #newSlot(passphrase: Uint8Array, signal: AbortSignal): Promise<PassphraseSlot> {
    const { scrypt, wallClock, keys } = this.#options;
    return wrapWithPassphrase({ masterKey: keys.masterKey, passphrase, scrypt, createdAt: wallClock(), signal });
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

  #described(slotId: SlotId): Passkey {
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
