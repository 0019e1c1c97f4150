import { HoldfastError } from '../../protocol/errors.ts';
import { sessionStatus, sessionUnlock, type UnlockResult } from '../../protocol/methods/session.ts';
import type { Call } from '../call.ts';
import { reference } from '../names.ts';
import { escaped } from '../../client/shown/text.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

const triesOnTerminal = 3;

export async function unlock(call: Call, session: Session): Promise<Result> {
  const file = call.text('--passphrase-file');
  const passkey = call.text('--passkey');
  const only = passkey === undefined ? {} : { passkey: reference('passkey', passkey) };
  if (file === undefined) {
    const now = await session.call(sessionStatus, {});
    if (now.state === 'unlocked')
      return resultOf({ state: now.state, passkeyInUse: now.passkeyInUse ?? '', alreadyUnlocked: true, stepUpUntil: null });
    if (now.state === 'notSetUp')
      throw new HoldfastError('notSetUp', 'Failed to unlock: nothing is set up yet.', { fix: 'Run holdfast init.' });
  }
  for (let tries = 1; ; tries += 1) {
    const passphrase = await session.secrets.find({ what: 'the passphrase', file, flag: '--passphrase-file', question: 'Passphrase' });
    if (passphrase === undefined) {
      throw new HoldfastError('locked', 'Failed to unlock: no passphrase was given.', {
        fix: 'Name a file with --passphrase-file F, or - for standard input.',
      });
    }
    try {
      return resultOf(await session.call(sessionUnlock, { ...only, passphrase: await session.sendSecret(passphrase) }));
    } catch (error) {
      if (file !== undefined || tries === triesOnTerminal || !HoldfastError.is(error, 'wrongSecret')) throw error;
      await session.host.err.write(`${escaped(error.message)}\n`);
    }
  }
}

function resultOf(unlocked: UnlockResult): Result {
  const sentence = unlocked.alreadyUnlocked ? 'Already unlocked.' : `Unlocked with the passkey ${escaped(unlocked.passkeyInUse)}.`;
  return { document: unlocked, lines: [sentence], isNotice: true };
}
