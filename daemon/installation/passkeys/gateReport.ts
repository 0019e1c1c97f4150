import type { PasskeyGate } from '../../../protocol/methods/passkeys.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { GateDecision } from '../../keys/gate/retirementGate.ts';
import { isWayIn } from '../../keys/gate/waysIn.ts';
import { slotOf } from '../slotOf.ts';
import { commandsToEnd } from './endingCommands.ts';
import type { GateView } from './gateFacts.ts';
import { nothingToRaise } from './stillNeeded.ts';

export interface GateQuestion {
  readonly record: PasskeyRecord;
  readonly decision: GateDecision;
  readonly view: GateView;
  /** Where this machine asks for a KMS key, in place of AWS's own address. */
  readonly endpoint: string | null;
  readonly now: string;
}

/** What users are told of a decision of the gate. A date is told where it stands, and else why there is none. */
export function gateReport({ record, decision, view, endpoint, now }: GateQuestion): PasskeyGate {
  const { allowed, endsOutsideKey, needed, begins, left, reasons, from } = decision;
  const slot = slotOf(record.slotId, record.slot);
  const mayEnd = allowed && endsOutsideKey;
  const commands = mayEnd ? commandsToEnd(slot, needed, endpoint) : [];
  const leak = leakOf(record, view);
  return {
    allowed,
    from: allowed ? now : (from?.toISOString() ?? null),
    reasons: reasons.map(({ what, until }) => ({ what, until: until?.toISOString() ?? null })),
    begins,
    isBegun: record.state !== 'retired' && record.leftKeyringsAt !== null,
    others: view.passkeys.flatMap((other) => (other.slotId !== record.slotId && isWayIn(other) ? [other.name] : [])),
    waysIn: left,
    commands: view.behind.length > 0 ? [] : commands,
    opensKeyringsUntil: leak.until,
    notes: [
      ...leak.notes,
      ...(mayEnd && commands.length === 0 ? [capitalised(`${nothingToRaise.what}.`)] : []),
      ...(commands.length > 0 && view.behind.length > 0
        ? [`Its key outside is not to end yet: the newest keyring has not reached ${view.behind.join(', ')}.`]
        : []),
    ],
  };
}

interface Leak {
  readonly until: string | null;
  readonly notes: readonly string[];
}

/** Until when its secret, or its key outside, opens keyrings that are locked. */
function leakOf({ slotId, inUse, state, leftKeyringsAt }: PasskeyRecord, view: GateView): Leak {
  // Whoever has the secret of the one in use opens everything, now and from now on.
  if (inUse) return { until: null, notes: [] };
  const opened = view.openedBy(slotId);
  const notes = opened.flatMap(({ what, until, isNewest }) => {
    if (isNewest && state !== 'retired' && leftKeyringsAt === null)
      return [
        `${what} is the newest there and holds it, so its lock is extended: until when it opens what is locked stands once it is asked to retire.`,
      ];
    if (isNewest) return [`${what} holds it and is extended until the next one is there, which leaves it out.`];
    return until === null ? [`Nobody knows until when ${what} is locked, which it opens.`] : [];
  });
  const ends = opened.flatMap(({ until }) => (until === null ? [] : [until.getTime()]));
  const isKnown = notes.length === 0 && ends.length > 0;
  return { until: isKnown ? new Date(Math.max(...ends)).toISOString() : null, notes: notes.map(capitalised) };
}

function capitalised(sentence: string): string {
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
}
