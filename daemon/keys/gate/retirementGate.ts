import { minuteOf } from '../../../protocol/wording.ts';
import type { SlotId } from '../../../protocol/ids.ts';
import { fallsWith, type OutsideKey } from './outsideKey.ts';
import { countWays, type GateSlot, type WayIn } from './waysIn.ts';

/** One passkey, as the gate looks at it. */
export interface GatePasskey extends WayIn {
  readonly name: string;
  readonly inUse: boolean;
}

/** A keyring that is stored and locked. */
export interface LockedKeyring {
  /** As a sentence names it: "keyring 7 in bucket-1". */
  readonly what: string;
  /** `undefined`: not known, which counts as every slot that there is. */
  readonly slots: readonly GateSlot[] | undefined;
  /** When its lock ends; `null`: not known, which counts as never. */
  readonly until: Date | null;
  /** The newest of its place: its lock is extended for as long as it is that, so its end is no date that stands. */
  readonly isNewest: boolean;
}

/** `now`: `null` where nothing tells the time. What nobody knows counts as locked. */
export function isStillLocked({ until }: Pick<LockedKeyring, 'until'>, now: Date | null): boolean {
  return until === null || now === null || until > now;
}

/** A location, or what is left behind at one that was removed. */
export interface GatePlace {
  readonly name: string;
  readonly isRemoved: boolean;
  /** When the newest keyring there was read back. */
  readonly reachedAt: Date | null;
  /** What the newest keyring there holds; `undefined`: not known, which counts as nothing. */
  readonly newest: readonly SlotId[] | undefined;
  /** Empty where nothing is locked. */
  readonly locked: readonly LockedKeyring[];
  /** By the clock of its store: a local one can be set on. `null`: nothing tells the time there, so no lock ends. */
  readonly now: Date | null;
}

export interface GateReason {
  readonly what: string;
  /** When it stops being one by itself; `null`: when somebody acts. */
  readonly until: Date | null;
}

/** Whether a passkey, and the key or version outside that it alone depends on, may go. */
export interface GateDecision {
  readonly allowed: boolean;
  /** From when it may go if nothing is done but to wait; `null` where waiting does not help, and where it may go already. */
  readonly from: Date | null;
  readonly reasons: readonly GateReason[];
  /** Ways in that would be left. One is few: whoever loses it loses everything. */
  readonly left: number;
  /** No other passkey needs the key or version outside: it can be ended where this passkey goes. */
  readonly endsOutsideKey: boolean;
  /** Asking to retire it is what a date waits for: new keyrings leave it out from then on, and the locks of those that hold it come to an end. */
  readonly begins: boolean;
  /** Keys outside that go on being needed, whatever becomes of this one. */
  readonly needed: readonly OutsideKey[];
}

export interface GateQuestion {
  readonly passkey: GatePasskey;
  /** All of them, this one and retired ones too. */
  readonly passkeys: readonly GatePasskey[];
  readonly places: readonly GatePlace[];
}

/** Ways in that the newest keyring of a place has to hold before earlier ones there may die: none of them falls with the key that ends. */
const enoughWays = 2;

/** A reason, and whether asking for the retirement is what turns it into one with a date. */
interface Found extends GateReason {
  readonly byAsking?: boolean;
}

/**
 * Decides whether anything stored still needs a passkey. In use, or the last way in: never, nor while a place could not be opened any more. A key or version
 * outside that goes with it: only where the newest keyring of each place holds two other ways in, or once the last lock there of whatever needs it has ended.
 */
