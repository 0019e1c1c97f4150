import { unattendedOff, unattendedSet, type UnattendedSource } from '../../protocol/methods/unattended.ts';
import type { Call } from '../call.ts';
import { quoted } from '../../client/shown/text.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

const switchedOn = 'The daemon unlocks itself from its next start on';

export async function passphraseFile(call: Call, session: Session): Promise<Result> {
  const path = session.resolvePath(call.argument('FILE'));
  return await set(session, { kind: 'passphraseFile', path }, `${switchedOn}, with the first line of ${quoted(path)}.`);
}

export async function command(call: Call, session: Session): Promise<Result> {
  const typed = call.argument('COMMAND');
  if (typed.trim() === '') throw call.problem('COMMAND is empty');
  return await set(session, { kind: 'command', command: typed }, `${switchedOn}, with what that command writes.`);
}

export async function off(_call: Call, session: Session): Promise<Result> {
  const document = await session.call(unattendedOff, {});
  const sentence = document.wasOn ? 'From its next start on the daemon is locked until you unlock it.' : 'It was off already.';
  return { document, lines: [sentence], isNotice: true };
}

async function set(session: Session, source: UnattendedSource, sentence: string): Promise<Result> {
  const document = await session.ask(unattendedSet, () => ({ source }));
  return { document, lines: [sentence], isNotice: true };
}
