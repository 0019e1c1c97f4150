import { HoldfastError } from '../../../protocol/errors.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { ServiceKeyRecord } from '../../catalog/serviceKeyStore.ts';
import { factsIn } from '../../installation/passkeys/passkeyRow.ts';
import type { Installation } from '../../installation/installation.ts';
import { readableSlot } from '../../installation/slotOf.ts';
import type { VaultTokenFacts } from '../../keys/agent/keyFacts.ts';
import { targetOf } from '../../keys/agent/runKeyAgent.ts';
import { actOnKey } from '../../keys/passkeys/serviceSlot.ts';
import { type EndingToken, hasEnd, hasGained, isRenewable, isRenewalDue } from './tokenLife.ts';

/** Of a passkey whose token lives from one login to the next. */
export function tokenOf(service: ServiceKeyRecord | undefined): VaultTokenFacts | null {
  const facts = factsIn(service);
  return facts?.kind === 'vaultTransit' ? facts.token : null;
}

/** The token of a passkey that is to be renewed now; `undefined` where there is none, or it can not be. */
export function tokenToRenew({ catalog }: Pick<Installation, 'catalog'>, { slotId }: PasskeyRecord, now: Date): EndingToken | undefined {
  const service = catalog.serviceKeys.get(slotId);
  const token = tokenOf(service);
  if (service === undefined || service.problem !== null || !hasEnd(token)) return undefined;
  return isRenewable(token, service.tokenStuckAt) && isRenewalDue(token, now) ? token : undefined;
}

/**
 * Renews it, and looks at its end again: Vault renews without a word what has reached its longest life. Rejects with `keyServiceUnavailable`; a refusal is
 * written down as an end that can not be moved.
 */
export async function renewToken(
  installation: Installation,
  passkey: PasskeyRecord,
  token: EndingToken,
  signal: AbortSignal,
): Promise<void> {
  const { serviceKeys } = installation.catalog;
  const { slotId } = passkey;
  const slot = readableSlot(passkey.slot);
  if (slot === undefined || slot.kind === 'passphrase') return;
  try {
    const facts = await actOnKey(targetOf(slot), { act: 'renewToken' }, installation.slotKeys.reach(slot, {}, signal));
    const after = facts.kind === 'vaultTransit' ? facts.token : null;
    const tokenStuckAt = hasGained(token, after) ? null : (after?.expiresAt ?? null);
    serviceKeys.change(slotId, { facts: JSON.stringify(facts), tokenStuckAt });
  } catch (error) {
    signal.throwIfAborted();
    if (!HoldfastError.is(error, 'keyServiceRefused')) throw error;
    serviceKeys.change(slotId, { tokenStuckAt: token.expiresAt });
  }
}
