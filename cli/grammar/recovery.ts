import { laterUnlockFlags, passphraseFile } from './secretFlags.ts';
import type { Family } from './verb.ts';

export const recoveryFamily: Family = {
  heading: 'Recovery',
  groups: [
    { path: 'immutability', summary: 'locks on what is stored' },
    { path: 'dr', summary: 'disaster recovery' },
    { path: 'audit', summary: 'the audit log' },
  ],
  verbs: [
    {
      path: 'import-stored',
      summary: 'rebuild a lost catalog from what is stored in a location',
      description:
        'On an empty state directory. Every restore point comes back; policies come back paused. F is a JSON file such as {"kind":"filesystem","path":"/mnt/backup"}.',
      flags: [
        { flag: '--location-spec', value: 'F', about: 'JSON file that says where it is stored', isRequired: true },
        { flag: '--installation', value: 'ID', about: 'which installation, where the location holds several' },
        { flag: '--at', value: 'TIME', about: 'only what was stored by then' },
        { flag: '--location-name', value: 'NAME', about: 'name of the location from now on' },
        { flag: '--passkey', value: 'ID', about: 'try this passkey only' },
        passphraseFile,
        ...laterUnlockFlags,
      ],
      examples: [{ command: 'holdfast import-stored --state ~/rescued --location-spec disk.json', about: '' }],
    },
  ],
  later: [
    'immutability status',
    'immutability refresh',
    'immutability audit',
    ...[
      'enable',
      'disable',
      'status',
      'backup',
      'scan',
      'points',
      'restore',
      'take-ownership',
      'rehearse',
      'verify-report',
      'recovery-sheet',
    ].map((word) => `dr ${word}`),
    'audit verify',
  ],
};
