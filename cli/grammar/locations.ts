import type { Argument, Family, Flag } from './verb.ts';

const name: Argument = { name: 'NAME', about: 'the location: its name, its id or a prefix of it' };

const uploadLimit: Flag = {
  flag: '--upload-limit',
  value: 'BYTES/s',
  about: 'put no more there, such as 5MiB (0: as fast as it goes)',
};

export const locationFamily: Family = {
  heading: 'Locations',
  groups: [
    { path: 'location', alias: 'loc', summary: 'where backups go' },
    { path: 'location add', summary: 'add a location' },
  ],
  verbs: [
    {
      path: 'location add filesystem',
      summary: 'add a folder: a local disk, NFS or SMB',
      description: 'The folder is validated first, and nothing is saved when a check fails. A folder is not immutable.',
      arguments: [{ name: 'NAME', about: 'name of the new location' }],
      flags: [{ flag: '--path', value: 'DIR', about: 'the folder', isRequired: true }, uploadLimit],
      examples: [{ command: 'holdfast location add filesystem disk --path /mnt/backup', about: '' }],
    },
    { path: 'location list', summary: 'list the locations', examples: [{ command: 'holdfast location list', about: '' }] },
    {
      path: 'location validate',
      summary: 'check that a location can be written and read',
      arguments: [name],
      examples: [{ command: 'holdfast location validate disk', about: '' }],
    },
    {
      path: 'location edit',
      summary: 'change a location',
      arguments: [name],
      flags: [
        { flag: '--path', value: 'DIR', about: 'where the same store lies now' },
        { flag: '--rename', value: 'NAME', about: 'its new name' },
        uploadLimit,
      ],
      examples: [{ command: 'holdfast location edit disk --path /media/backup', about: 'the drive is mounted elsewhere now' }],
    },
    {
      path: 'location collect-garbage',
      summary: 'give back the space that nothing needs any more',
      description:
        'What retired restore points alone needed is condemned, and deleted by a collection a day later or more. It happens by itself after backups, once a day at most.',
      arguments: [name],
      flags: [{ flag: '--dry-run', about: 'only count; delete nothing' }],
      examples: [{ command: 'holdfast location collect-garbage disk', about: '' }],
    },
    {
      path: 'location remove',
      summary: 'forget a location; what is stored there stays',
      arguments: [name],
      examples: [{ command: 'holdfast location remove disk --yes', about: '' }],
    },
  ],
  later: ['location add s3', 'location add azure-blob', 'location prove-lock'],
};
