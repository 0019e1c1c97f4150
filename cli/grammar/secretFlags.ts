import type { Flag } from './verb.ts';

export const passphraseFile: Flag = {
  flag: '--passphrase-file',
  value: 'F',
  about: 'file whose first line is the passphrase, - for standard input',
};

const later = (flag: string, value: string, about: string): Flag => ({ flag, value, about, isLater: true });

/** The ways in of passkeys that are not passphrases. */
export const laterUnlockFlags: readonly Flag[] = [
  later('--token-file', 'F', 'file with a Vault token'),
  later('--role-id', 'ID', 'Vault AppRole'),
  later('--secret-id-file', 'F', 'file with the secret id of the AppRole'),
  later('--profile', 'P', 'profile of the AWS configuration'),
  later('--address', 'URL', 'where Vault is'),
  later('--ca-file', 'F', 'certificates to trust'),
];
