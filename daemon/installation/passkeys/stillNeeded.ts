import { HoldfastError } from '../../../protocol/errors.ts';
import { minuteOf } from '../../../protocol/wording.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import { shownOutsideKey } from '../../keys/gate/outsideKey.ts';
import type { GateDecision, GateReason } from '../../keys/gate/retirementGate.ts';
import { slotOf } from '../slotOf.ts';

/** While what is locked needs the key outside. */
export function stillNeeded(record: PasskeyRecord, { from, reasons }: GateDecision): HoldfastError {
  const slot = slotOf(record.slotId, record.slot);
  const key = slot.kind === 'passphrase' ? 'it' : shownOutsideKey(slot);
  const cause =
    from === null
      ? `${key} is needed: ${reasons.map(({ what }) => what).join(', ')}`
      : `what is locked needs ${key} until ${minuteOf(from.toISOString())}`;
  return HoldfastError.failedTo('refusedByRule', `retire passkey ${record.name}`, cause, {
    fix:
      from === null
        ? `See "holdfast passkey gate" for what needs it.`
        : `Retire it from then on, and let nobody end that key before; or verify a second passkey that does not need it.`,
    details: {
      from: from?.toISOString() ?? null,
      reasons: reasons.map(shownReason),
    },
  });
}

/** The passkey is retired, and its key outside is not ended: `behind` names the locations that the newest keyring has not reached. */
export function keyStays(record: PasskeyRecord, reasons: readonly GateReason[], behind: readonly string[]): HoldfastError {
  const cause = reasons.length > 0 ? reasons.map(({ what }) => what).join(', ') : `the newest keyring has not reached ${behind.join(', ')}`;
  return HoldfastError.failedTo('refusedByRule', `end the key outside of passkey ${record.name}`, cause, {
    fix: `The passkey is retired and its key is as it was. Once that is no more so, run "holdfast passkey retire ${record.slotId} --end-key".`,
    details: { reasons: reasons.map(shownReason), behind },
  });
}

/** Where the Vault key goes on being needed by nobody, it ends as a whole, and others may use it too: that is for whoever runs Vault. */
export const nothingToRaise: GateReason = {
  what: 'no passkey is at a later version of its Vault key, so there is nothing to raise min_decryption_version to',
  until: null,
};

function shownReason({ what, until }: GateReason): { readonly what: string; readonly until: string | null } {
  return { what, until: until?.toISOString() ?? null };
}
