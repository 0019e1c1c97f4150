import { HoldfastError } from '../../../protocol/errors.ts';
import type { GateReason as ShownReason } from '../../../protocol/methods/passkeys.ts';
import { minuteOf, shellWord } from '../../../protocol/wording.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import { shownOutsideKey } from '../../keys/gate/outsideKey.ts';
import type { GateDecision, GateReason } from '../../keys/gate/retirementGate.ts';
import { slotOf } from '../slotOf.ts';

/** While what is locked needs the key outside. */
export function stillNeeded(record: PasskeyRecord, decision: GateDecision): HoldfastError {
  const { from } = decision;
  const isLeftOut = record.leftKeyringsAt !== null;
  const takesBack = `"holdfast passkey use ${shellWord(record.name)}" takes it back`;
  const cause = `${needed(record, decision)}${isLeftOut ? '; new keyrings leave it out from now on' : ''}`;
  const way =
    from === null
      ? `See "holdfast passkey gate ${shellWord(record.name)}" for what needs it`
      : 'Retire it from then on, and let nobody end that key before; or verify a second passkey that does not need it';
  return HoldfastError.failedTo('refusedByRule', `retire passkey ${record.name}`, cause, {
    fix: `${way}.${isLeftOut ? ` To keep it: ${takesBack}.` : ''}`,
    details: { ...shown(decision), isLeftOut },
  });
}

/** Before new keyrings leave it out: that is for the user to say. */
export function leavesKeyrings(record: PasskeyRecord, decision: GateDecision): HoldfastError {
  const cause = `${needed(record, decision)}. It can be asked for all the same: new keyrings leave it out from then on, so that a date stands, and nothing counts on it any more`;
  return HoldfastError.failedTo('confirmationNeeded', `retire passkey ${record.name}`, cause, {
    fix: 'Confirm with `--yes`, or leave it as it is.',
    details: shown(decision),
  });
}

const retiredAlone = 'the passkey is retired; its key outside is not ended';

/** The passkey is retired, and its key outside is not ended: `behind` names the locations that the newest keyring has not reached. */
export function keyStays(record: PasskeyRecord, reasons: readonly GateReason[], behind: readonly string[]): HoldfastError {
  const cause = reasons.length > 0 ? reasons.map(({ what }) => what).join(', ') : `the newest keyring has not reached ${behind.join(', ')}`;
  return HoldfastError.failedTo('refusedByRule', `end the key outside of passkey ${record.name}`, `${retiredAlone}: ${cause}`, {
    fix: `Once that is no more so, ${endsKey(record)}.`,
    details: { reasons: reasons.map(shownReason), behind },
  });
}

/** As `keyStays`, where the key service did not do it. */
export function keyIsLeft(record: PasskeyRecord, error: HoldfastError): HoldfastError {
  return HoldfastError.failedTo(error.code, `end the key outside of passkey ${record.name}`, `${retiredAlone}: ${error.reason}`, {
    fix: `Once that is mended, ${endsKey(record)}.`,
    details: error.details ?? {},
    cause: error,
  });
}

function endsKey({ slotId }: PasskeyRecord): string {
  return `run "holdfast passkey retire ${slotId} --end-key"`;
}

function needed(record: PasskeyRecord, { from, reasons }: GateDecision): string {
  const slot = slotOf(record.slotId, record.slot);
  const key = slot.kind === 'passphrase' ? 'it' : shownOutsideKey(slot);
  return from === null ? `${key} is needed: ${reasonText(reasons)}` : `what is locked needs ${key} until ${minuteOf(from.toISOString())}`;
}

/** The whole list is in the details. */
function reasonText([first, ...more]: readonly GateReason[]): string {
  return `${first?.what ?? 'what is stored needs it'}${more.length === 0 ? '' : `, and ${more.length} more`}`;
}

function shown({ from, reasons }: GateDecision): { readonly from: string | null; readonly reasons: readonly ShownReason[] } {
  return { from: from?.toISOString() ?? null, reasons: reasons.map(shownReason) };
}

/** Where the Vault key goes on being needed by nobody, it ends as a whole, and others may use it too: that is for whoever runs Vault. */
export const nothingToRaise: GateReason = {
  what: 'no passkey is at a later version of its Vault key, so there is nothing to raise min_decryption_version to',
  until: null,
};

export function shownReason({ what, until }: GateReason): ShownReason {
  return { what, until: until?.toISOString() ?? null };
}
