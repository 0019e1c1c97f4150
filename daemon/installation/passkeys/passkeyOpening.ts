import { HoldfastError } from '../../../protocol/errors.ts';
import type { SlotId } from '../../../protocol/ids.ts';
import type { PasskeyState } from '../../../protocol/methods/passkeys.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { MasterKey } from '../../keys/masterKey.ts';
import { wrongPassphrase } from '../../keys/passkeys/passphrase.ts';
import type { AwsKmsSlot, Slot } from '../../keys/slot.ts';
import type { UnlockDelay } from '../../keys/unlockDelay.ts';
import { slotOf } from '../slotOf.ts';
import { aliasOwner } from './aliasOwner.ts';
import { knownPasskey, resolvePasskey } from './findPasskey.ts';
import { factsIn } from './passkeyRow.ts';
import { newServiceKey, type Opening, type SlotKeys } from './slotKeys.ts';

export interface PasskeyOpeningOptions {
  readonly catalog: Catalog;
  readonly slotKeys: SlotKeys;
  readonly delay: UnlockDelay;
  readonly wallClock: () => Date;
  readonly onChanged: (slotId: SlotId) => void;
}

/** Opens the master key with passkeys, and writes down of each how that went. */
export class PasskeyOpening {
  readonly #options: PasskeyOpeningOptions;
  readonly #catalog: Catalog;

  constructor(options: PasskeyOpeningOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
  }

