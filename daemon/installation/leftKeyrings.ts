import type { LocationId } from '../../protocol/ids.ts';
import type { RemovedLocation } from '../../protocol/methods/locations.ts';
import { counted, minuteOf } from '../../protocol/wording.ts';
import type { LockedKeyring } from '../keys/gate/retirementGate.ts';
import type { GateView } from './passkeys/gateFacts.ts';

/** What a location that is removed leaves behind: no lock there is extended any more, and whatever opens its keyrings goes on opening them. */
export function leftKeyrings(locationId: LocationId, view: GateView): Pick<RemovedLocation, 'lockedKeyrings' | 'notes'> {
  const locked = view.lockedAt(locationId);
  const count = locked.length;
  if (count === 0) return { lockedKeyrings: null, notes: [] };
  const last = Math.max(...locked.map(({ until }) => until?.getTime() ?? Number.POSITIVE_INFINITY));
  const until = Number.isFinite(last) ? new Date(last).toISOString() : null;
  const tellsTime = view.clocks().some((other) => other !== locationId);
  return {
    lockedKeyrings: { count, until },
    notes: [
      `${meaning(count, until)}${retiredIn(locked, view)}, and the retirement gate goes on counting ${count === 1 ? 'it' : 'them'}${until === null || !tellsTime ? '' : ' until then'}.`,
      ...(tellsTime ? [] : [noClock]),
    ],
  };
}

const noClock =
  'No other location with locks is left to tell the time: until one is, or this one is added again, they count as locked without end.';

function meaning(count: number, until: string | null): string {
  const end = until === null ? ', nobody knows until when' : ` until ${minuteOf(until)}`;
  const [stay, hold] = count === 1 ? ['stays', 'it holds'] : ['stay', 'they hold'];
  return `${counted(count, 'keyring')} ${stay} locked there${end}: whoever has the secret of a passkey that ${hold} opens what is stored there with it, also one that leaked or is retired`;
}

/** The names of those that went, or are going, and are in there still. */
function retiredIn(locked: readonly LockedKeyring[], { passkeys }: GateView): string {
  const held = new Set(locked.flatMap(({ slots = [] }) => slots.map(({ slotId }) => slotId)));
  const names = passkeys.flatMap(({ slotId, name, state, isLeftOut }) =>
    held.has(slotId) && (state === 'retired' || isLeftOut) ? [name] : [],
  );
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
}
