import { weakPassphraseWarning } from '../protocol/passphraseRule.ts';
import type { Session } from './session.ts';

/** Says on standard error that a new passphrase is weak; nothing where it is not. */
export async function warnOfWeakPassphrase(passphrase: Uint8Array, session: Session): Promise<void> {
  const warning = weakPassphraseWarning(passphrase);
  if (warning !== undefined) await session.note(session.style.warning(warning));
}