  /**
   * Unwraps the master key: with the slot that is named, or with the one in use and then the others. A passphrase is tried on passphrases only; without one,
   * KMS and Vault are asked. Throws `wrongSecret`, after a delay that grows with every wrong one; `keyServiceRefused`, `keyServiceUnavailable` of the
   * first that was asked.
   */
  async unwrap(opening: Opening, reference: string | undefined, signal: AbortSignal): Promise<MasterKey> {
    const installation = this.#catalog.installation.get();
    if (installation === undefined)
      throw new HoldfastError('notSetUp', 'Failed to unlock: nothing is set up here.', { fix: 'Run "holdfast init".' });
    const named = reference === undefined ? this.#inOrder() : [resolvePasskey(this.#catalog.passkeys, reference)];
    const candidates = named.filter(
      ({ kind, state }) => state !== 'retired' && (kind === 'passphrase') === (opening.passphrase !== undefined),
    );
    if (opening.passphrase === undefined) {
      const asked = candidates.filter(({ kind }) => reference !== undefined || kind === (opening.access?.kind ?? kind));
      return await this.#askServices(asked, opening, signal);
    }
    return await this.#options.delay.attempt(async () => {
      for (const record of candidates) {
        const masterKey = await this.#open(slotOf(record.slotId, record.slot), opening, signal);
        if (masterKey === undefined) continue;
        this.#isReady(record.slotId);
        return masterKey;
      }
      throw wrongPassphrase();
    }, signal);
  }

  /** Names of the passkeys that open without anybody there, in the order in which they are asked. */
  services(): readonly string[] {
    return this.#inOrder().flatMap(({ kind, state, name }) => (kind === 'passphrase' || state === 'retired' ? [] : [name]));
  }

  /** One after the other: which of them fails in what way is told of the first, and written down of each. */
  async #askServices(candidates: readonly PasskeyRecord[], opening: Opening, signal: AbortSignal): Promise<MasterKey> {
    let first: unknown;
    for (const record of candidates) {
      try {
        const masterKey = await this.#open(slotOf(record.slotId, record.slot), opening, signal);
        if (masterKey === undefined) continue;
        this.#isReady(record.slotId);
        return masterKey;
      } catch (error) {
        signal.throwIfAborted();
        // A login that somebody brought, and one in place of what is sealed, say nothing of the slot.
        if (opening.access === undefined && !this.#options.slotKeys.isSealed(record.slotId)) this.#noteFailure(record.slotId, error);
        first ??= error;
      }
    }
    if (first !== undefined) throw first;
    throw HoldfastError.failedTo('wrongSecret', 'unlock', 'a passphrase is needed', { fix: 'Type the passphrase of a passkey.' });
  }

  /** Whether this opens any slot; the key that it gives is dropped at once. Throws as `unwrap` does. */
  async prove(opening: Opening, signal: AbortSignal): Promise<void> {
    const masterKey = await this.unwrap(opening, undefined, signal);
    masterKey[Symbol.dispose]();
  }

  /** Whether an opening without a passphrase is no step-up: what a key service gives, malware of the same user gets too. */
  get isPassphraseNeeded(): boolean {
    return this.#catalog.passkeys.list().some(({ kind, state }) => kind === 'passphrase' && state === 'ready');
  }

  /** A passphrase, or a fresh unwrap at a key service where no passkey is a passphrase. Throws as `unwrap` does. */
  async proveForStepUp(passphrase: Uint8Array | undefined, signal: AbortSignal): Promise<void> {
    if (passphrase === undefined && this.isPassphraseNeeded) {
      throw HoldfastError.failedTo('wrongSecret', 'prove who you are', 'a passphrase is needed', {
        fix: 'Type the passphrase of a passkey.',
      });
    }
    await this.prove({ passphrase }, signal);
  }

  /**
   * Opens this very slot with its own secret, or at its key service. A login that was brought and opened it is kept. Errors: `wrongSecret`, `refusedByRule` (retired), `damaged`, `catalogDamaged`,
   * `keyServiceRefused` (the slot is `failing` from then on), `keyServiceUnavailable`.
   */
  async verify(reference: string, opening: Opening, signal: AbortSignal): Promise<void> {
    const record = resolvePasskey(this.#catalog.passkeys, reference);
    if (record.state === 'retired') {
      throw new HoldfastError('refusedByRule', `Failed to verify passkey ${record.name}: it is retired.`, { fix: 'Add a new passkey.' });
    }
    if (record.kind === 'passphrase' && opening.passphrase === undefined) throw passphraseNeeded(record.name);
    try {
      const masterKey = await this.unwrap(opening, record.slotId, signal);
      masterKey[Symbol.dispose]();
      this.#keepLogin(slotOf(record.slotId, record.slot), opening);
      await this.#look(record, opening, signal);
    } catch (error) {
      // A wrong passphrase says nothing of the slot.
      if (HoldfastError.is(error, 'damaged', 'catalogDamaged')) this.#isFailing(record.slotId);
      // Who ended the key outside, and until when that can be undone, is in what the service says of it.
      if (HoldfastError.is(error, 'keyServiceRefused')) await this.#look(record, opening, signal);
      throw error;
    }
    this.#options.onChanged(record.slotId);
  }

  /** Opens the slot as it was written. What does not open is `failing`, and nothing depends on it. */
  async proveRecorded(slotId: SlotId, opening: Opening, signal: AbortSignal): Promise<void> {
    let opened: MasterKey | undefined;
    try {
      opened = await this.#open(slotOf(slotId, knownPasskey(this.#catalog.passkeys, slotId).slot), opening, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#noteFailure(slotId, error);
      throw error;
    }
    if (opened === undefined) {
      this.#isFailing(slotId);
      throw new HoldfastError('failed', 'Failed to make the passkey: what was written does not open the master key.', {
        fix: 'Retire it and add another one.',
      });
    }
    opened[Symbol.dispose]();
    this.#isReady(slotId);
  }

  #isReady(slotId: SlotId): void {
    const now = this.#now();
    this.#catalog.transaction(() => {
      this.#changeKept(slotId, { state: 'ready', verifiedAt: now });
      if (this.#catalog.serviceKeys.get(slotId) !== undefined)
        this.#catalog.serviceKeys.change(slotId, { problem: null, problemSince: null, checkedAt: now });
    });
  }

  /** What waiting can cure leaves a verified slot verified. Nothing that fails is ever taken away by this program. */
  #noteFailure(slotId: SlotId, error: unknown): void {
    if (!HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable')) return;
    const { problem, until = null, command = null } = error.details ?? {};
    // That nobody was asked, since this machine does not know how, says nothing of the slot.
    if (problem === undefined) return;
    const known = this.#catalog.serviceKeys.get(slotId);
    if (known !== undefined) {
      const noted = JSON.stringify({ kind: problem, reason: error.reason, fix: error.fix ?? '', until, command });
      const problemSince = known.problemSince ?? this.#now();
      this.#catalog.serviceKeys.change(slotId, { problem: noted, problemSince, checkedAt: this.#now() });
    }
    if (error.code === 'keyServiceRefused') this.#isFailing(slotId);
    else this.#options.onChanged(slotId);
  }

  /** A passkey is reached from now on as it was opened: a login that was brought takes the place of the one that is known, where there is one. */
  #keepLogin(slot: Slot, opening: Opening): void {
    if (opening.access === undefined || slot.kind === 'passphrase') return;
    const { access, credentials } = this.#options.slotKeys.login(slot, opening);
    const { serviceKeys } = this.#catalog;
    if (serviceKeys.get(slot.slotId) === undefined) serviceKeys.add(newServiceKey(slot.slotId, access, null), credentials);
    else this.#catalog.transaction(() => serviceKeys.setLogin(slot.slotId, JSON.stringify(access), credentials));
  }

  /** Looks at the key outside. That it can not be looked at is no failure of a slot that opens. */
  async #look(record: PasskeyRecord, opening: Opening, signal: AbortSignal): Promise<void> {
    const slot = slotOf(record.slotId, record.slot);
    if (slot.kind === 'passphrase') return;
    const facts = await this.#options.slotKeys.look(slot, opening, signal);
    const known = factsIn(this.#catalog.serviceKeys.get(record.slotId));
    if (facts === undefined || this.#catalog.serviceKeys.get(record.slotId) === undefined) return;
    // The slot names the ARN; only the first look had the alias.
    const alias = known?.kind === 'awsKms' && slot.kind === 'awsKms' ? await this.#keptAlias(slot, known.alias, opening, signal) : null;
    const kept = facts.kind === 'awsKms' ? { ...facts, alias } : facts;
    this.#catalog.serviceKeys.change(record.slotId, { facts: JSON.stringify(kept) });
  }

  /** An alias is a key's for as long as it names that. Where nobody can tell, it stays. */
  async #keptAlias(slot: AwsKmsSlot, alias: string | null, opening: Opening, signal: AbortSignal): Promise<string | null> {
    if (alias === null) return null;
    try {
      const owner = await aliasOwner(alias, slot.reference, this.#options.slotKeys.reach(slot, opening, signal));
      return owner.is === 'old' ? alias : null;
    } catch (error) {
      signal.throwIfAborted();
      if (HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable')) return alias;
      throw error;
    }
  }

  #isFailing(slotId: SlotId): void {
    this.#changeKept(slotId, { state: 'failing' });
    this.#options.onChanged(slotId);
  }

  /** What a verification found. One that was retired while a key service was asked stays so. */
  #changeKept(slotId: SlotId, changes: { readonly state: PasskeyState; readonly verifiedAt?: string }): void {
    if (knownPasskey(this.#catalog.passkeys, slotId).state !== 'retired') this.#catalog.passkeys.change(slotId, changes);
  }

  async #open(slot: Slot, opening: Opening, signal: AbortSignal): Promise<MasterKey | undefined> {
    const installation = this.#catalog.installation.get();
    if (installation === undefined) return undefined;
    const masterKey = await this.#options.slotKeys.open(installation.installationId, slot, opening, signal);
    if (masterKey === undefined || masterKey.hasId(installation.masterKeyId)) return masterKey;
    masterKey[Symbol.dispose]();
    return undefined;
  }

  #inOrder(): readonly PasskeyRecord[] {
    return this.#catalog.passkeys.list().toSorted((a, b) => Number(b.inUse) - Number(a.inUse));
  }

  #now(): string {
    return this.#options.wallClock().toISOString();
  }
}

export function passphraseNeeded(name: string): HoldfastError {
  return HoldfastError.failedTo('badValue', `use passkey ${name}`, 'it is a passphrase, and none was given', {
    fix: 'Give the passphrase.',
  });
}
