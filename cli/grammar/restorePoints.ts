import type { Argument, Family } from './verb.ts';

const id: Argument = { name: 'ID', about: 'the restore point: an id or a prefix of it, latest, POLICY (its newest) or POLICY@TIME' };

const path: Argument = { name: 'PATH', about: 'a path in the restore point, as `restore-point files` shows it', isOptional: true };

export const restorePointFamily: Family = {
  heading: 'Backup and restore',
  groups: [{ path: 'restore-point', alias: 'rp', summary: 'finished backups' }],
  verbs: [
    {
      path: 'backup',
      summary: 'back up now',
      arguments: [{ name: 'POLICY', about: 'which policies', isVariadic: true, isOptional: true }],
      flags: [
        { flag: '--all', about: 'all policies' },
        { flag: '--dry-run', about: 'say what would be stored and store nothing' },
        { flag: '--description', value: 'TEXT', about: 'a note on the restore point' },
      ],
      examples: [
        { command: 'holdfast backup work', about: '' },
        { command: 'holdfast backup --all --json', about: 'an array of documents' },
        { command: "holdfast backup work --description 'before the upgrade'", about: '' },
      ],
    },
    {
      path: 'restore',
      summary: 'restore files',
      description:
        'One source: its content lies directly in the target. Several: a folder each. Without --conflict a target that is not empty is refused.',
      arguments: [id],
      flags: [
        { flag: '--target', value: 'DIR', about: 'the folder to write into; made where it is not there' },
        { flag: '--in-place', about: 'write back over the sources' },
        { flag: '--path', value: 'P', isRepeatable: true, about: 'only this, and what is in it' },
        {
          flag: '--conflict',
          value: 'HOW',
          choices: ['refuse', 'skip', 'overwrite', 'rename'],
          about: 'what to do about what is there already (default: refuse)',
        },
        { flag: '--dry-run', about: 'say what would be written and write nothing' },
      ],
      examples: [
        { command: 'holdfast restore latest --target ~/restored', about: '' },
        { command: 'holdfast restore work --path src/main.ts --target /tmp/one', about: 'the newest of the policy work' },
        { command: 'holdfast restore work@2026-01-02T00:00:00Z --in-place --conflict overwrite', about: 'as it was then' },
      ],
    },
    {
      path: 'file-history',
      summary: 'list the versions of a file',
      arguments: [{ name: 'PATH', about: 'the file, where it is or was; or the name of a command that is a source' }],
      examples: [{ command: 'holdfast file-history src/main.ts', about: '' }],
    },
    {
      path: 'restore-point list',
      summary: 'list the restore points, newest first',
      flags: [
        { flag: '--policy', value: 'P', about: 'of this policy' },
        { flag: '--since', value: 'TIME', about: 'from this time on; also 12h or 30d, for so long ago' },
        { flag: '--limit', value: 'N', about: 'at most so many' },
        { flag: '--include-retired', about: 'retired ones too' },
      ],
      examples: [
        { command: 'holdfast restore-point list', about: '' },
        { command: 'holdfast rp list --policy work --since 7d', about: '' },
      ],
    },
    {
      path: 'restore-point files',
      summary: 'list what is in a restore point',
      arguments: [id, path],
      flags: [{ flag: '--recursive', about: 'folders in folders too' }],
      examples: [
        { command: 'holdfast restore-point files latest', about: '' },
        { command: 'holdfast restore-point files work src --recursive', about: '' },
      ],
    },
    {
      path: 'restore-point cat',
      summary: 'print the content of a file',
      arguments: [id, { name: 'PATH', about: 'the file' }],
      examples: [{ command: 'holdfast restore-point cat latest src/main.ts | less', about: '' }],
    },
    {
      path: 'restore-point dump',
      summary: 'print a restore point, or a part of it, as an archive',
      arguments: [id, path],
      flags: [{ flag: '--format', value: 'FORMAT', choices: ['tar'], about: 'tar', isRequired: true }],
      examples: [{ command: 'holdfast restore-point dump latest --format tar | tar -t', about: '' }],
    },
    {
      path: 'restore-point diff',
      summary: 'list what changed',
      description:
        'From ID to OTHER; with --with-source from ID to the sources as they are now (no command runs for it); with neither from the one before ID to ID.',
      arguments: [id, { name: 'OTHER', about: 'another restore point', isOptional: true }],
      flags: [{ flag: '--with-source', about: 'compare with the sources as they are now' }],
      examples: [
        { command: 'holdfast restore-point diff latest', about: 'what the newest backup changed' },
        { command: 'holdfast restore-point diff work --with-source', about: 'what a restore would change' },
      ],
    },
    {
      path: 'restore-point verify',
      summary: 'check that a restore point can be restored',
      arguments: [id],
      flags: [{ flag: '--read-data', about: 'read, decrypt and check all content' }],
      examples: [{ command: 'holdfast restore-point verify latest --read-data', about: '' }],
    },
    {
      path: 'restore-point retire',
      summary: 'take a restore point off the list',
      arguments: [id],
      examples: [{ command: 'holdfast restore-point retire 4f1c2a --yes', about: '' }],
    },
    {
      path: 'restore-point pin',
      summary: 'keep a restore point from being retired',
      arguments: [id],
      examples: [{ command: 'holdfast restore-point pin latest', about: '' }],
    },
    {
      path: 'restore-point unpin',
      summary: 'let a restore point be retired again',
      arguments: [id],
      examples: [{ command: 'holdfast restore-point unpin 4f1c2a', about: '' }],
    },
  ],
  later: [],
};
