import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, LocationId, SlotId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LocationRecord } from '../../catalog/locationStore.ts';
import { outsideKeyOf } from '../../keys/gate/outsideKey.ts';
import {
  type GateDecision,
  type GatePasskey,
  type GatePlace,
  isStillLocked,
  type LockedKeyring,
  retirementGate,
} from '../../keys/gate/retirementGate.ts';
import type { GateSlot } from '../../keys/gate/waysIn.ts';
import { decodeKeyring } from '../../keys/keyring.ts';
import { keyringName } from '../../keys/keyringName.ts';
import { readableSlot } from '../slotOf.ts';

/** Milliseconds that the gate waits for the time of the stores. */
const storeTimeLimit = 10_000;

/** A place with the location whose store tells its time; `undefined` where that was removed. */
type FoundPlace = Omit<GatePlace, 'now'> & { readonly locationId: LocationId | undefined };

/** What is put beside what the catalog knows: the earliest that it can be at the store of a location. */
export type NowAt = (locationId: LocationId) => Date;

/** What the catalog holds for the retirement gate: the passkeys, what lies at each place, and what is locked there. */
export class GateFacts {
  readonly #catalog: Catalog;
  /** By the name of the stored keyring, whose bytes never change: each look would decode all that were ever made. */
  readonly #decoded = new Map<string, readonly GateSlot[]>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** One look, from which any number of passkeys can be decided upon. */
  read(): GateView {
    return new GateView(this.#catalog, slotsOfKeyrings(this.#catalog, this.#decoded));
  }

  decide(slotId: SlotId): GateDecision {
    return this.read().decide(slotId);
  }

  /** As `decide`, by what the stores say of the time now. One that does not answer soon leaves what it said last: the gate opens later, never earlier. */
  async decideNow(
    slotId: SlotId,
    storeTime: (locationId: LocationId, signal: AbortSignal) => Promise<Date>,
    signal: AbortSignal,
  ): Promise<GateDecision> {
    const known = this.read();
    const decision = known.decide(slotId);
    // Time only ever opens the gate: what was said last is enough where it is open, or where waiting does not help.
    if (decision.allowed || decision.from === null) return decision;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(storeTimeLimit)]);
    const timeAt = async (locationId: LocationId): Promise<readonly [LocationId, Date]> => [
      locationId,
      await storeTime(locationId, limited).catch(() => known.leastTime(locationId)),
    ];
    const times = new Map(await Promise.all(known.clocks().map(timeAt)));
    signal.throwIfAborted();
    const now = this.read();
    return now.decide(slotId, (locationId) => times.get(locationId) ?? now.leastTime(locationId));
  }
}

/** The catalog at one moment. */
export class GateView {
  readonly passkeys: readonly GatePasskey[];
  /** Names of the locations that the newest keyring has not reached. */
  readonly behind: readonly string[];
  readonly #behindIds: ReadonlySet<LocationId>;
  readonly #places: readonly FoundPlace[];
  readonly #leastTimes: ReadonlyMap<LocationId, Date>;

