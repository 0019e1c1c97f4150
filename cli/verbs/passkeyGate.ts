import { HoldfastError } from '../../protocol/errors.ts';
import { passkeyGate, passkeyRetire } from '../../protocol/methods/passkeys.ts';
import { escaped } from '../../client/shown/text.ts';
import type { Call } from '../call.ts';
import { reference } from '../names.ts';
import { commandLines, gateLines } from '../passkeyTexts.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

/** The document is the answer, so the exit status is 0 whatever it says. */
export async function gate(call: Call, session: Session): Promise<Result> {
  const passkey = named(call);
  const document = await session.ask(passkeyGate, () => ({ passkey }));
  return { document, lines: gateLines(passkey, document, session.style) };
}

export async function retire(call: Call, session: Session): Promise<Result> {
  const name = named(call);
  const endsKey = call.isOn('--end-key');
  if (endsKey && !session.globals.yes) await agreeToEnd(name, session);
  const passkey = await session.ask(passkeyRetire, (confirmed) => ({
    passkey: name,
    confirmed: confirmed || endsKey,
    ...(endsKey ? { outside: 'end' } : {}),
  }));
  const outside = passkey.kind === 'passphrase' || endsKey ? [] : await commandsToEnd(passkey.slotId, session);
  return {
    document: { ...passkey, commands: outside },
    lines: [`Retired the passkey ${escaped(passkey.name)}.`, ...commandLines(outside)],
    isNotice: true,
  };
}

/** Asked only where the gate lets it: refusals come before questions. */
async function agreeToEnd(passkey: string, session: Session): Promise<void> {
  const { allowed, commands } = await session.call(passkeyGate, { passkey });
  if (!allowed) return;
  const { Asking } = await import('../asking.ts');
  const does = commands.length === 0 ? '' : ` by ${commands.join('; ')}`;
  await new Asking(session).confirm(
    new HoldfastError(
      'confirmationNeeded',
      `The passkey ${passkey} is retired, and its key outside ends${does}: what was wrapped with that key alone can be opened no more.`,
    ),
  );
}

async function commandsToEnd(slotId: string, session: Session): Promise<readonly string[]> {
  const { allowed, commands } = await session.call(passkeyGate, { passkey: slotId });
  return allowed ? commands : [];
}

function named(call: Call): string {
  return reference('passkey', call.argument('NAME'));
}
