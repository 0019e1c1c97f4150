import { HoldfastError } from '../protocol/errors.ts';
import type { Passkey } from '../protocol/methods/passkeys.ts';
import { profileLogin, shellAwsLogin } from './awsKey.ts';
import type { Call } from './call.ts';
import type { ServiceLogin } from './serviceKey.ts';
import type { Session } from './session.ts';
import { otherAddress, shellVaultLogin, typedAddress, typedVaultLogin } from './vaultKey.ts';

/** One attempt: with this passkey or whichever, with this login or the one that is known of the passkey. */
export interface Way {
  readonly passkey?: string;
  readonly login?: ServiceLogin;
}

const keyFlags = ['--token-file', '--role-id', '--secret-id-file', '--profile', '--address', '--ca-file'] as const;

/** Whether the flags of `unlock` speak of a key at KMS or Vault. Errors: `usage` where they speak of a passphrase too. */
export function isKeyAsked(call: Call): boolean {
  const given = keyFlags.filter((flag) => call.isGiven(flag));
  if (given.length === 0) return false;
  if (call.isGiven('--passphrase-file')) {
    throw call.problem(`--passphrase-file and ${given.join(', ')} exclude each other`, 'Leave one of them out.');
  }
  if (call.isGiven('--profile') && given.length > 1) {
    throw call.problem(
      `--profile is for KMS, and ${given.filter((flag) => flag !== '--profile').join(', ')} for Vault`,
      'Leave one of them out.',
    );
  }
  return true;
}

/** By the flags. A login goes to one address alone: the one that was typed, which has to be a passkey's, else the first passkey's. */
export async function chosenWays(call: Call, passkeys: readonly Passkey[], session: Session): Promise<readonly Way[]> {
  const profile = call.text('--profile');
  const kind = profile === undefined ? 'vaultTransit' : 'awsKms';
  const ofKind = passkeys.filter((passkey) => passkey.kind === kind);
  if (ofKind.length === 0) {
    const service = kind === 'awsKms' ? 'a key of AWS KMS' : 'a key of Vault';
    throw HoldfastError.failedTo('badValue', 'unlock', `no passkey that was asked for is ${service}`, {
      fix: '"holdfast passkey list" shows what there is.',
    });
  }
  if (profile !== undefined) {
    const login = profileLogin(call, profile);
    return ofKind.map(({ slotId }) => ({ passkey: slotId, login }));
  }
  const typed = call.text('--address');
  const address = typed === undefined ? addressOf(ofKind[0]) : typedAddress(typed, call);
  const there = ofKind.filter((passkey) => addressOf(passkey) === address);
  if (there.length === 0)
    throw otherAddress(
      typed ?? '',
      ofKind.flatMap((passkey) => addressOf(passkey) ?? []),
    );
  const login = (await typedVaultLogin(call, session)) ?? shellLoginAt(address, call, session);
  return there.map(({ slotId }) => ({ passkey: slotId, ...(login === undefined ? {} : { login }) }));
}

/** With what the calling shell has. Its token goes to the address that it is for, or to that of the first passkey, and to no other. */
export function shellWays(call: Call, passkeys: readonly Passkey[], session: Session): readonly Way[] {
  const aws = passkeys.some(({ kind }) => kind === 'awsKms') ? shellAwsLogin(session) : undefined;
  const firstVault = passkeys.find(({ kind }) => kind === 'vaultTransit');
  const vault = firstVault === undefined ? undefined : shellVaultLogin(call, session);
  const vaultAddress = vault?.address ?? addressOf(firstVault);
  return passkeys.flatMap((passkey): readonly Way[] => {
    if (passkey.kind === 'awsKms') return aws === undefined ? [] : [{ passkey: passkey.slotId, login: aws }];
    if (vault === undefined || addressOf(passkey) !== vaultAddress) return [];
    return [{ passkey: passkey.slotId, login: vault.login }];
  });
}

function shellLoginAt(address: string | undefined, call: Call, session: Session): ServiceLogin | undefined {
  const vault = shellVaultLogin(call, session);
  return vault === undefined || (vault.address ?? address) !== address ? undefined : vault.login;
}

function addressOf(passkey: Passkey | undefined): string | undefined {
  const address = passkey?.kind === 'vaultTransit' ? passkey.reference['address'] : undefined;
  return typeof address === 'string' ? address : undefined;
}
