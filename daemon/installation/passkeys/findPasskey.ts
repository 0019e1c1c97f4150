import { HoldfastError } from '../../../protocol/errors.ts';
import type { SlotId } from '../../../protocol/ids.ts';
import type { PasskeyRecord, PasskeyStore } from '../../catalog/passkeyStore.ts';
import { resolveReference } from '../reference.ts';

/** Names of retired ones are free again; a retired one is found by its id. Throws `unknownName`, `ambiguousName`. */
export function resolvePasskey(passkeys: PasskeyStore, reference: string): PasskeyRecord {
  const named = passkeys.list().map((record) => ({ id: record.slotId, name: record.state === 'retired' ? '' : record.name, record }));
  return resolveReference('passkey', reference, named).record;
}

/** Throws `unknownName`. */
export function knownPasskey(passkeys: PasskeyStore, slotId: SlotId): PasskeyRecord {
  const record = passkeys.get(slotId);
  if (record === undefined) throw new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none.`);
  return record;
}
