import type { Argument, Family, Flag } from './verb.ts';

const name: Argument = { name: 'NAME', about: 'the policy: its name, its id or a prefix of it' };

const keepFlags: readonly Flag[] = [
  { flag: '--keep-latest', value: 'N', about: 'retention: so many of the newest; units that are not named keep none' },
  ...['hour', 'day', 'week', 'month', 'year'].map((unit): Flag => {
    const adverb = unit === 'day' ? 'daily' : `${unit}ly`;
    return { flag: `--keep-${adverb}`, value: 'N', about: `retention: the newest of each of the last N ${unit}s with any` };
  }),
  { flag: '--keep-all', about: 'retention: nothing is retired by itself' },
];

const scheduleFlag: Flag = {
  flag: '--schedule',
  value: 'WHEN',
  about: '@hourly, @daily, @weekly, @monthly or five fields of cron; never: by hand only',
};

const hookFlags: readonly Flag[] = [
  { flag: '--before', value: 'CMD', about: "run this before each run; where it fails, nothing is backed up ('' takes it away)" },
  { flag: '--after', value: 'CMD', about: "run this after each run, however that ended ('' takes it away)" },
  { flag: '--hook-timeout', value: 'DURATION', about: 'end CMD of --before and --after after so long (default: 1h)' },
];

const ruleFlags: readonly Flag[] = [
  { flag: '--exclude', value: 'PATTERN', isRepeatable: true, about: 'leave out what matches, in the syntax of .gitignore' },
  { flag: '--exclude-file', value: 'F', about: 'file with a pattern a line' },
  { flag: '--gitignore', isNegatable: true, about: 'leave out what .gitignore files leave out' },
  { flag: '--one-file-system', isNegatable: true, about: 'do not cross into other file systems' },
  { flag: '--include-caches', isNegatable: true, about: 'also folders marked by a CACHEDIR.TAG' },
  { flag: '--max-file-size', value: 'N', about: 'leave out larger files; bytes, or with a unit such as 500MiB' },
];

const limitFlags: readonly Flag[] = [
  { flag: '--read-limit', value: 'BYTES/s', about: 'read files no faster than this, such as 20MiB (0: as fast as they come)' },
  { flag: '--low-priority', isNegatable: true, about: 'let other work on the machine go first (Linux)' },
];

export const policyFamily: Family = {
  heading: 'Policies',
  groups: [{ path: 'policy', summary: 'what is protected, and where it goes' }],
  verbs: [
    {
      path: 'policy create',
      summary: 'create a policy',
      description:
        'Without --schedule it runs by hand only (`holdfast backup NAME`). The state directory and the folders of locations are always left out.',
      arguments: [{ name: 'NAME', about: 'name of the new policy' }],
      flags: [
        { flag: '--source', value: 'DIR', isRepeatable: true, about: 'a folder or file to protect' },
        { flag: '--command', value: 'NAME=CMD', isRepeatable: true, about: 'a source: what CMD prints becomes the file NAME' },
        { flag: '--location', value: 'L', about: 'where its restore points go', isRequired: true },
        scheduleFlag,
        ...ruleFlags,
        ...limitFlags,
        ...hookFlags,
        ...keepFlags,
      ],
      examples: [
        { command: 'holdfast policy create work --source ~/work --location disk --gitignore --schedule @daily', about: '' },
        { command: "holdfast policy create db --command 'shop.sql=pg_dump shop' --location disk", about: 'what pg_dump prints' },
        { command: "holdfast policy create home --source ~ --location disk --exclude '*.iso' --exclude Downloads/", about: '' },
      ],
    },
    { path: 'policy list', summary: 'list the policies', examples: [{ command: 'holdfast policy list', about: '' }] },
    {
      path: 'policy show',
      summary: 'show a policy',
      arguments: [name],
      examples: [{ command: 'holdfast policy show work', about: '' }],
    },
    {
      path: 'policy edit',
      summary: 'change a policy; what is given replaces what was',
      arguments: [name],
      flags: [
        { flag: '--rename', value: 'NAME', about: 'its new name' },
        { flag: '--source', value: 'DIR', isRepeatable: true, about: 'all sources from now on, together with --command' },
        { flag: '--command', value: 'NAME=CMD', isRepeatable: true, about: 'all sources from now on, together with --source' },
        { flag: '--location', value: 'L', about: 'where its restore points go from now on' },
        scheduleFlag,
        ...ruleFlags,
        ...limitFlags,
        ...hookFlags,
        ...keepFlags,
      ],
      examples: [
        { command: 'holdfast policy edit work --source ~/work --source ~/notes', about: '' },
        { command: 'holdfast policy edit work --no-gitignore --rename everything', about: '' },
        { command: "holdfast policy edit work --schedule '30 12 * * 1-5'", about: 'at half past twelve on working days' },
      ],
    },
    {
      path: 'policy pause',
      summary: 'let nothing of a policy run by itself',
      description: 'By hand it runs as before. A run that is under way goes on.',
      arguments: [name],
      examples: [{ command: 'holdfast policy pause work', about: '' }],
    },
    {
      path: 'policy resume',
      summary: 'let a policy run by its schedule again',
      description: 'The next run is the next regular one, whatever was missed.',
      arguments: [name],
      examples: [{ command: 'holdfast policy resume work', about: '' }],
    },
    {
      path: 'policy retention',
      summary: 'show which restore points retention keeps, and why',
      description: 'Changes nothing. Retention follows each run of the policy; the newest, pinned and damaged restore points always stay.',
      arguments: [name],
      flags: [{ flag: '--dry-run', about: 'show what the next run would retire' }],
      examples: [{ command: 'holdfast policy retention work --dry-run', about: '' }],
    },
    {
      path: 'policy delete',
      summary: 'delete a policy; its restore points stay until they are retired',
      arguments: [name],
      examples: [{ command: 'holdfast policy delete work --yes', about: '' }],
    },
    {
      path: 'policy export',
      summary: 'hand out the key of one policy, so that another installation reads its restore points',
      description:
        'The import data is a secret: it opens all restore points of this policy, and nothing else. It goes into a new file for you alone, or to the terminal or a pipe; never into a file by a redirection. It asks for a passphrase again.',
      arguments: [name],
      flags: [
        { flag: '--expires-in', value: 'DURATION', about: 'importers take it for so long only, such as 24h' },
        { flag: '--output', value: 'F', about: 'the file, which must not be there yet' },
      ],
      examples: [
        { command: 'holdfast policy export work --expires-in 24h --output work.import', about: '' },
        { command: 'holdfast policy export work | ssh other holdfast policy import --import-data-file - --location disk', about: '' },
      ],
    },
    {
      path: 'policy import',
      summary: "read the restore points of another installation's policy",
      description:
        'They are only read here: nothing is backed up, retired or kept locked for them. Once more with the same or newer import data brings the list up to date; "holdfast policy delete" takes the policy off it again.',
      flags: [
        { flag: '--import-data-file', value: 'F', about: 'what "policy export" made, - for standard input', isRequired: true },
        { flag: '--location', value: 'L', about: 'the location here that holds its restore points', isRequired: true },
        { flag: '--name', value: 'NAME', about: 'its name here (default: the one that it has there)' },
        { flag: '--poll', value: 'DURATION', about: 'look for new restore points this often, such as 1h' },
        { flag: '--keep-alive', about: 'extend the locks of its restore points', isLater: true },
      ],
      examples: [{ command: 'holdfast policy import --import-data-file work.import --location disk --poll 1h', about: '' }],
    },
  ],
  later: [],
};
