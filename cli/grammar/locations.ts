import type { Argument, Family, Flag } from './verb.ts';

const name: Argument = { name: 'NAME', about: 'the location: its name, its id or a prefix of it' };

const uploadLimit: Flag = {
  flag: '--upload-limit',
  value: 'BYTES/s',
  about: 'put no more there, such as 5MiB (0: as fast as it goes)',
};

const endpoint: Flag = { flag: '--endpoint', value: 'URL', about: 'where the store is, other than AWS: https, or http to this machine' };
const prefix: Flag = { flag: '--prefix', value: 'P', about: 'what all keys begin with; several installations can share a bucket' };
const pathStyle: Flag = {
  flag: '--path-style',
  isNegatable: true,
  about: 'the bucket in the path, not in the host name (so with --endpoint)',
};

const credentialFlags: readonly Flag[] = [
  { flag: '--credentials-file', value: 'F', about: 'file with the keys, - for standard input; they are sealed in the catalog' },
  { flag: '--profile', value: 'P', about: 'profile of the AWS configuration, read at each call' },
  { flag: '--role-arn', value: 'ARN', about: "role to take on with the daemon's own credentials" },
  {
    flag: '--credentials',
    value: 'FROM',
    choices: ['shell', 'chain'],
    about: 'shell: AWS_ACCESS_KEY_ID and so on of this shell, sealed; chain: what the daemon finds itself',
  },
];

const lockFlags: readonly Flag[] = [
  { flag: '--protection-period', value: 'DAYS', about: 'lock all that is stored, and keep it locked so long ahead: 1 to 90, usually 30' },
  {
    flag: '--lock-mode',
    value: 'MODE',
    choices: ['compliance', 'governance'],
    about: 'compliance: nobody can lift a lock; governance: who is permitted can (default: compliance)',
  },
];

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
    {
      path: 'location add s3',
      summary: 'add a bucket: AWS S3, or a store that speaks as it does',
      description:
        'The bucket is validated first, and nothing is saved when a check fails. With --protection-period, which needs versioning and Object Lock, it is immutable; otherwise it is not. Without a flag for credentials the AWS_… keys of this shell are handed over and sealed in the catalog; where it has none, the daemon looks for credentials at each call as the AWS tools do. While it is locked, a daemon can extend locks with all but sealed keys. F holds {"accessKeyId": …, "secretAccessKey": …}, or is an AWS credentials file with a [default] profile.',
      arguments: [{ name: 'NAME', about: 'name of the new location' }],
      flags: [
        { flag: '--bucket', value: 'B', about: 'the bucket', isRequired: true },
        { flag: '--region', value: 'R', about: 'its region', isRequired: true },
        endpoint,
        prefix,
        pathStyle,
        ...credentialFlags,
        ...lockFlags,
        uploadLimit,
      ],
      examples: [
        { command: 'holdfast location add s3 vault --bucket my-backups --region eu-west-1 --protection-period 30', about: 'immutable' },
        {
          command:
            'holdfast location add s3 nas --bucket backups --region us-east-1 --endpoint https://nas.example --credentials-file keys',
          about: '',
        },
      ],
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
      description:
        'What is given replaces what was. A bucket or folder must hold the same store. A longer protection period is reached step by step; with a shorter one the locks that are there run out by themselves. Immutability can not be switched off.',
      arguments: [name],
      flags: [
        { flag: '--path', value: 'DIR', about: 'where the same store lies now' },
        { flag: '--rename', value: 'NAME', about: 'its new name' },
        { flag: '--bucket', value: 'B', about: 'where the same store lies now' },
        { flag: '--region', value: 'R', about: 'its region' },
        { ...endpoint, about: `${endpoint.about} ('' takes it away)` },
        { ...prefix, about: "where in the bucket the same store lies now ('' takes it away)" },
        pathStyle,
        ...credentialFlags,
        ...lockFlags,
        uploadLimit,
      ],
      examples: [
        { command: 'holdfast location edit disk --path /media/backup', about: 'the drive is mounted elsewhere now' },
        { command: 'holdfast location edit vault --protection-period 60', about: 'longer, or immutable from now on' },
        { command: 'holdfast location edit vault --credentials-file new-keys', about: '' },
      ],
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
      path: 'location prove-lock',
      summary: 'try on an object of its own whether the store enforces locks',
      description:
        "Puts a small object locked for the shortest time there is, and tries with the daemon's own credentials to delete, shorten, weaken, overwrite and hide it. No backup is touched. Exit 4 unless nothing of it works.",
      arguments: [name],
      examples: [{ command: 'holdfast location prove-lock vault', about: '' }],
    },
    {
      path: 'location remove',
      summary: 'forget a location; what is stored there stays',
      arguments: [name],
      examples: [{ command: 'holdfast location remove disk --yes', about: '' }],
    },
  ],
  later: ['location add azure-blob'],
};
