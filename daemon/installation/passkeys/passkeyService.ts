import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationId, SlotId } from '../../../protocol/ids.ts';
import type { Page, PageParams } from '../../../protocol/method.ts';
import type { Passkey, PasskeyCheckResult, PasskeyGate, PasskeyState } from '../../../protocol/methods/passkeys.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';
import { targetOf } from '../../keys/agent/runKeyAgent.ts';
import type { GateDecision } from '../../keys/gate/retirementGate.ts';
import { mostSlots } from '../../keys/keyring.ts';
import type { MasterKey } from '../../keys/masterKey.ts';
import { type PasskeyStep, stepsToAdd, stepsToRetire, stepsToRotate, stepsToUse } from '../../keys/passkeyStates.ts';
import { wrongPassphrase } from '../../keys/passkeys/passphrase.ts';
import { actOnKey } from '../../keys/passkeys/serviceSlot.ts';
import type { Slot } from '../../keys/slot.ts';
import type { UnlockDelay } from '../../keys/unlockDelay.ts';
import type { KeyHolder } from '../keyHolder.ts';
import { pageOfArray } from '../pageOfArray.ts';
import { resolveReference } from '../reference.ts';
import { nameOfRotated, nameWhileRotating } from '../rotatedName.ts';
import { readableSlot, slotOf } from '../slotOf.ts';
import { checkServiceKey } from './checkServiceKey.ts';
import { commandsToEnd, deletionDays, neededMinimum } from './endingCommands.ts';
import { GateFacts } from './gateFacts.ts';
import { factsIn, isSealedAlone, passkeyRow } from './passkeyRow.ts';
import { prepareSuccessor } from './serviceRotation.ts';
import { newServiceKey, type NewSlotKey, type Opening, openingOf, type ServiceSlotKey, type SlotKeys } from './slotKeys.ts';
import { stillNeeded } from './stillNeeded.ts';

export interface PasskeyServiceOptions {
  readonly catalog: Catalog;
  readonly keys: KeyHolder;
  readonly slotKeys: SlotKeys;
  readonly delay: UnlockDelay;
  readonly wallClock: () => Date;
  /** Marks the keyring as changed; called within the transaction that changes the slots. */
  readonly keyringChanged: () => void;
  /** Brings the changed keyring to every location that can be reached. */
  readonly deliver: (signal: AbortSignal) => Promise<void>;
  readonly onChanged: (slotId: SlotId) => void;
  /** The earliest that it can be at the store of a location with locks. */
  readonly storeTime: (locationId: LocationId, signal: AbortSignal) => Promise<Date>;
}

/** A rotation that came to its end. */
export interface Rotated {
  readonly passkey: Passkey;
  readonly previous: Passkey;
  readonly gate: PasskeyGate;
  readonly steps: readonly string[];
}

/** What the steps of one change need. */
interface StepContext {
  /** Writes the new slot's rows. */
  readonly record?: () => void;
  /** What opens the new slot. */
  readonly opening?: Opening;
  readonly signal: AbortSignal;
  /** Within the transaction that puts the new slot in use. */
  readonly onUse?: () => void;
}

/** Passkeys as the user knows them. A change goes in the steps of keys/passkeyStates.ts, so that at each point at least one slot opens the master key. */
export class PasskeyService {
  readonly #options: PasskeyServiceOptions;
  readonly #catalog: Catalog;
  readonly #gates: GateFacts;