  constructor(catalog: Catalog, slotsOf: SlotsOf) {
    this.passkeys = passkeysIn(catalog);
    const locations = catalog.locations.list();
    this.#places = [...locations.map((location) => placeAt(location, catalog, slotsOf)), ...removedPlaces(locations, catalog, slotsOf)];
    this.#leastTimes = new Map(locations.map(({ locationId }) => [locationId, leastTimeAt(locationId, catalog)]));
    this.#behindIds = new Set(behindIn(catalog));
    this.behind = locations.flatMap(({ locationId, name }) => (this.#behindIds.has(locationId) ? [name] : []));
  }

  /** What lies at the locations that the newest keyring has not reached. */
  behindPlaces(): readonly (Pick<GatePlace, 'name' | 'newest' | 'reachedAt'> & { readonly locationId: LocationId })[] {
    return this.#places.flatMap(({ locationId, name, newest, reachedAt }) =>
      locationId !== undefined && this.#behindIds.has(locationId) ? [{ locationId, name, newest, reachedAt }] : [],
    );
  }

  /** `nowAt`: the earliest that it can be at the store of a location; a local clock can be set on, which must open no gate. */
  decide(slotId: SlotId, nowAt: NowAt = (locationId) => this.leastTime(locationId)): GateDecision {
    const { passkeys } = this;
    const passkey = passkeys.find((one) => one.slotId === slotId);
    if (passkey === undefined) throw new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none.`);
    return retirementGate({ passkey, passkeys, places: this.places(nowAt) });
  }

  places(nowAt: NowAt = (locationId) => this.leastTime(locationId)): readonly GatePlace[] {
    // What no store speaks for any more goes by the one that is behind all others, which one alone can not set on.
    const times = this.clocks().map((locationId) => nowAt(locationId).getTime());
    const slowest = times.length === 0 ? null : new Date(Math.min(...times));
    return this.#places.map(({ locationId, ...place }) => ({ ...place, now: locationId === undefined ? slowest : nowAt(locationId) }));
  }

  /** Locked keyrings that the secret of a passkey, or its key outside, opens. */
  openedBy(slotId: SlotId): readonly LockedKeyring[] {
    const own = this.passkeys.find((one) => one.slotId === slotId)?.outsideKey;
    const isOpened = (slot: GateSlot): boolean =>
      slot.slotId === slotId || (own !== undefined && slot.outsideKey?.name === own.name && slot.outsideKey.version === own.version);
    return this.places().flatMap(({ locked, now }) =>
      locked.filter((keyring) => isStillLocked(keyring, now) && (keyring.slots === undefined || keyring.slots.some(isOpened))),
    );
  }

  /** Keyrings that are locked at a location, by what its store said last of the time. */
  lockedAt(locationId: LocationId): readonly LockedKeyring[] {
    const now = this.leastTime(locationId);
    const found = this.#places.find((place) => place.locationId === locationId);
    return (found?.locked ?? []).filter((keyring) => isStillLocked(keyring, now));
  }

  /** The locations whose stores tell when locks end. */
  clocks(): readonly LocationId[] {
    return this.#places.flatMap(({ locationId, locked }) => (locationId === undefined || locked.length === 0 ? [] : [locationId]));
  }

  /** The newest moment that the store of a location is known to have told. */
  leastTime(locationId: LocationId): Date {
    return this.#leastTimes.get(locationId) ?? new Date(0);
  }
}

/** The locations that the newest keyring has not reached. */
export function behindIn({ locations, keyrings, sequences }: Catalog): readonly LocationId[] {
  const newest = sequences.last('keyring');
  return locations.list().flatMap(({ locationId }) => ((keyrings.newestCopyAt(locationId)?.sequence ?? 0) < newest ? [locationId] : []));
}

/** What is of no kind that this program knows opens nothing here. */
function passkeysIn({ passkeys }: Catalog): readonly GatePasskey[] {
  return passkeys.list().map(({ slotId, name, state, inUse, leftKeyringsAt, slot: json }) => {
    const slot = readableSlot(json);
    return {
      slotId,
      name,
      state: slot === undefined && state === 'ready' ? 'failing' : state,
      inUse,
      isLeftOut: leftKeyringsAt !== null,
      outsideKey: slot === undefined ? undefined : outsideKeyOf(slot),
    };
  });
}

type SlotsOf = (key: string) => readonly GateSlot[] | undefined;

/** By the name of the stored object. `decoded` keeps what was found out. */
function slotsOfKeyrings({ installation, keyrings }: Catalog, decoded: Map<string, readonly GateSlot[]>): SlotsOf {
  const installationId = installation.get()?.installationId;
  if (installationId === undefined) return () => undefined;
  const known = new Map<string, readonly GateSlot[]>();
  for (const { sequence, objectId, bytes } of keyrings.list()) {
    const name = keyringName({ installationId, sequence, objectId });
    const slots = decoded.get(name) ?? slotsIn(bytes, installationId);
    known.set(name, slots);
    decoded.set(name, slots);
  }
  return (key) => known.get(key);
}

function slotsIn(keyring: Uint8Array, installationId: InstallationId): readonly GateSlot[] {
  return decodeKeyring(keyring, installationId).body.slots.map((slot) => ({ slotId: slot.slotId, outsideKey: outsideKeyOf(slot) }));
}

function placeAt(
  { locationId, storeId, name, lockMode }: LocationRecord,
  { keyrings, formerKeyrings, objects }: Catalog,
  slotsOf: SlotsOf,
): FoundPlace {
  const copies = keyrings.copiesAt(locationId).map((copy) => ({ ...copy, object: objects.get(locationId, copy.key) }));
  // What the ledger calls gone opens nothing; a lock on it may be there all the same.
  const newest = copies.find(({ object }) => object === undefined || object.state === 'present');
  // Of a location that was removed and has come back, what is not known to be there is there still.
  const former = formerKeyrings.list().filter((one) => one.storeId === storeId && !copies.some(({ key }) => key === one.objectKey));
  const locked = [
    ...copies.map(({ key, sequence, object }) => ({ key, sequence, retainUntil: object?.retainUntil ?? null })),
    ...former.map(({ objectKey, sequence, retainUntil }) => ({ key: objectKey, sequence, retainUntil })),
  ];
  return {
    locationId,
    name,
    isRemoved: false,
    reachedAt: newest === undefined ? null : new Date(newest.readBackAt),
    newest: newest === undefined ? undefined : slotsOf(newest.key)?.map(({ slotId }) => slotId),
    locked:
      lockMode === null
        ? []
        : locked.map(({ key, sequence, retainUntil }) =>
            lockedKeyring(`keyring ${sequence} in ${name}`, slotsOf(key), retainUntil, sequence === copies[0]?.sequence),
          ),
  };
}

function removedPlaces(locations: readonly LocationRecord[], { formerKeyrings }: Catalog, slotsOf: SlotsOf): readonly FoundPlace[] {
  const present = new Set(locations.map(({ storeId }) => storeId));
  const byStore = Map.groupBy(
    formerKeyrings.list().filter(({ storeId }) => !present.has(storeId)),
    ({ storeId }) => storeId,
  );
  return [...byStore.values()].flatMap((left) => {
    const [newest] = left;
    if (newest === undefined) return [];
    const name = `${newest.location} (removed)`;
    return [
      {
        locationId: undefined,
        name,
        isRemoved: true,
        reachedAt: new Date(newest.readBackAt),
        newest: slotsOf(newest.objectKey)?.map(({ slotId }) => slotId),
        locked: left.map(({ objectKey, sequence, retainUntil }) =>
          lockedKeyring(`keyring ${sequence} in ${name}`, slotsOf(objectKey), retainUntil, false),
        ),
      },
    ];
  });
}

/** A lock whose end nobody has read counts as one without end. */
function lockedKeyring(what: string, slots: readonly GateSlot[] | undefined, retainUntil: string | null, isNewest: boolean): LockedKeyring {
  return { what, slots, until: retainUntil === null ? null : new Date(retainUntil), isNewest };
}

function leastTimeAt(locationId: LocationId, { keyrings, objects }: Catalog): Date {
  let newest = '';
  for (const { key } of keyrings.copiesAt(locationId)) {
    const readAt = objects.get(locationId, key)?.lockReadAt ?? '';
    if (readAt > newest) newest = readAt;
  }
  return newest === '' ? new Date(0) : new Date(newest);
}
