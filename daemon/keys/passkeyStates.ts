import { HoldfastError } from '../../protocol/errors.ts';
import { shellWord } from '../../protocol/wording.ts';
import type { SlotId } from '../../protocol/ids.ts';
import type { PasskeyState } from '../../protocol/methods/passkeys.ts';
import { countWays, isWayIn, type WayIn } from './gate/waysIn.ts';

/** What the rules look at; the catalog's rows have more. */
export interface PasskeyStatus {
  readonly slotId: SlotId;
  readonly name: string;
  readonly state: PasskeyState;
  readonly inUse: boolean;
  /** New keyrings leave it out: it is going to be retired. Never so of the one in use. */
  readonly isLeftOut: boolean;
}

/** What the retirement looks at besides. */
export interface RetirablePasskey extends PasskeyStatus, WayIn {}

/** One durable write, or one proof. They are made in this order, each finished before the next, so that a crash between any two leaves a slot that opens the master key. */
export type PasskeyStep =
  /** The catalog gets the new slot, `unverified`, not in use. */
  | { readonly step: 'record'; readonly slotId: SlotId }
  /** A keyring with these slots and a higher sequence goes to every location and is read back. */
  | { readonly step: 'publish'; readonly slotIds: readonly SlotId[] }
  /** The slot as it was read back is unwrapped once; only then is it `ready`. */
  | { readonly step: 'verify'; readonly slotId: SlotId }
  /** The catalog no longer has new keyrings leave the slot out. */
  | { readonly step: 'takeBack'; readonly slotId: SlotId }
  /** In one transaction, this slot is in use and no other; in a rotation, it takes the name of the old one. */
  | { readonly step: 'use'; readonly slotId: SlotId }
  /** The slot takes the name of the old one; what is in use stays so. */
  | { readonly step: 'takeOver'; readonly slotId: SlotId }
  /** The catalog calls the slot `retired`. */
  | { readonly step: 'retire'; readonly slotId: SlotId };

/** The slots that the newest keyring must hold. After a crash, a keyring that differs is published again. */
export function slotsOfKeyring(passkeys: readonly PasskeyStatus[]): readonly SlotId[] {
  return passkeys.filter(({ state, isLeftOut }) => state !== 'retired' && !isLeftOut).map(({ slotId }) => slotId);
}

/** A new slot is published and proved before anything depends on it. */
export function stepsToAdd(passkeys: readonly PasskeyStatus[], slotId: SlotId, useNow: boolean): readonly PasskeyStep[] {
  return [
    { step: 'record', slotId },
    { step: 'publish', slotIds: [...slotsOfKeyring(passkeys), slotId] },
    { step: 'verify', slotId },
    ...(useNow ? [{ step: 'use', slotId } as const] : []),
  ];
}

/**
 * One that keyrings leave out is taken back and published first: nothing may depend on a slot that the newest keyring does not hold.
 * Throws `HoldfastError`: `unknownName`, or `refusedByRule` for a slot that was not verified or is retired.
 */
export function stepsToUse(passkeys: readonly PasskeyStatus[], slotId: SlotId): readonly PasskeyStep[] {
  const passkey = find(passkeys, slotId);
  if (passkey.inUse) return [];
  if (passkey.state !== 'ready') {
    throw new HoldfastError('refusedByRule', `Failed to use passkey ${passkey.name}: it ${complaint(passkey.state)}.`, {
      fix: passkey.state === 'retired' ? 'Choose another passkey.' : `Run "holdfast passkey verify ${shellWord(passkey.name)}" first.`,
    });
  }
  return [...takenBack(passkeys, passkey), { step: 'use', slotId }];
}

/**
 * The slot leaves the catalog's list first and the keyring last: a crash in between leaves one slot too many, never one too few.
 * Throws `HoldfastError`: `unknownName`; `refusedByRule` for the slot in use and the last way in; `confirmationNeeded` where only one way in (gate/waysIn.ts)
 * or no passphrase would be left, unless `isConfirmed`.
 */
