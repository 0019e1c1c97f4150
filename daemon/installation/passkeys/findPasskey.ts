import { HoldfastError } from '../../../protocol/errors.ts';
import type { SlotId } from '../../../protocol/ids.ts';
import type { PasskeyRecord, PasskeyStore } from '../../catalog/passkeyStore.ts';
import { resolveReference } from '../reference.ts';

/** Names of retired ones are free again; a retired one is found by its id. Throws `unknownName`, `ambiguousName`. */
export function resolvePasskey(passkeys: PasskeyStore, reference: string): PasskeyRecord {
  const named = passkeys.list().map((record) => ({ id: record.slotId, name: record.state === 'retired' ? '' : record.name, record }));
  try {
    return resolveReference('passkey', reference, named).record;
  } catch (error) {
    const retired = passkeys.list().filter(({ name }) => name === reference);
    // Of what is retired a name that comes near would be another passkey, which is not to be retired or ended in its place.
    throw HoldfastError.is(error, 'unknownName') && retired.length > 0 ? isRetired(reference, retired) : error;
  }
}

function isRetired(name: string, records: readonly PasskeyRecord[]): HoldfastError {
  const ids = records.map(({ slotId }) => slotId);
  const isOne = ids.length === 1;
  const cause = isOne ? 'the only one of that name is retired' : 'all of that name are retired';
  return HoldfastError.failedTo('unknownName', `find passkey "${name}"`, cause, {
    fix: `${isOne ? 'Its id finds it' : 'Their ids find them'}: ${ids.join(', ')}.`,
    details: { candidates: ids },
  });
}

/** Throws `unknownName`. */
export function knownPasskey(passkeys: PasskeyStore, slotId: SlotId): PasskeyRecord {
  const record = passkeys.get(slotId);
  if (record === undefined) throw new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none.`);
  return record;
}
