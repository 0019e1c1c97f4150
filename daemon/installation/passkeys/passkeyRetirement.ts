import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationId, SlotId } from '../../../protocol/ids.ts';
import type { GateReason as ShownReason, OutsideEnd } from '../../../protocol/methods/passkeys.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import { targetOf } from '../../keys/agent/runKeyAgent.ts';
import { fallsWith, outsideKeyOf } from '../../keys/gate/outsideKey.ts';
import type { GateDecision } from '../../keys/gate/retirementGate.ts';
import { type PasskeyStep, stepsToRetire } from '../../keys/passkeyStates.ts';
import { actOnKey } from '../../keys/passkeys/serviceSlot.ts';
import type { Slot } from '../../keys/slot.ts';
import { slotOf } from '../slotOf.ts';
import { deletionDays, neededMinimum } from './endingCommands.ts';
import { knownPasskey } from './findPasskey.ts';
import type { GateFacts } from './gateFacts.ts';
import type { PasskeySteps } from './passkeySteps.ts';
import type { SlotKeys } from './slotKeys.ts';
import { keyIsLeft, keyStays, leavesKeyrings, nothingToRaise, shownReason, stillNeeded } from './stillNeeded.ts';

export interface PasskeyRetirementOptions {
  readonly catalog: Catalog;
  readonly gates: GateFacts;
  readonly steps: PasskeySteps;
  readonly slotKeys: Pick<SlotKeys, 'reach'>;
  readonly wallClock: () => Date;
  readonly deliver: (signal: AbortSignal) => Promise<void>;
  readonly onChanged: (slotId: SlotId) => void;
  /** The earliest that it can be at the store of a location with locks. */
  readonly storeTime: (locationId: LocationId, signal: AbortSignal) => Promise<Date>;
}

/** What became of the key outside, and why it was not ended. */
export interface KeyOutside {
  readonly outside: OutsideEnd;
  readonly reasons: readonly ShownReason[];
}

/** Lets a passkey go once the gate does, and its key outside with it. */
export class PasskeyRetirement {
  readonly #options: PasskeyRetirementOptions;
  readonly #catalog: Catalog;

  constructor(options: PasskeyRetirementOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
  }

  /** Refusals by rule, then `confirmationNeeded`: where new keyrings would leave it out from then on, and where only one way in would be left. */
  check(record: PasskeyRecord, isConfirmed: boolean): readonly PasskeyStep[] {
    const view = this.#options.gates.read();
    const steps = stepsToRetire(view.passkeys, record.slotId, true);
    if (isConfirmed || steps.length === 0) return steps;
    const decision = view.decide(record.slotId);
    if (decision.begins && record.leftKeyringsAt === null) throw leavesKeyrings(record, decision);
    return stepsToRetire(view.passkeys, record.slotId, false);
  }

  /** By the clocks of the stores. */
  async decide(slotId: SlotId, signal: AbortSignal): Promise<GateDecision> {
    return await this.#options.gates.decideNow(slotId, this.#options.storeTime, signal);
  }

  /** Errors: as `check`, and `refusedByRule` while what is locked needs the key outside. Nothing where it is retired already. */
  async retire(record: PasskeyRecord, isConfirmed: boolean, signal: AbortSignal): Promise<void> {
    const steps = this.check(record, isConfirmed);
    if (steps.length === 0) return;
    const decision = await this.#begun(record, isConfirmed, signal);
    if (!decision.allowed) throw stillNeeded(knownPasskey(this.#catalog.passkeys, record.slotId), decision);
    await this.#options.steps.perform(steps, { signal });
  }

  /**
   * Has new keyrings leave the slot out where the gate is closed: the lock of the newest one is extended for as long as it is the newest, and the date would
   * never come. Not without the user's word, since nothing counts on the slot from then on.
   */
  async #begun({ slotId }: PasskeyRecord, isConfirmed: boolean, signal: AbortSignal): Promise<GateDecision> {
    const { steps, deliver, wallClock, onChanged } = this.#options;
    const first = await this.decide(slotId, signal);
    if (first.allowed) return first;
    // A location that was behind may get the keyring by that.
    await deliver(signal);
    const decision = await this.decide(slotId, signal);
    const record = knownPasskey(this.#catalog.passkeys, slotId);
    if (decision.allowed || record.leftKeyringsAt !== null || (!decision.begins && decision.from === null)) return decision;
    if (!isConfirmed) throw leavesKeyrings(record, decision);
    steps.change(() => this.#catalog.passkeys.change(slotId, { leftKeyringsAt: wallClock().toISOString() }));
    onChanged(slotId);
    await deliver(signal);
    // Only now is there a date.
    onChanged(slotId);
    return await this.decide(slotId, signal);
  }

  /**
   * Ends the key outside of a passkey that is retired. What fails here is for somebody else to do, or to be asked for again: `refusedByRule` where what was decided
   * before the keyrings were written is so no more, and what the key service refuses with.
   */
  async endOutside({ slotId }: PasskeyRecord, signal: AbortSignal): Promise<KeyOutside> {
    const record = knownPasskey(this.#catalog.passkeys, slotId);
    const slot = slotOf(slotId, record.slot);
    if (slot.kind === 'passphrase') return { outside: 'nothingToEnd', reasons: [] };
    const { allowed, endsOutsideKey, needed, reasons } = await this.decide(slotId, signal);
    if (!endsOutsideKey) return { outside: 'stillNeeded', reasons: this.#sharers(slotId, slot) };
    const { behind } = this.#options.gates.read();
    if (!allowed || behind.length > 0) throw keyStays(record, reasons, behind);
    const version = neededMinimum(slot, needed);
    if (slot.kind === 'vaultTransit' && version === undefined) return { outside: 'nothingToEnd', reasons: [shownReason(nothingToRaise)] };
    const act =
      version === undefined ? ({ act: 'scheduleDeletion', days: deletionDays } as const) : ({ act: 'raiseMinimum', version } as const);
    try {
      await actOnKey(targetOf(slot), act, this.#options.slotKeys.reach(slot, {}, signal));
    } catch (error) {
      throw HoldfastError.is(error) ? keyIsLeft(record, error) : error;
    }
    return { outside: 'ended', reasons: [] };
  }

  /** Passkeys that end with the key of this one. */
  #sharers(slotId: SlotId, slot: Slot): readonly ShownReason[] {
    const own = outsideKeyOf(slot);
    return this.#options.gates
      .read()
      .passkeys.filter((other) => other.slotId !== slotId && other.state !== 'retired' && fallsWith(other.outsideKey, own))
      .map(({ name }) => ({ what: `passkey ${name} is wrapped with it`, until: null }));
  }
}