export function stepsToRetire(passkeys: readonly RetirablePasskey[], slotId: SlotId, isConfirmed: boolean): readonly PasskeyStep[] {
  const passkey = find(passkeys, slotId);
  if (passkey.state === 'retired') return [];
  if (passkey.inUse) throw refusal(passkey, 'it is in use', 'Use another passkey first: "holdfast passkey use NAME".');
  const others = passkeys.filter((other) => other.slotId !== slotId);
  const left = countWays(others);
  if (left === 0)
    throw refusal(
      passkey,
      'no other passkey is verified that is not going to be retired',
      'Verify another passkey first: "holdfast passkey verify NAME".',
    );
  if (left === 1 && !isConfirmed) {
    const what = others.filter(isWayIn).length === 1 ? 'only one verified passkey' : 'only passkeys of one key outside';
    throw new HoldfastError('confirmationNeeded', `Failed to retire passkey ${passkey.name}: ${what} would be left.`, {
      fix: 'Add another passkey first, or confirm with `--yes`.',
    });
  }
  if (isPassphrase(passkey) && !others.some(isPassphrase) && !isConfirmed) {
    const cause = 'no passphrase would be left, and others may end the keys outside';
    throw new HoldfastError('confirmationNeeded', `Failed to retire passkey ${passkey.name}: ${cause}.`, {
      fix: 'Add another passphrase first, or confirm with `--yes`.',
    });
  }
  return [
    { step: 'retire', slotId },
    { step: 'publish', slotIds: slotsOfKeyring(passkeys).filter((id) => id !== slotId) },
  ];
}

/** One that something may depend on. */
function isPassphrase(passkey: RetirablePasskey): boolean {
  return isWayIn(passkey) && passkey.outsideKey === undefined;
}

export interface Replacement {
  readonly oldSlotId: SlotId;
  /** Of the slot that is made, or of one that a rotation which was cut off has made. */
  readonly newSlotId: SlotId;
  /** Slots of rotations that were cut off and that nothing goes on with: their secrets are gone. */
  readonly abandoned?: readonly SlotId[];
  /** An old slot that is not in use is followed by one that is not. */
  readonly keepsChoice?: boolean | undefined;
}

/** A new secret for a passkey: the new slot takes its place at the end, and the old one can be retired, which is for the user to do. */
export function stepsToRotate(
  passkeys: readonly PasskeyStatus[],
  { oldSlotId, newSlotId, abandoned = [], keepsChoice = false }: Replacement,
): readonly PasskeyStep[] {
  refuseToRotate(passkeys, oldSlotId);
  const isInUse = !keepsChoice || find(passkeys, oldSlotId).inUse;
  const begun = passkeys.find(({ slotId }) => slotId === newSlotId);
  const held = slotsOfKeyring(passkeys);
  const beginning: readonly PasskeyStep[] =
    begun === undefined
      ? [
          { step: 'record', slotId: newSlotId },
          { step: 'publish', slotIds: [...held, newSlotId] },
        ]
      : begun.isLeftOut
        ? takenBack(passkeys, begun)
        : [{ step: 'publish', slotIds: held }];
  const kept = [...new Set([...held, newSlotId])].filter((slotId) => !abandoned.includes(slotId));
  return [
    ...beginning,
    { step: 'verify', slotId: newSlotId },
    { step: isInUse ? 'use' : 'takeOver', slotId: newSlotId },
    ...abandoned.map((slotId): PasskeyStep => ({ step: 'retire', slotId })),
    ...(abandoned.length === 0 ? [] : [{ step: 'publish', slotIds: kept } as const]),
  ];
}

/** Throws `HoldfastError`: `unknownName`, or `refusedByRule` for a slot that is retired. */
export function refuseToRotate(passkeys: readonly PasskeyStatus[], slotId: SlotId): void {
  const old = find(passkeys, slotId);
  if (old.state === 'retired') throw refusal(old, 'it is retired', 'Choose another passkey.', 'rotate');
}

function takenBack(passkeys: readonly PasskeyStatus[], { slotId, isLeftOut }: PasskeyStatus): readonly PasskeyStep[] {
  if (!isLeftOut) return [];
  return [
    { step: 'takeBack', slotId },
    { step: 'publish', slotIds: [...slotsOfKeyring(passkeys), slotId] },
  ];
}

function find<T extends PasskeyStatus>(passkeys: readonly T[], slotId: SlotId): T {
  const passkey = passkeys.find((candidate) => candidate.slotId === slotId);
  if (passkey === undefined) throw new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none.`);
  return passkey;
}

function refusal(passkey: PasskeyStatus, cause: string, fix: string, verb: 'retire' | 'rotate' = 'retire'): HoldfastError {
  return new HoldfastError('refusedByRule', `Failed to ${verb} passkey ${passkey.name}: ${cause}.`, { fix });
}

function complaint(state: Exclude<PasskeyState, 'ready'>): string {
  switch (state) {
    case 'unverified':
      return 'was not verified';
    case 'failing':
      return 'failed when it was last tried';
    case 'retired':
      return 'is retired';
  }
}
