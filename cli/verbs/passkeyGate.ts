import { HoldfastError } from '../../protocol/errors.ts';
import { passkeyGate, passkeyRetire, type RetiredPasskey } from '../../protocol/methods/passkeys.ts';
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
  const isAgreed = endsKey && !session.globals.yes && (await isEndAgreed(name, session));
  const passkey = await refusedByGate(
    session.ask(passkeyRetire, (confirmed) => ({
      passkey: name,
      confirmed: confirmed || isAgreed,
      ...(endsKey ? { outside: 'end' } : {}),
    })),
  );
  const commands = passkey.kind === 'passphrase' || passkey.outside === 'ended' ? [] : await commandsToEnd(passkey.slotId, session);
  return {
    document: { ...passkey, commands },
    lines: [`Retired the passkey ${escaped(passkey.name)}.`, ...outsideLines(passkey), ...commandLines(commands, 'now')],
    isNotice: true,
  };
}

/** Where nobody can be asked whether keyrings shall leave it out, what the gate says is the answer: a refusal by rule, as it is for who has agreed. */
async function refusedByGate(retired: Promise<RetiredPasskey>): Promise<RetiredPasskey> {
  try {
    return await retired;
  } catch (error) {
    const asked = HoldfastError.is(error, 'confirmationNeeded') ? error.cause : undefined;
    if (!HoldfastError.is(asked) || asked.details?.['reasons'] === undefined) throw error;
    throw new HoldfastError('refusedByRule', asked.message, {
      details: asked.details,
      ...(asked.fix === undefined ? {} : { fix: asked.fix }),
    });
  }
}

function outsideLines({ kind, outside, reasons }: RetiredPasskey): readonly string[] {
  if (outside === null) return [];
  if (kind === 'passphrase') return ['It had no key outside to end.'];
  if (outside === 'ended') return ['Its key outside ends too.'];
  return [`Its key outside goes on: ${reasons.map(({ what }) => escaped(what)).join(', ')}.`];
}

/** Asked only where the gate lets it, and nothing is agreed to where it does not: refusals come before questions, and the daemon puts its own. */
async function isEndAgreed(passkey: string, session: Session): Promise<boolean> {
  const { allowed, commands } = await session.call(passkeyGate, { passkey });
  if (!allowed) return false;
  const { Asking } = await import('../asking.ts');
  const does = commands.length === 0 ? '' : ` by ${commands.join('; ')}`;
  await new Asking(session).confirm(
    new HoldfastError(
      'confirmationNeeded',
      `The passkey ${passkey} is retired, and its key outside ends${does}: what was wrapped with that key alone can be opened no more. Of another installation that uses the same key nothing is known here.`,
    ),
  );
  return true;
}

async function commandsToEnd(slotId: string, session: Session): Promise<readonly string[]> {
  const { allowed, commands } = await session.call(passkeyGate, { passkey: slotId });
  return allowed ? commands : [];
}

function named(call: Call): string {
  return reference('passkey', call.argument('NAME'));
}
