import type { Flag } from './verb.ts';

export const passphraseFile: Flag = {
  flag: '--passphrase-file',
  value: 'F',
  about: 'file whose first line is the passphrase, - for standard input',
};