export function retirementGate({ passkey, passkeys, places }: GateQuestion): GateDecision {
  const others = passkeys.filter(({ slotId }) => slotId !== passkey.slotId);
  const kept = others.filter(({ state }) => state !== 'retired');
  const endsOutsideKey = passkey.outsideKey !== undefined && !kept.some(({ outsideKey }) => fallsWith(outsideKey, passkey.outsideKey));
  const ended = endsOutsideKey ? passkey.outsideKey : undefined;
  const left = countWays(others);
  const looks = left === 0 ? [] : places.map((place) => lookAt(place, { passkey, ended, others }));
  const reasons: readonly Found[] = [
    ...(passkey.inUse ? [{ what: 'it is in use', until: null }] : []),
    ...(left > 0 ? [] : [{ what: withoutOthers(kept), until: null }]),
    ...looks.flatMap((look) => look.reasons).toSorted((a, b) => timeOf(b.until) - timeOf(a.until)),
  ];
  return {
    allowed: reasons.length === 0,
    from: latestEnd(reasons),
    reasons: reasons.map(({ what, until }) => ({ what, until })),
    left,
    endsOutsideKey,
    begins: !passkey.inUse && reasons.some(({ byAsking }) => byAsking === true),
    needed: [...kept, ...looks.flatMap((look) => look.needing)].flatMap(({ outsideKey }) => outsideKey ?? []),
  };
}

interface Leaving {
  readonly passkey: GatePasskey;
  readonly ended: OutsideKey | undefined;
  readonly others: readonly GatePasskey[];
}

interface Look {
  readonly reasons: readonly Found[];
  /** Slots of keyrings there that nothing else opens for sure. */
  readonly needing: readonly GateSlot[];
}

const nothing: Look = { reasons: [], needing: [] };

function lookAt(place: GatePlace, leaving: Leaving): Look {
  const { newest = [], isRemoved, reachedAt, now } = place;
  const { ended, others } = leaving;
  const ways = countWays(others.filter(({ slotId }) => newest.includes(slotId)));
  const locked = place.locked.filter((keyring) => isStillLocked(keyring, now));
  if (isRemoved && (ended === undefined || locked.length === 0)) return nothing;
  if (ways >= enoughWays || (ways > 0 && ended === undefined)) return nothing;
  const needing = locked.flatMap(({ slots = [] }) => slots).filter(({ outsideKey }) => !fallsWith(outsideKey, ended));
  if (ways > 0) return { reasons: locked.flatMap((keyring) => neededBy(keyring, place, leaving)), needing };
  const reached = reachedAt === null ? '' : `: it was last reached ${minuteOf(reachedAt.toISOString())}`;
  const what =
    place.newest === undefined
      ? `nobody knows what the newest keyring in ${place.name} holds`
      : `the newest keyring in ${place.name} holds none of the others${reached}`;
  return { reasons: [{ what, until: isRemoved && now !== null ? latestEnd(locked) : null }], needing };
}

function neededBy(
  { what, slots, until, isNewest }: LockedKeyring,
  { isRemoved, now }: GatePlace,
  { passkey, ended }: Leaving,
): readonly Found[] {
  if (slots === undefined)
    return [{ what: `${what} is locked, and nobody knows what it holds`, until: isNewest || now === null ? null : until }];
  const isHeld = slots.some(({ slotId }) => slotId === passkey.slotId);
  if (!isHeld && !slots.some(({ outsideKey }) => fallsWith(outsideKey, ended))) return [];
  const holds = isHeld ? 'holds it' : 'holds another passkey of its key';
  if (isNewest && !isRemoved) {
    const byAsking = isHeld && !passkey.isLeftOut && passkey.state !== 'retired';
    const cure = byAsking ? 'ask to retire it, and the date stands' : 'the next one leaves it out';
    return [{ what: `${what} is the newest there and ${holds}, so its lock is extended: ${cure}`, until: null, byAsking }];
  }
  if (until === null) return [{ what: `${what} ${holds}, and nobody knows until when it is locked`, until: null }];
  if (now === null) {
    return [{ what: `${what} is locked until ${minuteOf(until.toISOString())} and ${holds}, and no store tells the time`, until: null }];
  }
  return [{ what: `${what} is locked and ${holds}`, until }];
}

function withoutOthers(kept: readonly GatePasskey[]): string {
  return kept.some(({ state }) => state === 'ready')
    ? 'the other verified passkeys are going to be retired'
    : 'no other passkey is verified';
}

function latestEnd(ends: readonly { readonly until: Date | null }[]): Date | null {
  const latest = Math.max(...ends.map(({ until }) => timeOf(until)));
  return Number.isFinite(latest) ? new Date(latest) : null;
}

function timeOf(until: Date | null): number {
  return until?.getTime() ?? Number.POSITIVE_INFINITY;
}
