import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type InstallationId } from '../../../protocol/ids.ts';
import type { PasskeyCheck, PasskeyCheckResult } from '../../../protocol/methods/passkeys.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';
import { MasterKey } from '../../keys/masterKey.ts';
import { referenceOf } from './passkeyRow.ts';
import { openingOf, type ServiceSlotKey, type SlotKeys } from './slotKeys.ts';

/** No installation has it: what is wrapped here is a key that is thrown away. */
const nobody = idOf<InstallationId>('00000000-0000-4000-8000-000000000000');

/** Looks at the key, then wraps a random key with it and unwraps that again, so that each right that is needed has been used once. */
export async function checkServiceKey(key: ServiceSlotKey, slotKeys: SlotKeys, signal: AbortSignal): Promise<PasskeyCheckResult> {
  using masterKey = MasterKey.generate(nobody);
  let facts: KeyFacts | null = null;
  let reference: PasskeyCheckResult['reference'] = null;
  const checks: PasskeyCheck[] = [];
  const tried = async (check: string, passed: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      checks.push({ check, result: 'passed', detail: passed, fix: null });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!HoldfastError.is(error)) throw error;
      checks.push({ check, result: 'failed', detail: error.reason, fix: error.fix ?? null });
      return false;
    }
  };
  const isSeen = await tried('key', 'The key is there, and of a kind that can wrap.', async () => {
    facts = await slotKeys.describe(key, signal);
  });
  const isDone =
    isSeen &&
    (await tried('wrap and unwrap', 'It wraps a key and gives the same one back.', async () => {
      const slot = await slotKeys.make(key, masterKey, signal);
      using opened = await slotKeys.open(nobody, slot, openingOf(key), signal);
      if (opened?.hasId(masterKey.masterKeyId) !== true)
        throw HoldfastError.failedTo('keyServiceRefused', 'unwrap', 'another key came back');
      reference = referenceOf(slot, facts);
    }));
  if (!isSeen) checks.push({ check: 'wrap and unwrap', result: 'notChecked', detail: 'The key could not be looked at.', fix: null });
  return { checks, reference: isDone ? reference : null };
}
