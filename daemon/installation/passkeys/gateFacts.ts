import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationId, SlotId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { outsideKeyOf } from '../../keys/gate/outsideKey.ts';
import { type GateDecision, type GatePasskey, type LockedHolder, retirementGate } from '../../keys/gate/retirementGate.ts';
import { decodeKeyring } from '../../keys/keyring.ts';
import { readableSlot } from '../slotOf.ts';

/** Milliseconds that the gate waits for the time of the stores. */
const storeTimeLimit = 10_000;

/** What the catalog holds for the retirement gate: the passkeys, and what is stored and locked with their slots in it. */
export class GateFacts {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** `nowAt`: the earliest that it can be at the store of a location; a local clock can be set on, which must open no gate. */
  decide(slotId: SlotId, nowAt: (locationId: LocationId) => Date = (locationId) => this.leastTime(locationId)): GateDecision {
    const passkeys = this.passkeys();
    const passkey = passkeys.find((one) => one.slotId === slotId);
    if (passkey === undefined) throw new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none.`);
    const holders = this.holders().filter(({ locationId, until }) => until === null || until > nowAt(locationId));
    // Each store has its own clock, so the ended ones are left out here already.
    return retirementGate({ passkey, passkeys, holders, now: new Date(0) });
  }

  /** As `decide`, by what the stores say of the time now. One that does not answer soon leaves what it said last: the gate opens later, never earlier. */
  async decideNow(
    slotId: SlotId,
    storeTime: (locationId: LocationId, signal: AbortSignal) => Promise<Date>,
    signal: AbortSignal,
  ): Promise<GateDecision> {
    const known = this.decide(slotId);
    // Time only ever opens the gate: what was said last is enough where it is open, or where waiting does not help.
    if (known.allowed || known.from === null) return known;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(storeTimeLimit)]);
    const timeAt = async (locationId: LocationId): Promise<readonly [LocationId, Date]> => [
      locationId,
      await storeTime(locationId, limited).catch(() => this.leastTime(locationId)),
    ];
    const places = new Set(this.holders().map(({ locationId }) => locationId));
    const times = new Map(await Promise.all([...places].map(timeAt)));
    signal.throwIfAborted();
    return this.decide(slotId, (locationId) => times.get(locationId) ?? new Date(0));
  }

  passkeys(): readonly GatePasskey[] {
    return this.#catalog.passkeys.list().map(({ slotId, name, state, inUse, slot: json }) => {
      const slot = readableSlot(json);
      return { slotId, name, state, inUse, outsideKey: slot === undefined ? undefined : outsideKeyOf(slot) };
    });
  }

  /** Keyrings at locations with locks. A lock whose end nobody has read counts as one without end. */
  holders(): readonly (LockedHolder & { readonly locationId: LocationId })[] {
    const { locations, keyrings, objects } = this.#catalog;
    const slotsOf = this.#slotsOfKeyrings();
    return locations.list().flatMap(({ locationId, name, lockMode }) => {
      if (lockMode === null) return [];
      return keyrings.copiesAt(locationId).flatMap(({ key, sequence }) => {
        const object = objects.get(locationId, key);
        if (object === undefined) return [];
        const slotIds = slotsOf.get(sequence) ?? new Set();
        const until = object.retainUntil === null ? null : new Date(object.retainUntil);
        return [{ locationId, what: `keyring ${sequence} in ${name}`, slotIds, until }];
      });
    });
  }

  /** The newest moment that the store of a location is known to have told. */
  leastTime(locationId: LocationId): Date {
    let newest = '';
    for (const { key } of this.#catalog.keyrings.copiesAt(locationId)) {
      const readAt = this.#catalog.objects.get(locationId, key)?.lockReadAt ?? '';
      if (readAt > newest) newest = readAt;
    }
    return newest === '' ? new Date(0) : new Date(newest);
  }

  #slotsOfKeyrings(): ReadonlyMap<number, ReadonlySet<SlotId>> {
    const installationId = this.#catalog.installation.get()?.installationId;
    const found = new Map<number, ReadonlySet<SlotId>>();
    if (installationId === undefined) return found;
    // All of one sequence hold the same slots.
    for (const { sequence, bytes } of this.#catalog.keyrings.list()) {
      if (!found.has(sequence)) found.set(sequence, new Set(decodeKeyring(bytes, installationId).body.slots.map(({ slotId }) => slotId)));
    }
    return found;
  }
}