  constructor(options: PasskeyServiceOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
    this.#gates = new GateFacts(options.catalog);
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
   * Unwraps the master key: with the slot that is named, or with the one in use and then the others. A passphrase is tried on passphrases only; without one,
   * KMS and Vault are asked. Throws `wrongSecret`, after a delay that grows with every wrong one; `keyServiceRefused`, `keyServiceUnavailable` of the
   * first that was asked.
   */
  async unwrap(opening: Opening, reference: string | undefined, signal: AbortSignal): Promise<MasterKey> {
    const installation = this.#catalog.installation.get();
    if (installation === undefined)
      throw new HoldfastError('notSetUp', 'Failed to unlock: nothing is set up here.', { fix: 'Run "holdfast init".' });
    const named = reference === undefined ? this.#inOrder() : [this.resolve(reference)];
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

  /**
   * A passphrase, or a fresh unwrap at a key service where no passkey is a passphrase: malware of the same user can have the latter too, which the docs say.
   * Throws as `unwrap` does.
   */
  async proveForStepUp(passphrase: Uint8Array | undefined, signal: AbortSignal): Promise<void> {
    const hasPassphrase = this.#catalog.passkeys.list().some(({ kind, state }) => kind === 'passphrase' && state === 'ready');
    if (passphrase === undefined && hasPassphrase) {
      throw HoldfastError.failedTo('wrongSecret', 'prove who you are', 'a passphrase is needed', {
        fix: 'Type the passphrase of a passkey.',
      });
    }
    await this.prove({ passphrase }, signal);
  }

  /** Looks at a key outside before it is trusted; saves nothing. */
  async check(key: ServiceSlotKey, signal: AbortSignal): Promise<PasskeyCheckResult> {
    return await checkServiceKey(key, this.#options.slotKeys, signal);
  }

  /** Errors: `nameTaken`, `badValue`, `keyServiceRefused`, `keyServiceUnavailable`. */
  async add(name: string, key: NewSlotKey, useNow: boolean, signal: AbortSignal): Promise<Passkey> {
    this.#refuseTaken(name);
    this.#refuseFull();
    const facts = await this.#factsOf(key, signal);
    const slot = await this.#options.slotKeys.make(key, this.#options.keys.masterKey, signal);
    const record = (): void => this.#record(slot, name, key, { facts, replaces: null, rotateEveryDays: null });
    const steps = stepsToAdd(this.#catalog.passkeys.list(), slot.slotId, useNow);
    await this.#perform(steps, { record, opening: openingOf(key), signal });
    return this.#described(slot.slotId);
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

  /**
   * Opens this very slot with its own secret, or at its key service. Errors: `wrongSecret`, `refusedByRule` (retired), `damaged`, `catalogDamaged`,
   * `keyServiceRefused` (the slot is `failing` from then on), `keyServiceUnavailable`.
   */
  async verify(reference: string, opening: Opening, signal: AbortSignal): Promise<Passkey> {
    const record = this.resolve(reference);
    if (record.state === 'retired') {
      throw new HoldfastError('refusedByRule', `Failed to verify passkey ${record.name}: it is retired.`, { fix: 'Add a new passkey.' });
    }
    if (record.kind === 'passphrase' && opening.passphrase === undefined) throw passphraseNeeded(record.name);
    try {
      const masterKey = await this.unwrap(opening, record.slotId, signal);
      masterKey[Symbol.dispose]();
      this.#keepAccess(record.slotId, opening);
      await this.#look(record, opening, signal);
    } catch (error) {
      // A wrong passphrase says nothing of the slot.
      if (HoldfastError.is(error, 'damaged', 'catalogDamaged')) this.#isFailing(record.slotId);
      // Who ended the key outside, and until when that can be undone, is in what the service says of it.
      if (HoldfastError.is(error, 'keyServiceRefused')) await this.#look(record, opening, signal);
      throw error;
    }
    this.#options.onChanged(record.slotId);
    return this.describe(this.#known(record.slotId));
  }

  /** A new slot takes the name and is in use; the old one goes on under another name until it is retired. Throws `badValue` (a passphrase is needed). */
  async rotate(
    reference: string,
    how: { readonly passphrase?: Uint8Array | undefined; readonly everyDays?: number | null | undefined },
    signal: AbortSignal,
  ): Promise<Rotated> {
    const old = this.resolve(reference);
    this.checkRotate(reference);
    const oldSlot = slotOf(old.slotId, old.slot);
    if (oldSlot.kind === 'passphrase') {
      if (how.passphrase === undefined) throw passphraseNeeded(old.name);
      return await this.#replace(
        old,
        { kind: 'passphrase', passphrase: how.passphrase },
        { steps: [], facts: null, rotateEveryDays: null },
        signal,
      );
    }
    const service = this.#catalog.serviceKeys.get(old.slotId);
    const oldFacts = factsIn(service);
    const alias = oldFacts?.kind === 'awsKms' ? oldFacts.alias : null;
    const rotateEveryDays = how.everyDays === undefined ? (service?.rotateEveryDays ?? null) : how.everyDays;
    const reach = this.#options.slotKeys.reach(oldSlot, {}, signal);
    const { target, facts, steps } = await prepareSuccessor(oldSlot, alias, reach);
    const key: NewSlotKey = {
      kind: 'service',
      target,
      access: reach.access,
      credentials: this.#catalog.serviceKeys.credentials(old.slotId) ?? undefined,
    };
    return await this.#replace(old, key, { steps, facts, rotateEveryDays }, signal);
  }

  /** Makes the new slot, or goes on with the one that a rotation before left unfinished. */
  async #replace(
    old: PasskeyRecord,
    key: NewSlotKey,
    {
      steps,
      facts,
      rotateEveryDays,
    }: { readonly steps: readonly string[]; readonly facts: KeyFacts | null; readonly rotateEveryDays: number | null },
    signal: AbortSignal,
  ): Promise<Rotated> {
    const passkeys = this.#catalog.passkeys.list();
    const begun = passkeys.find(
      ({ slotId, state }) =>
        (state === 'unverified' || state === 'ready') && this.#catalog.serviceKeys.get(slotId)?.replaces === old.slotId,
    );
    if (begun === undefined) this.#refuseFull();
    const taken = new Set(passkeys.map((passkey) => passkey.name));
    const slot =
      begun === undefined ? await this.#options.slotKeys.make(key, this.#options.keys.masterKey, signal) : slotOf(begun.slotId, begun.slot);
    const record = (): void => {
      if (begun === undefined)
        this.#record(slot, nameWhileRotating(old.name, taken), key, { facts, replaces: old.slotId, rotateEveryDays });
    };
    await this.#perform(
      stepsToRotate(
        passkeys.filter((passkey) => passkey !== begun),
        old.slotId,
        slot.slotId,
      ),
      {
        record,
        opening: openingOf(key),
        signal,
        onUse: () => {
          this.#catalog.passkeys.change(old.slotId, { name: nameOfRotated(old.name, this.#mark(old), taken) });
          this.#catalog.passkeys.change(slot.slotId, { name: old.name });
          if (slot.kind === 'passphrase') return;
          this.#catalog.serviceKeys.change(slot.slotId, { replaces: null });
          this.#catalog.serviceKeys.change(old.slotId, { rotateEveryDays: null });
        },
      },
    );
    this.#options.onChanged(old.slotId);
    return {
      passkey: this.#described(slot.slotId),
      previous: this.#described(old.slotId),
      gate: await this.gate(old.slotId, signal),
      steps: [...steps, `The new passkey is verified and in use; the old one is ${this.#known(old.slotId).name}.`],
    };
  }

  /** What stands behind the name of the old slot: the version of its Vault key, else the day. */
  #mark(old: PasskeyRecord): string {
    const slot = slotOf(old.slotId, old.slot);
    return slot.kind === 'vaultTransit' ? `v${slot.reference.version}` : this.#now().slice(0, 10);
  }

  /** Has a passkey rotate by itself. Errors: `unknownName`, `refusedByRule` (a passphrase, or retired). */
  schedule(reference: string, everyDays: number | null): Passkey {
    const record = this.resolve(reference);
    if (record.kind === 'passphrase' || record.state === 'retired') {
      const cause = record.state === 'retired' ? 'it is retired' : 'a new passphrase has to be kept by somebody';
      throw HoldfastError.failedTo('refusedByRule', `have passkey ${record.name} rotate by itself`, cause, { fix: 'Rotate it by hand.' });
    }
    this.#catalog.serviceKeys.change(record.slotId, { rotateEveryDays: everyDays });
    this.#options.onChanged(record.slotId);
    return this.#described(record.slotId);
  }

  /** Refusals by rule of `rotate`. */
  checkRotate(reference: string): void {
    const old = this.resolve(reference);
    stepsToRotate(this.#catalog.passkeys.list(), old.slotId, old.slotId);
  }

  /** What still needs a passkey, by the clocks of the stores. */
  async gate(reference: string, signal: AbortSignal): Promise<PasskeyGate> {
    const record = this.resolve(reference);
    return this.#gateResult(record, await this.#decide(record.slotId, signal));
  }

  /** Refusals by rule of `retire`, then `confirmationNeeded`. */
  checkRetire(reference: string, confirmed: boolean): readonly PasskeyStep[] {
    return stepsToRetire(this.#catalog.passkeys.list(), this.resolve(reference).slotId, confirmed);
  }

  /**
   * Errors: as `checkRetire`, and `refusedByRule` while what is locked needs the key outside. New keyrings leave the slot out from then on: the lock of the
   * newest one is extended for as long as it is the newest, and the date would never come.
   */
  async retire(
    reference: string,
    { confirmed, outside = 'leave' }: { readonly confirmed: boolean; readonly outside?: 'leave' | 'end' | undefined },
    signal: AbortSignal,
  ): Promise<Passkey> {
    const record = this.resolve(reference);
    const steps = this.checkRetire(reference, confirmed);
    const decision = await this.#decide(record.slotId, signal);
    if (steps.length > 0 && !decision.allowed) {
      await this.#leaveKeyrings(record.slotId, signal);
      throw stillNeeded(record, await this.#decide(record.slotId, signal));
    }
    await this.#perform(steps, { signal });
    // Asked once more for what is retired already: it was cut off before the key outside was ended.
    if (outside === 'end' && decision.allowed && decision.endsOutsideKey) await this.#endOutside(record, signal);
    return this.#described(record.slotId);
  }

  describe(record: PasskeyRecord): Passkey {
    const service = this.#catalog.serviceKeys.get(record.slotId);
    return passkeyRow(
      record,
      readableSlot(record.slot),
      service,
      this.#gates.decide(record.slotId),
      isSealedAlone(record.slotId, this.#catalog),
    );
  }

  #decide(slotId: SlotId, signal: AbortSignal): Promise<GateDecision> {
    return this.#gates.decideNow(slotId, this.#options.storeTime, signal);
  }

  #gateResult(record: PasskeyRecord, decision: GateDecision): PasskeyGate {
    const slot = slotOf(record.slotId, record.slot);
    const ends = this.#gates
      .holders()
      .flatMap(({ slotIds, until }) => (slotIds.has(record.slotId) && until !== null ? [until.getTime()] : []));
    const others = this.#othersOf(record.slotId);
    return {
      allowed: decision.allowed,
      from: decision.allowed ? this.#now() : (decision.from?.toISOString() ?? null),
      reasons: decision.reasons.map(({ what, until }) => ({ what, until: until?.toISOString() ?? null })),
      commands:
        decision.allowed && decision.endsOutsideKey ? commandsToEnd(slot, others, this.#options.slotKeys.endpointOf(record.slotId)) : [],
      opensKeyringsUntil: ends.length === 0 ? null : new Date(Math.max(...ends)).toISOString(),
    };
  }

  /** The slot is retired already: what fails here is for somebody else to do, and the error says how. */
  async #endOutside(record: PasskeyRecord, signal: AbortSignal): Promise<void> {
    const slot = slotOf(record.slotId, record.slot);
    if (slot.kind === 'passphrase') return;
    const reach = this.#options.slotKeys.reach(slot, {}, signal);
    const minimum = neededMinimum(slot, this.#othersOf(record.slotId));
    if (slot.kind === 'awsKms') await actOnKey(targetOf(slot), { act: 'scheduleDeletion', days: deletionDays }, reach);
    else if (minimum !== undefined) await actOnKey(targetOf(slot), { act: 'raiseMinimum', version: minimum }, reach);
  }

  #othersOf(slotId: SlotId): readonly Slot[] {
    return this.#catalog.passkeys
      .list()
      .flatMap((one) => (one.slotId === slotId || one.state === 'retired' ? [] : (readableSlot(one.slot) ?? [])));
  }

  async #leaveKeyrings(slotId: SlotId, signal: AbortSignal): Promise<void> {
    const { serviceKeys } = this.#catalog;
    if (serviceKeys.get(slotId)?.leftKeyringsAt === null) {
      this.#change(() => serviceKeys.change(slotId, { leftKeyringsAt: this.#now() }));
      this.#options.onChanged(slotId);
    }
    await this.#options.deliver(signal);
  }

  /** Takes the steps one after the other, each durable before the next begins. */
  async #perform(steps: readonly PasskeyStep[], given: StepContext): Promise<void> {
    const { passkeys } = this.#catalog;
    for (const step of steps) {
      switch (step.step) {
        case 'record':
          this.#change(() => given.record?.());
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
  async #verifyRecorded(slotId: SlotId, { opening, signal }: StepContext): Promise<void> {
    if (opening === undefined) return;
    let opened: MasterKey | undefined;
    try {
      opened = await this.#open(slotOf(slotId, this.#known(slotId).slot), opening, signal);
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

  /** A passkey that came back from a keyring is reached from now on as it was opened: no keyring says how. */
  #keepAccess(slotId: SlotId, { access, credentials }: Opening): void {
    if (access === undefined || this.#catalog.serviceKeys.get(slotId) !== undefined) return;
    this.#catalog.serviceKeys.add(newServiceKey(slotId, access, null), credentials);
  }

  /** Looks at the key outside. That it can not be looked at is no failure of a slot that opens. */
  async #look(record: PasskeyRecord, opening: Opening, signal: AbortSignal): Promise<void> {
    const slot = slotOf(record.slotId, record.slot);
    if (slot.kind === 'passphrase') return;
    const facts = await this.#options.slotKeys.look(slot, opening, signal);
    const known = factsIn(this.#catalog.serviceKeys.get(record.slotId));
    if (facts === undefined || this.#catalog.serviceKeys.get(record.slotId) === undefined) return;
    // The slot names the ARN; only the first look had the alias.
    const kept = facts.kind === 'awsKms' && known?.kind === 'awsKms' ? { ...facts, alias: known.alias } : facts;
    this.#catalog.serviceKeys.change(record.slotId, { facts: JSON.stringify(kept) });
  }

  #isFailing(slotId: SlotId): void {
    this.#changeKept(slotId, { state: 'failing' });
    this.#options.onChanged(slotId);
  }

  /** What a verification found. One that was retired while a key service was asked stays so. */
  #changeKept(slotId: SlotId, changes: { readonly state: PasskeyState; readonly verifiedAt?: string }): void {
    if (this.#known(slotId).state !== 'retired') this.#catalog.passkeys.change(slotId, changes);
  }

  #record(
    slot: Slot,
    name: string,
    key: NewSlotKey,
    service: { readonly facts: KeyFacts | null; readonly replaces: SlotId | null; readonly rotateEveryDays: number | null },
  ): void {
    const { slotId, kind, createdAt } = slot;
    this.#catalog.passkeys.add({
      slotId,
      name,
      kind,
      slot: JSON.stringify(slot),
      state: 'unverified',
      inUse: false,
      createdAt,
      verifiedAt: null,
    });
    if (key.kind === 'passphrase') return;
    const { facts, ...more } = service;
    this.#catalog.serviceKeys.add(newServiceKey(slotId, key.access, facts, more), key.credentials);
  }

  async #factsOf(key: NewSlotKey, signal: AbortSignal): Promise<KeyFacts | null> {
    return key.kind === 'passphrase' ? null : await this.#options.slotKeys.describe(key, signal);
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

function passphraseNeeded(name: string): HoldfastError {
  return HoldfastError.failedTo('badValue', `use passkey ${name}`, 'it is a passphrase, and none was given', {
    fix: 'Give the passphrase.',
  });
}
