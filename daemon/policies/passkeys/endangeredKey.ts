import { awsCancelDeletionCommand, awsEnableCommand, vaultMinimumCommand } from '../../../protocol/keyCommands.ts';
import type { KeyAccess } from '../../../protocol/keyServices.ts';
import { counted, minuteOf, shellWord } from '../../../protocol/wording.ts';
import type { KeyProblem } from '../../keys/agent/keyProblem.ts';
import type { GateDecision, LockedKeyring } from '../../keys/gate/retirementGate.ts';
import type { Slot } from '../../keys/slot.ts';
import { endingClause, type EndingKind, isEnding } from './problemWords.ts';

export interface EndangeredKey {
  readonly name: string;
  readonly slot: Slot;
  readonly access: KeyAccess | undefined;
  readonly problem: KeyProblem;
  readonly decision: GateDecision;
  /** What is locked and opens with it. */
  readonly locked: readonly LockedKeyring[];
}

export interface Warning {
  readonly message: string;
  readonly fix: string;
  readonly safeUntil?: string;
}

/** What is told of a key outside that is ended while it is needed; `undefined` where it is not ended, or the gate has nothing against it. */
export function endangeredWarning(key: EndangeredKey): Warning | undefined {
  const { name, problem, decision } = key;
  const { kind, until } = problem;
  if (!isEnding(kind) || decision.allowed) return undefined;
  return {
    message: `The key of the passkey ${name} ${endingClause(kind, until)}, and it is needed: ${lossOf(key)}. ${undoableOf(kind, until)}.`,
    fix: cureOf(kind, key),
    ...(kind === 'pendingDeletion' && until !== null ? { safeUntil: until } : {}),
  };
}

function lossOf({ decision: { left }, locked: holders }: EndangeredKey): string {
  // The lock of the newest is extended: its end is no date.
  const ends = holders.map(({ until, isNewest }) => (isNewest ? undefined : until?.getTime()) ?? Number.POSITIVE_INFINITY);
  const last = Math.max(...ends);
  const until = Number.isFinite(last) ? ` until ${minuteOf(new Date(last).toISOString())}` : '';
  const locked =
    holders.length === 0
      ? ''
      : `, ${counted(holders.length, 'locked keyring')} that ${holders.length === 1 ? 'holds' : 'hold'} it${until} included`;
  if (left === 0) return `no other passkey is verified, so without it everything that is stored is lost${locked}`;
  return `only ${counted(left, 'other key or passphrase', 'other keys or passphrases')} still ${left === 1 ? 'opens' : 'open'} what is stored${locked}`;
}

function undoableOf(kind: EndingKind, until: string | null): string {
  switch (kind) {
    case 'keyDisabled':
    case 'versionTooOld':
      return 'That can be undone for as long as the key is there';
    case 'pendingDeletion':
      return until === null ? 'That can be undone until it is deleted' : `That can be undone until ${minuteOf(until)}`;
    case 'keyMissing':
    case 'versionTrimmed':
      return 'That can not be undone, except from a backup of the key service';
  }
}

function cureOf(kind: EndingKind, { name, slot, access, problem, decision }: EndangeredKey): string {
  const command = commandOf(kind, slot, access);
  const verify = `"holdfast passkey verify ${shellWord(name)}"`;
  if (command !== undefined) return `Have this run: ${command} and then ${verify}.`;
  if (kind === 'keyDisabled' || kind === 'pendingDeletion') return problem.fix;
  return decision.left === 0
    ? 'Leave the daemon unlocked, and add another passkey now: "holdfast passkey add".'
    : `Use another passkey: "holdfast passkey use NAME", and add one in place of this.`;
}

function commandOf(kind: EndingKind, slot: Slot, access: KeyAccess | undefined): string | undefined {
  if (slot.kind === 'awsKms') {
    const place = { ...slot.reference, endpoint: access?.kind === 'awsKms' ? access.endpoint : null };
    if (kind === 'keyDisabled') return awsEnableCommand(place);
    return kind === 'pendingDeletion' ? awsCancelDeletionCommand(place) : undefined;
  }
  return slot.kind === 'vaultTransit' && kind === 'versionTooOld' ? vaultMinimumCommand(slot.reference, slot.reference.version) : undefined;
}
