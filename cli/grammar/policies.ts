import type { Argument, Family, Flag } from './verb.ts';

const name: Argument = { name: 'NAME', about: 'the policy: its name, its id or a prefix of it' };

const keepFlag = (unit: string): Flag => ({
  flag: `--keep-${unit}`,
  value: 'N',
  about: `retention: ${unit} restore points`,
  isLater: true,
});

const laterFlags: readonly Flag[] = [
  { flag: '--command', value: 'NAME=CMD', isRepeatable: true, about: 'a source: what a command prints', isLater: true },
  { flag: '--schedule', value: 'WHEN', about: '@hourly, @daily or a cron line', isLater: true },
  ...['latest', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'].map(keepFlag),
];

const ruleFlags: readonly Flag[] = [
  { flag: '--exclude', value: 'PATTERN', isRepeatable: true, about: 'leave out what matches, in the syntax of .gitignore' },
  { flag: '--exclude-file', value: 'F', about: 'file with a pattern a line' },
  { flag: '--gitignore', isNegatable: true, about: 'leave out what .gitignore files leave out' },
  { flag: '--one-file-system', isNegatable: true, about: 'do not cross into other file systems' },
  { flag: '--include-caches', isNegatable: true, about: 'also folders marked by a CACHEDIR.TAG' },
  { flag: '--max-file-size', value: 'N', about: 'leave out larger files; bytes, or with a unit such as 500MiB' },
];

export const policyFamily: Family = {
  heading: 'Policies',
  groups: [{ path: 'policy', summary: 'what is protected, and where it goes' }],
  verbs: [
    {
      path: 'policy create',
      summary: 'create a policy',
      description: 'Runs by hand only (`holdfast backup NAME`). The state directory and the folders of locations are always left out.',
      arguments: [{ name: 'NAME', about: 'name of the new policy' }],
      flags: [
        { flag: '--source', value: 'DIR', isRepeatable: true, about: 'a folder or file to protect' },
        { flag: '--location', value: 'L', about: 'where its restore points go', isRequired: true },
        ...ruleFlags,
        ...laterFlags,
      ],
      examples: [
        { command: 'holdfast policy create work --source ~/work --location disk --gitignore', about: '' },
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
        { flag: '--source', value: 'DIR', isRepeatable: true, about: 'all sources from now on' },
        { flag: '--location', value: 'L', about: 'where its restore points go from now on' },
        ...ruleFlags,
        ...laterFlags,
      ],
      examples: [
        { command: 'holdfast policy edit work --source ~/work --source ~/notes', about: '' },
        { command: 'holdfast policy edit work --no-gitignore --rename everything', about: '' },
      ],
    },
    {
      path: 'policy delete',
      summary: 'delete a policy; its restore points stay until they are retired',
      arguments: [name],
      examples: [{ command: 'holdfast policy delete work --yes', about: '' }],
    },
  ],
  later: ['policy pause', 'policy resume', 'policy retention', 'policy export', 'policy import'],
};
