import { HoldfastError } from '../../protocol/errors.ts';
import { generatePassphrase } from '../../protocol/generatedPassphrase.ts';
import { sessionInit } from '../../protocol/methods/session.ts';
import { refuseWeakPassphrase } from '../../protocol/passphraseRule.ts';
import type { Call } from '../call.ts';
import { newName } from '../names.ts';
import { escaped } from '../../client/shown/text.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

export async function init(call: Call, session: Session): Promise<Result> {
  const kind = call.text('--passkey-kind') ?? 'passphrase';
  if (kind !== 'passphrase') {
    throw new HoldfastError('notInThisVersion', `Failed to set up: --passkey-kind ${kind} is not in this version.`, {
      fix: 'Leave it out: the first passkey is a passphrase.',
    });
  }
  const passkeyName = newName('passkey', call.text('--passkey-name') ?? 'passphrase');
  const file = call.text('--passphrase-file');
  const generated = file === undefined ? generatePassphrase((below) => session.host.random(below)) : undefined;
  const passphrase =
    generated === undefined
      ? await session.secrets.find({ what: 'the passphrase', file, flag: '--passphrase-file', question: 'Passphrase' })
      : session.secrets.keep(Buffer.from(generated, 'utf8'));
  if (passphrase === undefined) throw call.problem('a passphrase is missing');
  if (generated === undefined) refuseWeakPassphrase(passphrase);
  const { installationId, passkey, slotId } = await session.call(sessionInit, {
    requestId: session.host.uuid(),
    passkeyName,
    passphrase: await session.sendSecret(passphrase),
  });
  const { style } = session;
  return {
    document: { installationId, passkey, slotId, ...(generated === undefined ? {} : { passphrase: generated }) },
    lines: [
      `Set up installation ${installationId} with the passkey ${style.bold(escaped(passkey))}. The daemon is unlocked.`,
      ...(generated === undefined
        ? []
        : [
            '',
            `The passphrase, shown this once: ${style.bold(generated)}`,
            style.warning('Keep it somewhere safe: without it, nothing opens the backups.'),
          ]),
      '',
      'Next: holdfast location add filesystem NAME --path DIR',
    ],
    isNotice: generated === undefined,
  };
}
