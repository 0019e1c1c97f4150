import { HoldfastError } from '../../../protocol/errors.ts';
import { minuteOf } from '../../../protocol/wording.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import { shownOutsideKey } from '../../keys/gate/outsideKey.ts';
import type { GateDecision } from '../../keys/gate/retirementGate.ts';
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
      reasons: reasons.map(({ what, until }) => ({ what, until: until?.toISOString() ?? null })),
    },
  });
}
