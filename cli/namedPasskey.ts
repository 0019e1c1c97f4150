import { HoldfastError } from '../protocol/errors.ts';
import { type Passkey, passkeyList } from '../protocol/methods/passkeys.ts';
import { quoted } from '../client/shown/text.ts';
import { reference } from './names.ts';
import type { Session } from './session.ts';

/** As the daemon has it. */
const shortestPrefix = 4;

/** The one in use, then the others; none that is retired. */
export async function usablePasskeys(session: Session): Promise<readonly Passkey[]> {
  const all = await session.list(passkeyList, {});
  return all.filter(({ state }) => state !== 'retired').toSorted((a, b) => Number(b.inUse) - Number(a.inUse));
}

/** By its name, its id or a prefix of it, as the daemon finds it: a retired one by its id alone. Errors: `unknownName`, `ambiguousName`. */
export async function namedPasskey(typed: string, session: Session): Promise<Passkey> {
  const wanted = reference('passkey', typed);
  const all = await session.list(passkeyList, {});
  const exact = all.find(({ name, state }) => name === wanted && state !== 'retired') ?? all.find(({ slotId }) => slotId === wanted);
  if (exact !== undefined) return exact;
  const byPrefix = wanted.length < shortestPrefix ? [] : all.filter(({ slotId }) => slotId.startsWith(wanted));
  const [only] = byPrefix;
  if (only !== undefined && byPrefix.length === 1) return only;
  if (only !== undefined) {
    throw HoldfastError.failedTo('ambiguousName', `find passkey ${quoted(typed)}`, `${byPrefix.length} ids begin with it`, {
      fix: 'Type more of the id.',
    });
  }
  const retired = all.filter(({ name }) => name === wanted).map(({ slotId }) => slotId);
  if (retired.length > 0) {
    const cause = retired.length === 1 ? 'the only one of that name is retired' : 'all of that name are retired';
    const fix = `${retired.length === 1 ? 'Its id finds it' : 'Their ids find them'}: ${retired.join(', ')}.`;
    throw HoldfastError.failedTo('unknownName', `find passkey ${quoted(typed)}`, cause, { fix });
  }
  throw HoldfastError.failedTo('unknownName', `find passkey ${quoted(typed)}`, 'there is none of that name or id', {
    fix: '"holdfast passkey list" shows what there is.',
  });
}
