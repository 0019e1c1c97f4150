import type { Passkey } from '../protocol/methods/passkeys.ts';
import { escaped } from '../client/shown/text.ts';
import { awsLoginFlags, typedAwsLogin } from './awsKey.ts';
import type { Call } from './call.ts';
import type { ServiceLogin } from './serviceKey.ts';
import type { Session } from './session.ts';
import { otherAddress, typedAddress, typedVaultLogin, vaultLoginFlags } from './vaultKey.ts';

const vaultFlags = [...vaultLoginFlags, '--address', '--ca-file'] as const;

/** The login that a passkey at a key service is to have from now on, by the flags; `undefined` where none was given. Errors: `usage`, `badValue`. */
export async function newLogin(call: Call, passkey: Passkey, session: Session): Promise<ServiceLogin | undefined> {
  const { kind, name, reference } = passkey;
  const [misfit] = (kind === 'awsKms' ? vaultFlags : kind === 'vaultTransit' ? awsLoginFlags : [...awsLoginFlags, ...vaultFlags]).filter(
    (flag) => call.isGiven(flag),
  );
  if (misfit !== undefined) {
    const what = kind === 'awsKms' ? 'a key of AWS KMS' : kind === 'vaultTransit' ? 'a key of Vault' : 'a passphrase';
    throw call.problem(`the passkey ${escaped(name)} is ${what}`, `Leave ${misfit} out.`);
  }
  if (kind !== 'vaultTransit') return kind === 'awsKms' ? await typedAwsLogin(call, session) : undefined;
  const [typed, address] = [call.text('--address'), reference['address']];
  if (typed !== undefined && typedAddress(typed, call) !== address) {
    throw otherAddress(typed, typeof address === 'string' ? [address] : [], 'log in');
  }
  return await typedVaultLogin(call, session);
}
