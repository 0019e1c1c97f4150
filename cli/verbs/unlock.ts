import { HoldfastError } from '../../protocol/errors.ts';
import type { Passkey } from '../../protocol/methods/passkeys.ts';
import { sessionStatus, sessionUnlock, type UnlockResult } from '../../protocol/methods/session.ts';
import { clipped, escaped } from '../../client/shown/text.ts';
import type { Call } from '../call.ts';
import { namedPasskey, usablePasskeys } from '../namedPasskey.ts';
import { reference } from '../names.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { chosenWays, isKeyAsked, shellWays, type Way } from '../waysToUnlock.ts';

const triesOnTerminal = 3;
const shownLimit = 2000;

export async function unlock(call: Call, session: Session): Promise<Result> {
  const file = call.text('--passphrase-file');
  const named = call.text('--passkey');
  const isChosen = isKeyAsked(call);
  if (file !== undefined) {
    const only = named === undefined ? undefined : reference('passkey', named);
    return resultOf(await openWithPassphrase(only, file, session));
  }
  const now = await session.call(sessionStatus, {});
  if (now.state === 'unlocked')
    return resultOf({ state: now.state, passkeyInUse: now.passkeyInUse ?? '', alreadyUnlocked: true, stepUpUntil: null });
  if (now.state === 'notSetUp')
    throw new HoldfastError('notSetUp', 'Failed to unlock: nothing is set up yet.', { fix: 'Run holdfast init.' });
  const passkeys = named === undefined ? await usablePasskeys(session) : [await namedPasskey(named, session)];
  const only = named === undefined ? undefined : passkeys[0];
  const unlocked = isChosen
    ? await openInTurn(await chosenWays(call, passkeys, session), session)
    : await openAsUsual(call, passkeys, only?.slotId, session);
  return resultOf(unlocked, only?.name);
}

/** The slot in use, then the others. A passphrase can be asked for on a terminal alone. */
async function openAsUsual(call: Call, passkeys: readonly Passkey[], only: string | undefined, session: Session): Promise<UnlockResult> {
  const hasService = passkeys.some(({ kind }) => kind !== 'passphrase');
  const hasPassphrase = passkeys.some(({ kind }) => kind === 'passphrase');
  const canAsk = hasPassphrase && session.host.in.isTerminal;
  const isPassphraseFirst = !hasService || passkeys[0]?.kind === 'passphrase';
  if (isPassphraseFirst && (canAsk || !hasService)) return await openWithPassphrase(only, undefined, session);
  try {
    const ways = shellWays(call, passkeys, session);
    return await openInTurn([...ways, only === undefined ? {} : { passkey: only }], session);
  } catch (error) {
    const isService = HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable', 'wrongSecret');
    if (!canAsk || !isService) throw error;
    await session.host.err.write(`${clipped(escaped(error.message), shownLimit)}\n`);
    return await openWithPassphrase(only, undefined, session);
  }
}

/** One way after the other; where none opens, what the first of them failed with. */
async function openInTurn(ways: readonly Way[], session: Session): Promise<UnlockResult> {
  let first: unknown;
  for (const { passkey, login } of ways) {
    try {
      return await session.call(sessionUnlock, {
        ...(passkey === undefined ? {} : { passkey }),
        ...(login === undefined ? {} : { access: login.access }),
        ...(login?.secrets === undefined ? {} : { credentials: await session.sendSecret(login.secrets) }),
      });
    } catch (error) {
      if (!HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable', 'wrongSecret')) throw error;
      first ??= error;
    }
  }
  throw first;
}

async function openWithPassphrase(passkey: string | undefined, file: string | undefined, session: Session): Promise<UnlockResult> {
  const only = passkey === undefined ? {} : { passkey };
  for (let tries = 1; ; tries += 1) {
    const passphrase = await session.secrets.find({ what: 'the passphrase', file, flag: '--passphrase-file', question: 'Passphrase' });
    if (passphrase === undefined) {
      throw new HoldfastError('locked', 'Failed to unlock: no passphrase was given.', {
        fix: 'Name a file with --passphrase-file F, or - for standard input.',
      });
    }
    try {
      return await session.call(sessionUnlock, { ...only, passphrase: await session.sendSecret(passphrase) });
    } catch (error) {
      if (file !== undefined || tries === triesOnTerminal || !HoldfastError.is(error, 'wrongSecret')) throw error;
      await session.host.err.write(`${escaped(error.message)}\n`);
    }
  }
}

/** `opener`: the one that was named. */
function resultOf(unlocked: UnlockResult, opener?: string): Result {
  const by = opener === undefined || opener === unlocked.passkeyInUse ? '' : ` with ${escaped(opener)}`;
  const sentence = unlocked.alreadyUnlocked
    ? 'Already unlocked.'
    : `Unlocked${by}. The passkey in use is ${escaped(unlocked.passkeyInUse)}.`;
  return { document: unlocked, lines: [sentence], isNotice: true };
}
