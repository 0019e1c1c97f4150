import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationId, SlotId } from '../../../protocol/ids.ts';
import { shellWord } from '../../../protocol/wording.ts';
import type { Page, PageParams } from '../../../protocol/method.ts';
import type { Passkey, PasskeyCheckResult, PasskeyGate, RetiredPasskey } from '../../../protocol/methods/passkeys.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';
import type { GateDecision } from '../../keys/gate/retirementGate.ts';
import { mostSlots } from '../../keys/keyring.ts';
import type { MasterKey } from '../../keys/masterKey.ts';
import { type PasskeyStatus, refuseToRotate, stepsToAdd, stepsToRotate, stepsToUse } from '../../keys/passkeyStates.ts';
import type { Slot } from '../../keys/slot.ts';
import type { UnlockDelay } from '../../keys/unlockDelay.ts';
import type { KeyHolder } from '../keyHolder.ts';
import { pageOfArray } from '../pageOfArray.ts';
import { passkeyStatus } from '../passkeyStatus.ts';
import { nameOfRotated, nameWhileRotating } from '../rotatedName.ts';
import { readableSlot, slotOf } from '../slotOf.ts';
import { Turns } from '../turns.ts';
import { unknownSlotsIn } from '../unknownSlots.ts';
import { checkServiceKey } from './checkServiceKey.ts';
import { knownPasskey, resolvePasskey } from './findPasskey.ts';
import { GateFacts, type GateView } from './gateFacts.ts';
import { gateReport } from './gateReport.ts';
import { PasskeyOpening, passphraseNeeded } from './passkeyOpening.ts';
import { factsIn, isSealedAlone, passkeyRow } from './passkeyRow.ts';
import { PasskeyRetirement } from './passkeyRetirement.ts';
import { PasskeySteps } from './passkeySteps.ts';
import { prepareSuccessor } from './serviceRotation.ts';
import { newServiceKey, type NewSlotKey, type Opening, openingOf, type ServiceSlotKey, type SlotKeys } from './slotKeys.ts';

export interface PasskeyServiceOptions {
  readonly catalog: Catalog;
  readonly keys: KeyHolder;
  readonly slotKeys: SlotKeys;
  readonly delay: UnlockDelay;
  readonly wallClock: () => Date;
  /** Marks the keyring as changed; called within the transaction that changes the slots. */
  readonly keyringChanged: () => void;
  /** Called within the transaction that adds a slot. Throws `refusedByRule` where a keyring has no room for it. */
  readonly assertRoom: () => void;
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

/** Passkeys as the user knows them. A change goes in the steps of keys/passkeyStates.ts, so that at each point at least one slot opens the master key. */
export class PasskeyService {
  readonly #options: PasskeyServiceOptions;
  readonly #catalog: Catalog;
  readonly #gates: GateFacts;
  readonly #opening: PasskeyOpening;
  readonly #steps: PasskeySteps;
  readonly #retirement: PasskeyRetirement;
  /** Changes go one after the other: what one of them decides by is still so when it acts. */
  readonly #turns: Turns = new Turns();

  constructor(options: PasskeyServiceOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
    this.#gates = new GateFacts(options.catalog);
    this.#opening = new PasskeyOpening(options);
    this.#steps = new PasskeySteps({ ...options, opening: this.#opening });
    this.#retirement = new PasskeyRetirement({ ...options, gates: this.#gates, steps: this.#steps });
  }

