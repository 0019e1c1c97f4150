import { awsKeyFlags, unlockKeyFlags, vaultKeyFlags } from './keyFlags.ts';
import { passphraseFile } from './secretFlags.ts';
import type { Family } from './verb.ts';

export const daemonFamily: Family = {
  heading: 'Set up and daemon',
  groups: [
    { path: 'service', summary: 'the daemon as a service of the system' },
    { path: 'unattended', summary: 'whether the daemon unlocks itself' },
  ],
  verbs: [
    {
      path: 'init',
      summary: 'set up a new installation with its first passkey',
      description:
        'Makes the master key and wraps it with a passphrase, or with a key at AWS KMS or Vault. Without --passphrase-file a passphrase is generated and shown once: keep it, nothing else opens the backups. The other kinds take the flags of "holdfast passkey add". The daemon is unlocked afterwards.',
      flags: [
        passphraseFile,
        { flag: '--passkey-name', value: 'NAME', about: 'name of the first passkey (default: its kind)' },
        {
          flag: '--passkey-kind',
          value: 'KIND',
          choices: ['passphrase', 'aws-kms', 'vault-transit'],
          about: 'how the master key is wrapped (default: passphrase)',
        },
        ...awsKeyFlags,
        ...vaultKeyFlags,
      ],
      examples: [
        { command: 'holdfast init', about: 'generate a passphrase and show it once' },
        { command: 'holdfast init --passphrase-file ~/secrets/holdfast', about: 'use your own' },
        { command: 'holdfast init --passkey-kind aws-kms --key-id alias/holdfast --region eu-west-1 --profile backup', about: '' },
      ],
    },
    {
      path: 'status',
      summary: 'say how the daemon is; never starts it',
      examples: [
        { command: 'holdfast status', about: '' },
        { command: 'holdfast status --json', about: 'for programs' },
      ],
    },
    {
      path: 'unlock',
      summary: 'unlock the daemon with a passkey',
      description:
        'Tries the slot in use, then the others. A key at KMS or Vault is asked by itself, with what its passkey was made with, and with AWS_… or VAULT_TOKEN of this shell where it has them; a token goes to the address of its passkey alone. Where none of them opens, and for a passphrase in use, a terminal asks for the passphrase.',
      flags: [{ flag: '--passkey', value: 'NAME', about: 'try this passkey only' }, passphraseFile, ...unlockKeyFlags],
      examples: [
        { command: 'holdfast unlock', about: '' },
        { command: 'pass show holdfast | holdfast unlock --passphrase-file -', about: 'from a password manager' },
        { command: 'holdfast unlock --token-file ~/.vault-token', about: 'with a Vault token of yours' },
      ],
    },
    {
      path: 'lock',
      summary: 'drop the keys; running work that needs them is cancelled',
      examples: [{ command: 'holdfast lock', about: '' }],
    },
    { path: 'stop', summary: 'end the daemon; running work is cancelled', examples: [{ command: 'holdfast stop', about: '' }] },
    {
      path: 'serve',
      summary: 'run the daemon in the foreground',
      examples: [{ command: 'holdfast serve', about: 'until Ctrl-C' }],
    },
    { path: 'version', summary: 'say which version this is', examples: [{ command: 'holdfast version', about: '' }] },
    {
      path: 'log',
      summary: "print the daemon's log",
      flags: [
        { flag: '--follow', about: 'go on until Ctrl-C; with --json as JSON Lines' },
        { flag: '--limit', value: 'N', about: 'so many of the newest lines (default: 200)' },
      ],
      examples: [
        { command: 'holdfast log', about: '' },
        { command: 'holdfast log --follow', about: '' },
      ],
    },
    {
      path: 'service install',
      summary: 'have the system start the daemon whenever you log in',
      description:
        'A systemd unit of yours, a launchd agent, or a task of the Windows task scheduler. The daemon that runs makes way for it. On Linux it may write to your home folder, the folders of your locations, /tmp, /mnt and /media only: run it again after adding a location elsewhere.',
      flags: [{ flag: '--writable', value: 'DIR', isRepeatable: true, about: 'a folder that it may write to as well, to restore there' }],
      examples: [
        { command: 'holdfast service install', about: '' },
        { command: 'holdfast service install --writable /srv/restored', about: 'to restore there' },
      ],
    },
    {
      path: 'service uninstall',
      summary: 'end the service and remove it; all data stays',
      examples: [{ command: 'holdfast service uninstall', about: '' }],
    },
    {
      path: 'service status',
      summary: 'say whether the service is installed, enabled and running',
      examples: [{ command: 'holdfast service status', about: '' }],
    },
    {
      path: 'unattended passphrase-file',
      summary: 'let the daemon unlock itself at its start with a file of yours',
      description:
        'The first line of the file is a passphrase of any passkey. The file has to be yours and nobody else may read it (0600); it is read at each start and never copied. Whoever can read it can unlock the backups.',
      arguments: [{ name: 'FILE', about: 'the file' }],
      examples: [{ command: 'holdfast unattended passphrase-file ~/secrets/holdfast', about: '' }],
    },
    {
      path: 'unattended command',
      summary: 'let the daemon unlock itself at its start with what a command writes',
      description:
        'Runs by sh -c (cmd /c) in the home folder, for at most 30 s; the first line that it writes is a passphrase of any passkey. For the credential store of the system.',
      arguments: [{ name: 'COMMAND', about: 'the command, as one word in quotation marks' }],
      examples: [
        { command: "holdfast unattended command 'secret-tool lookup holdfast passphrase'", about: 'GNOME and KDE' },
        { command: "holdfast unattended command 'security find-generic-password -s holdfast -w'", about: 'macOS' },
      ],
    },
    {
      path: 'unattended off',
      summary: 'leave the daemon locked at its start',
      examples: [{ command: 'holdfast unattended off', about: '' }],
    },
    {
      path: 'diagnostics',
      summary: 'write a file for somebody who helps',
      description:
        'Versions, settings, counts, alerts, outcomes of actions and the newest log lines as JSON. No secret and no command line is ever in it; paths only with --with-paths.',
      flags: [
        { flag: '--output', value: 'F', about: 'the file, which must not be there yet', isRequired: true },
        { flag: '--with-paths', about: 'also the paths of sources and locations, and those in errors' },
      ],
      examples: [{ command: 'holdfast diagnostics --output holdfast.json', about: '' }],
    },
    {
      path: 'completion',
      summary: 'print a completion script for a shell',
      arguments: [{ name: 'SHELL', about: 'bash, zsh or fish' }],
      examples: [
        { command: 'source <(holdfast completion bash)', about: 'for this shell' },
        { command: 'holdfast completion zsh > "${fpath[1]}/_holdfast"', about: 'for every zsh' },
        { command: 'holdfast completion fish > ~/.config/fish/completions/holdfast.fish', about: 'for every fish' },
      ],
    },
  ],
  later: [],
};
