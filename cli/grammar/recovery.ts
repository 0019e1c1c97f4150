import { confirmedKeyFlags } from './keyFlags.ts';
import { passphraseFile } from './secretFlags.ts';
import type { Family, Flag } from './verb.ts';

const location: Flag = { flag: '--location', value: 'L', about: 'of this location alone (default: all that are immutable)' };

export const recoveryFamily: Family = {
  heading: 'Recovery',
  groups: [
    { path: 'immutability', summary: 'locks on what is stored' },
    { path: 'dr', summary: 'disaster recovery' },
    { path: 'audit', summary: 'the audit log' },
  ],
  verbs: [
    {
      path: 'immutability status',
      summary: 'say until when what is stored is safe',
      flags: [location],
      examples: [
        { command: 'holdfast immutability status', about: '' },
        { command: 'holdfast immutability status --location vault --json', about: 'for programs' },
      ],
    },
    {
      path: 'immutability refresh',
      summary: 'extend every lock that is short, now',
      description: 'The daemon does this by itself, as often as the protection period asks for.',
      flags: [location],
      examples: [{ command: 'holdfast immutability refresh', about: '' }],
    },
    {
      path: 'immutability audit',
      summary: 'compare what the store holds with what was stored',
      description:
        'Finds what was deleted, hidden, overwritten, unlocked or put there by somebody else, and since when. Happens by itself once a day. Exit 5 with findings.',
      flags: [location],
      examples: [{ command: 'holdfast immutability audit --location vault', about: '' }],
    },
    {
      path: 'immutability absence',
      summary: 'say how long the daemon may be away without any lock getting too short',
      description: 'The longer, the further ahead everything is locked, and the later space comes free. 0 for a daemon that always runs.',
      arguments: [{ name: 'DAYS', about: 'days, up to 60' }],
      examples: [{ command: 'holdfast immutability absence 14', about: 'before a holiday' }],
    },
    {
      path: 'import-stored',
      summary: 'rebuild a lost catalog from what is stored in a location',
      description:
        'On an empty state directory. Every restore point comes back; policies come back paused. F is a JSON file such as {"kind":"filesystem","path":"/mnt/backup"} or {"kind":"s3","bucket":"my-backups","region":"eu-west-1"}, with "endpoint", "prefix", "profile", "roleArn" or "credentialsFile" as location add s3 takes them. Opened with the passphrase of any passkey, or with the key at AWS KMS or Vault that you name: what is stored may name any, so without your word nothing is sent to it. With neither (and no terminal to ask on), or with a login alone, the keys that are named there are listed.',
      flags: [
        { flag: '--location-spec', value: 'F', about: 'JSON file that says where it is stored', isRequired: true },
        { flag: '--installation', value: 'ID', about: 'which installation, where the location holds several' },
        { flag: '--at', value: 'TIME', about: 'only what was stored by then' },
        { flag: '--location-name', value: 'NAME', about: 'name of the location from now on' },
        { flag: '--passkey', value: 'ID', about: 'try this passkey only' },
        passphraseFile,
        ...confirmedKeyFlags,
      ],
      examples: [
        { command: 'holdfast import-stored --state ~/rescued --location-spec disk.json', about: '' },
        {
          command: 'holdfast import-stored --location-spec bucket.json --address https://vault.example.com --key holdfast --token-file F',
          about: 'with a Vault key of yours',
        },
      ],
    },
    {
      path: 'dr enable',
      summary: 'put sealed copies of the catalog beside the backups, from now on',
      description:
        'With one of them, the DR passphrase and any one passkey an empty machine gets back to where this one was. A full copy once a day, and what changed between. A DR passphrase is made and shown this once, unless a file holds yours: it must open no passkey, and is kept nowhere.',
      flags: [
        { flag: '--location', value: 'L', about: 'where they go; best an immutable one', isRequired: true },
        { flag: '--schedule', value: 'S', about: '@hourly (default), @daily, @weekly, @monthly or five fields of cron' },
        { flag: '--after-backups', about: 'not also after each backup to an immutable location', isNegatable: true, isOnByDefault: true },
        { flag: '--dr-passphrase-file', value: 'F', about: 'file whose first line is the DR passphrase, - for standard input' },
      ],
      examples: [
        { command: 'holdfast dr enable --location vault', about: '' },
        {
          command: 'holdfast dr enable --location vault --schedule @daily --dr-passphrase-file F',
          about: 'once a day, with a passphrase of your own',
        },
      ],
    },
    {
      path: 'dr disable',
      summary: 'make no more copies of the catalog',
      description: 'Those that are locked stay until their locks end.',
      examples: [{ command: 'holdfast dr disable', about: '' }],
    },
    {
      path: 'dr status',
      summary: 'say whether the catalog can be got back, and to which times',
      examples: [{ command: 'holdfast dr status', about: '' }],
    },
    {
      path: 'dr backup',
      summary: 'put a copy of the catalog now',
      description: 'The daemon does this by itself: by its schedule, and after backups to an immutable location.',
      examples: [{ command: 'holdfast dr backup', about: '' }],
    },
    {
      path: 'audit list',
      summary: 'list what changed rights or protection, and what tried to, newest first',
      description:
        'Who asked for what, and what came of it: an entry before each act and one after it. Names are those of now; what was typed, and no secret, is ever in it.',
      flags: [{ flag: '--limit', value: 'N', about: 'at most so many (default: 50)' }],
      examples: [{ command: 'holdfast audit list', about: '' }],
    },
    {
      path: 'audit verify',
      summary: 'check that the audit log is what was written',
      description:
        'Follows the chain of hashes from the first row to the last. Exit 5 where it is broken, with the first row that is wrong. Whoever can write the catalog can write the whole chain anew: that shows only by a head that was kept elsewhere.',
      flags: [{ flag: '--head', value: 'HEX', about: 'a head that was printed earlier: it must be among the rows' }],
      examples: [
        { command: 'holdfast audit verify', about: 'also prints the head as it is now' },
        { command: 'holdfast audit verify --head 4f1c…', about: 'what led to that head is as it was' },
      ],
    },
  ],
  later: ['scan', 'points', 'restore', 'take-ownership', 'rehearse', 'verify-report', 'recovery-sheet'].map((word) => `dr ${word}`),
};
