import { type Passkey, passkeyAdd } from '../../protocol/methods/passkeys.ts';
import { escaped } from '../../client/shown/text.ts';
import { typedAwsKey } from '../awsKey.ts';
import type { Call } from '../call.ts';
import { newName } from '../names.ts';
import { referenceText, warningLines } from '../passkeyTexts.ts';
import type { Result } from '../result.ts';
import type { ServiceKey } from '../serviceKey.ts';
import type { Session } from '../session.ts';
import { typedVaultKey } from '../vaultKey.ts';

export async function addAwsKms(call: Call, session: Session): Promise<Result> {
  const name = newName('passkey', call.argument('NAME'));
  return await add(name, await typedAwsKey(call, session), call, session);
}

export async function addVaultTransit(call: Call, session: Session): Promise<Result> {
  const name = newName('passkey', call.argument('NAME'));
  return await add(name, await typedVaultKey(call, session), call, session);
}

async function add(name: string, key: ServiceKey, call: Call, session: Session): Promise<Result> {
  const { target, access, secrets } = key;
  const passkey = await session.ask(passkeyAdd, async () => ({
    requestId: session.host.uuid(),
    name,
    target,
    access,
    ...(secrets === undefined ? {} : { credentials: await session.sendSecret(secrets) }),
    useNow: call.isOn('--use-now'),
  }));
  return {
    document: passkey,
    lines: [
      `Added the passkey ${escaped(passkey.name)}${passkey.inUse ? '; it is in use now' : ''}: ${referenceText(passkey)}.`,
      ...keySentences(passkey, key, session),
    ],
    isNotice: true,
  };
}

/** What has to be known of a passkey that was just made. */
export function keySentences(passkey: Passkey, { isTemporary }: Pick<ServiceKey, 'isTemporary'>, { style }: Session): readonly string[] {
  return [
    ...warningLines([passkey], style),
    ...(isTemporary ? [style.warning('Its credentials are temporary: once they have run out it opens nothing by itself.')] : []),
  ];
}
