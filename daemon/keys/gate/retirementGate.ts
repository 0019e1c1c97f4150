import type { SlotId } from '../../../protocol/ids.ts';
import type { PasskeyState } from '../../../protocol/methods/passkeys.ts';

/** One passkey, as the gate looks at it. */
export interface GatePasskey {
  readonly slotId: SlotId;
  readonly name: string;
  readonly state: PasskeyState;
  readonly inUse: boolean;
  /** `outsideKeyOf` its slot. */
  readonly outsideKey: string | undefined;
}

/** Something stored and locked that holds slots: a keyring, or a backup of the catalog. */
export interface LockedHolder {
  /** As a sentence names it: "keyring 7 in bucket-1". */
  readonly what: string;
  readonly slotIds: ReadonlySet<SlotId>;
  /** When its lock ends; `null`: not known, which counts as never. */
  readonly until: Date | null;
}

export interface GateReason {
  readonly what: string;
  /** When it stops being one by itself; `null`: when somebody acts. */
  readonly until: Date | null;
}

/** Whether a passkey, and the key or version outside that it alone depends on, may go. */
export interface GateDecision {
  readonly allowed: boolean;
  /** From when it may go if nothing is done but to wait; `null` where waiting does not help. */
  readonly from: Date | null;
  readonly reasons: readonly GateReason[];
  /** Verified passkeys that would be left. One is few: whoever loses it loses everything. */
  readonly left: number;
  /** No other passkey needs the key or version outside: it can be ended where this passkey goes. */
  readonly endsOutsideKey: boolean;
}

export interface GateQuestion {
  readonly passkey: GatePasskey;
  /** All of them, this one too. */
  readonly passkeys: readonly GatePasskey[];
  readonly holders: readonly LockedHolder[];
  /** By the clock of the stores: a local one can be set on. */
  readonly now: Date;
}

/** Verified passkeys with which everything that is locked opens, whatever becomes of this one. None depends on the same key outside where that is to end. */
const enoughOthers = 2;

/**
 * Decides whether anything stored still needs a passkey. In use, or the last that is verified: never. A key or version outside that goes with it: only with
 * two other verified passkeys that do not depend on it, or once the last lock of whatever holds this slot has ended.
 */
export function retirementGate({ passkey, passkeys, holders, now }: GateQuestion): GateDecision {
  const others = passkeys.filter(({ slotId, state }) => slotId !== passkey.slotId && state === 'ready');
  const endsOutsideKey =
    passkey.outsideKey !== undefined &&
    passkeys.every(
      ({ slotId, state, outsideKey }) => slotId === passkey.slotId || state === 'retired' || outsideKey !== passkey.outsideKey,
    );
  const reasons: GateReason[] = [];
  if (passkey.inUse) reasons.push({ what: 'it is in use', until: null });
  if (others.length === 0) reasons.push({ what: 'no other passkey is verified', until: null });
  if (endsOutsideKey && others.length < enoughOthers) reasons.push(...neededBy(passkey.slotId, holders, now));
  return { allowed: reasons.length === 0, from: latestEnd(reasons, now), reasons, left: others.length, endsOutsideKey };
}

function neededBy(slotId: SlotId, holders: readonly LockedHolder[], now: Date): readonly GateReason[] {
  return holders
    .filter(({ slotIds, until }) => slotIds.has(slotId) && (until === null || until > now))
    .map(({ what, until }) => ({ what: `${what} is locked and holds it`, until }))
    .toSorted((a, b) => (b.until?.getTime() ?? Number.POSITIVE_INFINITY) - (a.until?.getTime() ?? Number.POSITIVE_INFINITY));
}

function latestEnd(reasons: readonly GateReason[], now: Date): Date | null {
  let latest = now;
  for (const { until } of reasons) {
    if (until === null) return null;
    if (until > latest) latest = until;
  }
  return latest;
}
