import { passphraseFile } from './secretFlags.ts';
import type { Argument, Family } from './verb.ts';

const name: Argument = { name: 'NAME', about: 'the passkey: its name, its id or a prefix of it' };

export const passkeyFamily: Family = {
  heading: 'Passkeys',
  groups: [
    { path: 'passkey', summary: 'ways to open the master key' },
    { path: 'passkey add', summary: 'add a passkey' },
  ],
  verbs: [
    { path: 'passkey list', summary: 'list the passkeys', examples: [{ command: 'holdfast passkey list', about: '' }] },
    {
      path: 'passkey add passphrase',
      summary: 'add a passphrase',
      arguments: [{ name: 'NAME', about: 'name of the new passkey' }],
      flags: [passphraseFile, { flag: '--use-now', about: 'make it the one in use' }],
      examples: [
        { command: 'holdfast passkey add passphrase laptop', about: '' },
        { command: 'holdfast passkey add passphrase safe --passphrase-file F', about: 'one to lay in the safe' },
      ],
    },
    {
      path: 'passkey use',
      summary: 'make a passkey the one in use',
      arguments: [name],
      examples: [{ command: 'holdfast passkey use laptop', about: '' }],
    },
    {
      path: 'passkey verify',
      summary: 'prove that a passkey still opens the master key',
      arguments: [name],
      flags: [passphraseFile],
      examples: [{ command: 'holdfast passkey verify laptop', about: '' }],
    },
    {
      path: 'passkey rotate',
      summary: 'replace a passkey by a new one of its name',
      description:
        'Asks for the new passphrase. The new slot takes the name and is in use; the old one is kept as NAME@date until it is retired.',
      arguments: [name],
      flags: [
        { ...passphraseFile, about: 'file whose first line is the new passphrase, - for standard input' },
        { flag: '--every', value: 'DURATION', about: 'rotate on a schedule', isLater: true },
        { flag: '--schedule', about: 'end the schedule', isNegatable: true, isOnByDefault: true, isLater: true },
      ],
      examples: [{ command: 'holdfast passkey rotate laptop', about: '' }],
    },
    {
      path: 'passkey retire',
      summary: 'retire a passkey: it opens nothing new any more',
      arguments: [name],
      examples: [{ command: 'holdfast passkey retire laptop@2026-01-02 --yes', about: '' }],
    },
  ],
  later: ['passkey add aws-kms', 'passkey add vault-transit', 'passkey gate', 'passkey vault-policy', 'passkey aws-policy'],
};
