import { generatePassphrase } from '../../protocol/generatedPassphrase.ts';
import { sessionInit } from '../../protocol/methods/session.ts';
import { escaped } from '../../client/shown/text.ts';
import { typedAwsKey } from '../awsKey.ts';
import type { Call } from '../call.ts';
import { awsKeyFlags, vaultKeyFlags } from '../grammar/keyFlags.ts';
import { namedPasskey } from '../namedPasskey.ts';
import { newName } from '../names.ts';
import { referenceText } from '../passkeyTexts.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { warnOfWeakPassphrase } from '../weakPassphrase.ts';
import { typedVaultKey } from '../vaultKey.ts';
import { keySentences } from './servicePasskey.ts';

const nextLine = 'Next: holdfast location add filesystem NAME --path DIR';

/** Flags that speak of one kind alone. */
const flagsOfKind: Readonly<Record<string, readonly string[]>> = {
  passphrase: ['--passphrase-file'],
  'aws-kms': awsKeyFlags.map(({ flag }) => flag),
  'vault-transit': vaultKeyFlags.map(({ flag }) => flag),
};

export async function init(call: Call, session: Session): Promise<Result> {
  const kind = call.text('--passkey-kind') ?? 'passphrase';
  for (const [other, flags] of Object.entries(flagsOfKind)) {
    const foreign = other === kind ? undefined : flags.find((flag) => call.isGiven(flag));
    if (foreign !== undefined)
      throw call.problem(`${foreign} is for --passkey-kind ${other}`, `Leave it out, or say --passkey-kind ${other}.`);
  }
  const passkeyName = newName('passkey', call.text('--passkey-name') ?? kind);
  return kind === 'passphrase' ? await initPassphrase(passkeyName, call, session) : await initKey(kind, passkeyName, call, session);
}

async function initKey(kind: string, passkeyName: string, call: Call, session: Session): Promise<Result> {
  const key = await (kind === 'aws-kms' ? typedAwsKey(call, session) : typedVaultKey(call, session));
  const { target, access, secrets } = key;
  const { installationId, passkey, slotId } = await session.call(sessionInit, {
    requestId: session.host.uuid(),
    passkeyName,
    key: { target, access, ...(secrets === undefined ? {} : { credentials: await session.sendSecret(secrets) }) },
  });
  const made = await namedPasskey(slotId, session);
  return {
    document: { installationId, passkey, slotId },
    lines: [
      `Set up installation ${installationId} with the passkey ${session.style.bold(escaped(passkey))}: ${referenceText(made)}. The daemon is unlocked.`,
      ...keySentences(made, key, session),
      session.style.warning('Whoever ends that key ends the backups: holdfast passkey add passphrase NAME makes a second way in.'),
      '',
      nextLine,
    ],
    isNotice: true,
  };
}

async function initPassphrase(passkeyName: string, call: Call, session: Session): Promise<Result> {
  const file = call.text('--passphrase-file');
  const generated = file === undefined ? generatePassphrase((below) => session.host.random(below)) : undefined;
  const passphrase =
    generated === undefined
      ? await session.secrets.find({ what: 'the passphrase', file, flag: '--passphrase-file', question: 'Passphrase' })
      : session.secrets.keep(Buffer.from(generated, 'utf8'));
  if (passphrase === undefined) throw call.problem('a passphrase is missing');
  if (generated === undefined) await warnOfWeakPassphrase(passphrase, session);
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
      nextLine,
    ],
    isNotice: generated === undefined,
  };
}