  /** As `resolvePasskey`. */
  resolve(reference: string): PasskeyRecord {
    return resolvePasskey(this.#catalog.passkeys, reference);
  }

  /** As `PasskeyOpening.unwrap`. */
  async unwrap(opening: Opening, reference: string | undefined, signal: AbortSignal): Promise<MasterKey> {
    return await this.#opening.unwrap(opening, reference, signal);
  }

  /** As `PasskeyOpening.services`. */
  services(): readonly string[] {
    return this.#opening.services();
  }

  /** As `PasskeyOpening.prove`. */
  async prove(opening: Opening, signal: AbortSignal): Promise<void> {
    await this.#opening.prove(opening, signal);
  }

  /** As `PasskeyOpening.isPassphraseNeeded`. */
  get isPassphraseNeeded(): boolean {
    return this.#opening.isPassphraseNeeded;
  }

  /** As `PasskeyOpening.proveForStepUp`. */
  async proveForStepUp(passphrase: Uint8Array | undefined, signal: AbortSignal): Promise<void> {
    await this.#opening.proveForStepUp(passphrase, signal);
  }

  /** As `PasskeyOpening.verify`. */
  async verify(reference: string, opening: Opening, signal: AbortSignal): Promise<Passkey> {
    const { slotId } = this.resolve(reference);
    await this.#opening.verify(slotId, opening, signal);
    return this.#described(slotId);
  }

  list(page: PageParams): Page<Passkey> {
    const view = this.#gates.read();
    return pageOfArray(this.#catalog.passkeys.list(), page, (record) => this.describe(record, view));
  }

  /** Looks at a key outside before it is trusted; saves nothing. */
  async check(key: ServiceSlotKey, signal: AbortSignal): Promise<PasskeyCheckResult> {
    return await checkServiceKey(key, this.#options.slotKeys, signal);
  }

  /** Errors: `nameTaken`, `badValue`, `keyServiceRefused`, `keyServiceUnavailable`. */
  async add(name: string, key: NewSlotKey, useNow: boolean, signal: AbortSignal): Promise<Passkey> {
    using _ = await this.#turns.take(signal);
    this.#refuseTaken(name);
    this.#refuseFull();
    const facts = await this.#factsOf(key, signal);
    const slot = await this.#options.slotKeys.make(key, this.#options.keys.masterKey, signal);
    const record = (): void => this.#record(slot, name, key, { facts, replaces: null, rotateEveryDays: null });
    const steps = stepsToAdd(this.#statuses(), slot.slotId, useNow);
    await this.#steps.perform(steps, { record, opening: openingOf(key), signal });
    return this.#described(slot.slotId);
  }

  /** Refusals by rule of `use`. */
  checkUse(reference: string): void {
    stepsToUse(this.#statuses(), this.resolve(reference).slotId);
  }

  async use(reference: string, signal: AbortSignal): Promise<Passkey> {
    using _ = await this.#turns.take(signal);
    const { slotId } = this.resolve(reference);
    await this.#steps.perform(stepsToUse(this.#statuses(), slotId), { signal });
    return this.#described(slotId);
  }

  /** A new slot takes the name and is in use; the old one goes on under another name until it is retired. Throws `badValue` (a passphrase is needed). */
  async rotate(
    reference: string,
    how: {
      readonly passphrase?: Uint8Array | undefined;
      readonly everyDays?: number | null | undefined;
      /** A passkey that is not in use is followed by one that is not. */
      readonly keepsChoice?: boolean | undefined;
      /** The next KMS key, where the user names it. */
      readonly keyArn?: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<Rotated> {
    using _ = await this.#turns.take(signal);
    const old = this.resolve(reference);
    this.checkRotate(reference);
    const oldSlot = slotOf(old.slotId, old.slot);
    const { keyArn } = how;
    if (keyArn !== undefined && oldSlot.kind !== 'awsKms') throw noKmsKey(old.name);
    if (oldSlot.kind === 'passphrase') {
      if (how.passphrase === undefined) throw passphraseNeeded(old.name);
      return await this.#replace(
        old,
        { kind: 'passphrase', passphrase: how.passphrase },
        { steps: [], facts: null, rotateEveryDays: null, keepsChoice: how.keepsChoice },
        signal,
      );
    }
    const service = this.#catalog.serviceKeys.get(old.slotId);
    const oldFacts = factsIn(service);
    const alias = oldFacts?.kind === 'awsKms' ? oldFacts.alias : null;
    const rotateEveryDays = how.everyDays === undefined ? (service?.rotateEveryDays ?? null) : how.everyDays;
    const reach = this.#options.slotKeys.reach(oldSlot, {}, signal);
    const { target, facts, steps } = await prepareSuccessor({
      slot: oldSlot,
      alias,
      keyArn,
      rotations: this.#catalog.begunRotations,
      reach,
    });
    const key: NewSlotKey = {
      kind: 'service',
      target,
      access: reach.access,
      credentials: this.#catalog.serviceKeys.credentials(old.slotId) ?? undefined,
    };
    return await this.#replace(old, key, { steps, facts, rotateEveryDays, keepsChoice: how.keepsChoice }, signal);
  }

  /** Makes the new slot, or goes on with the one that a rotation before left unfinished. */
  async #replace(
    old: PasskeyRecord,
    key: NewSlotKey,
    {
      steps,
      facts,
      rotateEveryDays,
      keepsChoice,
    }: {
      readonly steps: readonly string[];
      readonly facts: KeyFacts | null;
      readonly rotateEveryDays: number | null;
      readonly keepsChoice: boolean | undefined;
    },
    signal: AbortSignal,
  ): Promise<Rotated> {
    const passkeys = this.#catalog.passkeys.list();
    const cutOff = passkeys.filter(({ replaces, state }) => (state === 'unverified' || state === 'ready') && replaces === old.slotId);
    // Of a passphrase that was typed for a rotation before, nobody has to know any more.
    const begun = key.kind === 'passphrase' ? undefined : cutOff[0];
    const abandoned = key.kind === 'passphrase' ? cutOff.map(({ slotId }) => slotId) : [];
    // One that was made and never opened: what comes in its place is no second one, however often a schedule tries.
    const failed = passkeys.filter(({ replaces, state }) => state === 'failing' && replaces === old.slotId);
    await this.#steps.perform(begun === undefined ? failed.map(({ slotId }) => ({ step: 'retire', slotId })) : [], { signal });
    if (begun === undefined) this.#refuseFull();
    const taken = new Set(passkeys.map((passkey) => passkey.name));
    const slot =
      begun === undefined ? await this.#options.slotKeys.make(key, this.#options.keys.masterKey, signal) : slotOf(begun.slotId, begun.slot);
    const record = (): void => {
      if (begun === undefined)
        this.#record(slot, nameWhileRotating(old.name, taken), key, { facts, replaces: old.slotId, rotateEveryDays });
    };
    await this.#steps.perform(stepsToRotate(this.#statuses(), { oldSlotId: old.slotId, newSlotId: slot.slotId, abandoned, keepsChoice }), {
      record,
      opening: openingOf(key),
      signal,
      onTakeOver: () => {
        this.#catalog.passkeys.change(old.slotId, { name: nameOfRotated(old.name, this.#mark(old), taken) });
        this.#catalog.passkeys.change(slot.slotId, { name: old.name, replaces: null });
        for (const slotId of abandoned) this.#catalog.passkeys.change(slotId, { replaces: slot.slotId });
        if (slot.kind !== 'passphrase') this.#catalog.serviceKeys.change(slot.slotId, { rotateEveryDays });
        if (slot.kind !== 'passphrase') this.#givesWay(old.slotId);
      },
    });
    this.#options.onChanged(old.slotId);
    const { inUse } = knownPasskey(this.#catalog.passkeys, slot.slotId);
    return {
      passkey: this.#described(slot.slotId),
      previous: this.#described(old.slotId),
      gate: await this.gate(old.slotId, signal),
      steps: [
        ...steps,
        `The new passkey is verified${inUse ? ' and in use' : ''}; the old one is ${knownPasskey(this.#catalog.passkeys, old.slotId).name}.`,
      ],
    };
  }

  /** From then on schedule and alias are those of the slot that has come in its place. */
  #givesWay(slotId: SlotId): void {
    const { serviceKeys, begunRotations } = this.#catalog;
    const facts = factsIn(serviceKeys.get(slotId));
    const kept = facts?.kind === 'awsKms' ? { facts: JSON.stringify({ ...facts, alias: null }) } : {};
    serviceKeys.change(slotId, { rotateEveryDays: null, ...kept });
    begunRotations.end(slotId);
  }

  /** What stands behind the name of the old slot: the version of its Vault key, else the day. */
  #mark(old: PasskeyRecord): string {
    const slot = slotOf(old.slotId, old.slot);
    return slot.kind === 'vaultTransit' ? `v${slot.reference.version}` : this.#now().slice(0, 10);
  }

  /** Has a passkey rotate by itself. Errors: `unknownName`, `refusedByRule` (a passphrase, or retired). */
  async schedule(reference: string, everyDays: number | null, signal: AbortSignal): Promise<Passkey> {
    using _ = await this.#turns.take(signal);
    const record = this.resolve(reference);
    if (record.kind === 'passphrase' || record.state === 'retired') {
      const cause = record.state === 'retired' ? 'it is retired' : 'a new passphrase has to be kept by somebody';
      throw HoldfastError.failedTo('refusedByRule', `have passkey ${record.name} rotate by itself`, cause, { fix: 'Rotate it by hand.' });
    }
    if (this.#catalog.serviceKeys.get(record.slotId) === undefined) {
      const cause = 'this machine does not know how to log in to its key service';
      throw HoldfastError.failedTo('refusedByRule', `have passkey ${record.name} rotate by itself`, cause, {
        fix: `Give a login: "holdfast passkey verify ${shellWord(record.name)}" with --profile P or --token-file F.`,
      });
    }
    this.#catalog.serviceKeys.change(record.slotId, { rotateEveryDays: everyDays });
    this.#options.onChanged(record.slotId);
    return this.#described(record.slotId);
  }

  /** Refusals by rule of `rotate`. */
  checkRotate(reference: string): void {
    refuseToRotate(this.#statuses(), this.resolve(reference).slotId);
  }

  /** What still needs a passkey, by the clocks of the stores. */
  async gate(reference: string, signal: AbortSignal): Promise<PasskeyGate> {
    const record = this.resolve(reference);
    return this.#gateResult(record, await this.#retirement.decide(record.slotId, signal));
  }

  /** Refusals by rule of `retire`, then `confirmationNeeded`. */
  checkRetire(reference: string, confirmed: boolean): void {
    this.#retirement.check(this.resolve(reference), confirmed);
  }

  /** Errors: as `PasskeyRetirement.retire`; once it is retired, as `PasskeyRetirement.endOutside`. */
  async retire(
    reference: string,
    { confirmed, outside = 'leave' }: { readonly confirmed: boolean; readonly outside?: 'leave' | 'end' | undefined },
    signal: AbortSignal,
  ): Promise<RetiredPasskey> {
    using _ = await this.#turns.take(signal);
    const record = this.resolve(reference);
    await this.#retirement.retire(record, confirmed, signal);
    // Asked once more for what is retired already: it was cut off before the key outside was ended.
    const became = outside === 'end' ? await this.#retirement.endOutside(record, signal) : { outside: null, reasons: [] };
    return { ...this.#described(record.slotId), ...became };
  }

  describe(record: PasskeyRecord, view: GateView = this.#gates.read()): Passkey {
    const service = this.#catalog.serviceKeys.get(record.slotId);
    return passkeyRow(
      record,
      readableSlot(record.slot),
      service,
      view.decide(record.slotId),
      isSealedAlone(record.slotId, this.#catalog),
      this.#now(),
    );
  }

  #gateResult(record: PasskeyRecord, decision: GateDecision): PasskeyGate {
    const endpoint = this.#options.slotKeys.endpointOf(record.slotId);
    return gateReport({ record, decision, view: this.#gates.read(), endpoint, now: this.#now() });
  }

  async #factsOf(key: NewSlotKey, signal: AbortSignal): Promise<KeyFacts | null> {
    return key.kind === 'passphrase' ? null : await this.#options.slotKeys.describe(key, signal);
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
      replaces: service.replaces,
    });
    if (key.kind === 'passphrase') return;
    const { facts, rotateEveryDays } = service;
    this.#catalog.serviceKeys.add(newServiceKey(slotId, key.access, facts, { rotateEveryDays }), key.credentials);
  }

  #refuseTaken(name: string): void {
    if (this.#catalog.passkeys.byName(name) === undefined) return;
    throw new HoldfastError('nameTaken', `Failed to name the passkey ${name}: another passkey has this name.`, {
      fix: 'Choose another name.',
    });
  }

  /** Those that are left out count: they can be taken back. */
  #refuseFull(): void {
    const known = this.#catalog.passkeys.list().filter((passkey) => passkey.state !== 'retired');
    if (known.length + unknownSlotsIn(this.#catalog).length < mostSlots) return;
    throw new HoldfastError('refusedByRule', `Failed to add a passkey: a keyring holds at most ${mostSlots}.`, {
      fix: 'Retire one first.',
    });
  }

  #statuses(): readonly PasskeyStatus[] {
    return this.#catalog.passkeys.list().map(passkeyStatus);
  }

  #described(slotId: SlotId): Passkey {
    return this.describe(knownPasskey(this.#catalog.passkeys, slotId));
  }

  #now(): string {
    return this.#options.wallClock().toISOString();
  }
}

function noKmsKey(name: string): HoldfastError {
  return HoldfastError.failedTo('badValue', `rotate passkey ${name}`, 'its key is none of AWS KMS', { fix: 'Name no key for it.' });
}
