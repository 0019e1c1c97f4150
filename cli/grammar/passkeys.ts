import { awsKeyFlags, newLoginFlags, ofOneKind, vaultKeyFlags } from './keyFlags.ts';
import { passphraseFile } from './secretFlags.ts';
import type { Argument, Family, Flag } from './verb.ts';

const name: Argument = { name: 'NAME', about: 'the passkey: its name, its id or a prefix of it' };
const newName: Argument = { name: 'NAME', about: 'name of the new passkey' };
const useNow: Flag = { flag: '--use-now', about: 'make it the one in use' };

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
      arguments: [newName],
      flags: [passphraseFile, useNow],
      examples: [
        { command: 'holdfast passkey add passphrase laptop', about: '' },
        { command: 'holdfast passkey add passphrase safe --passphrase-file F', about: 'one to lay in the safe' },
      ],
    },
    {
      path: 'passkey add aws-kms',
      summary: 'add a key of AWS KMS',
      description:
        'The key wraps the master key, and never leaves KMS. It is looked at and tried first. Without a flag for credentials the AWS_… keys of this shell are handed over and sealed in the catalog, which a locked daemon can not read; where the shell has none, the daemon looks for credentials at each call as the AWS tools do. "holdfast passkey aws-policy" prints the rights that it takes.',
      arguments: [newName],
      flags: [...ofOneKind(awsKeyFlags, ['--key-id']), useNow],
      examples: [
        { command: 'holdfast passkey add aws-kms cloud --key-id alias/holdfast --region eu-west-1 --profile backup', about: '' },
        {
          command: 'holdfast passkey add aws-kms cloud --key-id alias/holdfast --region eu-west-1 --credentials chain --use-now',
          about: '',
        },
      ],
    },
    {
      path: 'passkey add vault-transit',
      summary: 'add a key of Vault or OpenBao (transit)',
      description:
        'The key wraps the master key, and never leaves Vault. It is looked at and tried first. Without a flag for the login VAULT_TOKEN (BAO_TOKEN) of this shell is handed over and sealed in the catalog, which a locked daemon can not read; where the shell has none, the daemon takes its own VAULT_TOKEN, or ~/.vault-token. "holdfast passkey vault-policy" prints the rights that it takes.',
      arguments: [newName],
      flags: [...ofOneKind(vaultKeyFlags, ['--key']), useNow],
      examples: [
        {
          command:
            'holdfast passkey add vault-transit office --address https://vault.example.com:8200 --key holdfast --token-file ~/.vault-token',
          about: '',
        },
        {
          command: 'holdfast passkey add vault-transit office --key holdfast --role-id ID --secret-id-file F --ca-file ca.pem --use-now',
          about: 'at VAULT_ADDR, by AppRole',
        },
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
      description:
        'A passphrase is asked for; a key at KMS or Vault is asked itself, with the login that is known of the passkey, or with another one, which it keeps from then on where it opens. A locked daemon needs "holdfast unlock" first.',
      arguments: [name],
      flags: [passphraseFile, ...newLoginFlags],
      examples: [
        { command: 'holdfast passkey verify laptop', about: '' },
        { command: 'holdfast passkey verify office --token-file F', about: 'a new token in place of one that has ended' },
        { command: 'holdfast passkey verify cloud --profile backup', about: '' },
      ],
    },
    {
      path: 'passkey rotate',
      summary: 'replace a passkey by a new one of its name',
      description:
        'The new slot takes the name, is verified and in use; the old one is kept as NAME@version or NAME@date until it is retired, and no stored data is touched. Passphrase: asks for the new one. Vault: the key is brought to its next version, or the newer one that is there is used. KMS: a key that rotates by itself wraps anew; else a new key with the same policy is made, and the alias moved. What this program may not do at the service ends with 4 and the command for whoever may; the same call goes on then: with the key that the alias names by then, or with --key-arn. A key whose policy may not be read is asked about by its ARN first.',
      arguments: [name],
      flags: [
        { ...passphraseFile, about: 'file whose first line is the new passphrase, - for standard input' },
        { flag: '--every', value: 'DURATION', about: 'KMS and Vault: rotate now, and by itself after so many days each, such as 90d' },
        { flag: '--key-arn', value: 'ARN', about: 'KMS: the next key, made by somebody else, that you have looked at' },
        { flag: '--schedule', about: 'KMS and Vault: rotate by itself no more, and not now', isNegatable: true, isOnByDefault: true },
      ],
      examples: [
        { command: 'holdfast passkey rotate laptop', about: '' },
        { command: 'holdfast passkey rotate office --every 90d', about: 'stops before anything that destroys' },
      ],
    },
    {
      path: 'passkey gate',
      summary: 'say what still needs a passkey, and from when it can go',
      description:
        'Looks at the slots in use, and at everything that is stored and locked with this one in it. The answer is the document: the exit status is 0 whether it may go or not. Once it may, the commands that end the key outside are printed, for whoever may run them.',
      arguments: [name],
      examples: [
        { command: 'holdfast passkey gate office@v1', about: '' },
        { command: 'holdfast passkey gate office@v1 --json', about: 'for programs' },
      ],
    },
    {
      path: 'passkey retire',
      summary: 'retire a passkey: it opens nothing new any more',
      description:
        'Refused (exit 4) for the one in use, for the last that is verified, and for a key at KMS or Vault that something locked still needs: with the list and the date, also where nobody can be asked. After a yes (or --yes) new keyrings leave it out from then on, so that the date stands; without one nothing has changed. The key outside stays, unless --end-key is given.',
      arguments: [name],
      flags: [
        {
          flag: '--end-key',
          about: "end the key outside too: Vault's min_decryption_version is raised, a KMS key is scheduled for deletion in 30 days",
        },
      ],
      examples: [
        { command: 'holdfast passkey retire laptop@2026-01-02 --yes', about: '' },
        { command: 'holdfast passkey retire office@v1 --end-key', about: '' },
      ],
    },
    {
      path: 'passkey vault-policy',
      summary: 'print the smallest policy of Vault that works',
      flags: [
        { flag: '--key', value: 'K', about: 'name of the transit key', isRequired: true },
        { flag: '--mount', value: 'M', about: 'where the transit engine is (default: transit)' },
      ],
      examples: [{ command: 'holdfast passkey vault-policy --key holdfast | vault policy write holdfast -', about: '' }],
    },
    {
      path: 'passkey aws-policy',
      summary: 'print the smallest key policy and IAM policy that work',
      flags: [
        { flag: '--key-id', value: 'ARN', about: 'the key', isRequired: true },
        { flag: '--principal', value: 'ARN', about: 'the user or role that the daemon is', isRequired: true },
      ],
      examples: [
        {
          command:
            'holdfast passkey aws-policy --key-id arn:aws:kms:eu-west-1:123456789012:key/… --principal arn:aws:iam::123456789012:role/backup',
          about: '',
        },
      ],
    },
  ],
  later: [],
};
