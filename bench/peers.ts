import { accessSync, constants, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Contestant, Places, Round } from './contestant.ts';
import { type Command, measure } from './measure.ts';
import type { BucketPlace, StorePlace } from './stores.ts';

const password = 'a password of the benchmark alone';

interface Peer {
  readonly name: string;
  readonly mode: string;
  readonly program: string;
  readonly versionArgs: readonly string[];
  /** Why it can't be there where backups go to S3. */
  readonly lacksS3?: string;
  /** Where backups go to S3, its bucket has Object Lock and it locks what it puts there; without S3 it would be the same as another. */
  readonly hasLocks?: boolean;
  readonly begin: (program: string, places: Places) => Promise<Round>;
}

/** A round of a program that is its own process: nothing to end. */
function plainRound(round: Omit<Round, 'worker' | 'end'>): Round {
  return { ...round, worker: undefined, end: async () => await Promise.resolve() };
}

/** As the tools of AWS take them. */
function keysOf({ accessKeyId, secretAccessKey, region }: BucketPlace): Readonly<Record<string, string>> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: region, AWS_DEFAULT_REGION: region };
}

async function beginRestic(program: string, { source, store, scratch }: Places): Promise<Round> {
  const env = {
    RESTIC_REPOSITORY: store.kind === 'folder' ? store.path : `s3:${store.endpoint}/${store.name}`,
    RESTIC_PASSWORD: password,
    RESTIC_CACHE_DIR: path.join(scratch, 'cache'),
    ...(store.kind === 'folder' ? {} : keysOf(store)),
  };
  const restic = (...args: readonly string[]): Command => ({ command: program, args, env });
  await measure(restic('init'));
  return plainRound({
    firstBackup: restic('backup', source),
    unchangedBackup: restic('backup', source),
    restore: async (target) => await Promise.resolve(restic('restore', 'latest', '--target', target)),
    restoredAt: (target) => path.join(target, source),
  });
}

/** Its options for S3 stand in a profile, which it looks for where it is started. Gives the profile's name. */
function rusticProfile({ name, endpoint, region, accessKeyId, secretAccessKey }: BucketPlace, scratch: string): string {
  const options = { bucket: name, endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey, root: '/' };
  const lines = Object.entries(options).map(([option, value]) => `${option} = ${JSON.stringify(value)}`);
  writeFileSync(
    path.join(scratch, 'bench.toml'),
    `[repository]\nrepository = "opendal:s3"\n\n[repository.options]\n${lines.join('\n')}\n`,
    { mode: 0o600 },
  );
  return 'bench';
}

async function beginRustic(program: string, { source, store, scratch }: Places): Promise<Round> {
  const env = {
    ...(store.kind === 'folder' ? { RUSTIC_REPOSITORY: store.path } : { RUSTIC_USE_PROFILE: rusticProfile(store, scratch) }),
    RUSTIC_PASSWORD: password,
    RUSTIC_CACHE_DIR: path.join(scratch, 'cache'),
    RUSTIC_NO_PROGRESS: 'true',
  };
  const rustic = (...args: readonly string[]): Command => ({ command: program, args, env, cwd: scratch });
  await measure(rustic('init'));
  return plainRound({
    firstBackup: rustic('backup', source),
    unchangedBackup: rustic('backup', source),
    restore: async (target) => await Promise.resolve(rustic('restore', `latest:${source}`, target)),
    restoredAt: (target) => target,
  });
}

function folderOf(store: StorePlace): string {
  if (store.kind === 'folder') return store.path;
  throw new Error('only a folder will do here');
}

async function beginBorg(program: string, { source, store, scratch }: Places): Promise<Round> {
  const env = {
    BORG_REPO: folderOf(store),
    BORG_PASSPHRASE: password,
    BORG_BASE_DIR: path.join(scratch, 'base'),
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'no',
  };
  const borg = (...args: readonly string[]): Command => ({ command: program, args, env });
  await measure(borg('init', '--encryption', 'repokey'));
  return plainRound({
    firstBackup: borg('create', '::first', source),
    unchangedBackup: borg('create', '::second', source),
    restore: async (target) => await Promise.resolve({ ...borg('extract', '::second'), cwd: target }),
    restoredAt: (target) => path.join(target, source),
  });
}

function kopiaPlace(store: StorePlace, hasLocks: boolean): readonly string[] {
  if (store.kind === 'folder') return ['filesystem', '--path', store.path];
  const { name, endpoint, region, accessKeyId, secretAccessKey } = store;
  const where = ['--bucket', name, '--endpoint', new URL(endpoint).host, '--disable-tls', '--region', region];
  const keys = ['--access-key', accessKeyId, '--secret-access-key', secretAccessKey];
  return ['s3', ...where, ...keys, ...(hasLocks ? ['--retention-mode', 'COMPLIANCE', '--retention-period', '24h'] : [])];
}

function beginKopia(compression: string, hasLocks = false): Peer['begin'] {
  return async (program, { source, store, scratch }) => {
    const env = {
      KOPIA_PASSWORD: password,
      KOPIA_CONFIG_PATH: path.join(scratch, 'kopia.config'),
      KOPIA_CACHE_DIRECTORY: path.join(scratch, 'cache'),
      KOPIA_LOG_DIR: path.join(scratch, 'log'),
      KOPIA_CHECK_FOR_UPDATES: 'false',
      KOPIA_PERSIST_CREDENTIALS_ON_CONNECT: 'true',
      KOPIA_USE_KEYRING: 'false',
      HOME: scratch,
    };
    const kopia = (...args: readonly string[]): Command => ({ command: program, args: [...args, '--no-progress'], env });
    await measure(kopia('repository', 'create', ...kopiaPlace(store, hasLocks)));
    await measure(kopia('policy', 'set', '--global', `--compression=${compression}`));
    return plainRound({
      firstBackup: kopia('snapshot', 'create', source),
      unchangedBackup: kopia('snapshot', 'create', source),
      restore: async (target) => {
        const list: unknown = JSON.parse((await measure(kopia('snapshot', 'list', '--json', source))).stdout);
        const newest: unknown = Array.isArray(list) ? list.at(-1) : undefined;
        if (typeof newest !== 'object' || newest === null || !('id' in newest) || typeof newest.id !== 'string')
          throw new Error('kopia lists no snapshot');
        return kopia('snapshot', 'restore', newest.id, target);
      },
      restoredAt: (target) => target,
    });
  };
}

const peers: readonly Peer[] = [
  { name: 'restic', mode: 'defaults (zstd, AES-256-CTR with Poly1305)', program: 'restic', versionArgs: ['version'], begin: beginRestic },
  { name: 'rustic', mode: 'defaults (zstd, AES-256-CTR with Poly1305)', program: 'rustic', versionArgs: ['--version'], begin: beginRustic },
  {
    name: 'borg',
    mode: 'repokey, defaults (lz4, AES-256-CTR with HMAC)',
    program: 'borg',
    versionArgs: ['--version'],
    lacksS3: 'keeps no repository on S3',
    begin: beginBorg,
  },
  {
    name: 'kopia',
    mode: 'defaults (no compression, AES-256-GCM)',
    program: 'kopia',
    versionArgs: ['--version'],
    begin: beginKopia('none'),
  },
  {
    name: 'kopia-zstd',
    mode: 'zstd-fastest, else defaults',
    program: 'kopia',
    versionArgs: ['--version'],
    begin: beginKopia('zstd-fastest'),
  },
  {
    name: 'kopia-locked',
    mode: 'zstd-fastest, each object locked by its put (compliance, 24 hours), which is not read back',
    program: 'kopia',
    versionArgs: ['--version'],
    hasLocks: true,
    begin: beginKopia('zstd-fastest', true),
  },
];

export const peerNames: readonly string[] = peers.map(({ name }) => name);

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Looks in BENCH_PEERS (a folder, or its bin), then on the PATH. */
function findProgram(name: string): string | undefined {
  const given = process.env['BENCH_PEERS'];
  const folders = [...(given === undefined ? [] : [given, path.join(given, 'bin')]), ...(process.env['PATH'] ?? '').split(path.delimiter)];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => path.resolve(folder, name))
    .find(isProgram);
}

export interface FoundPeers {
  readonly contestants: readonly Contestant[];
  readonly missing: readonly string[];
  /** Sentences about those that can't take part. */
  readonly leftOut: readonly string[];
}

/** The peers on this machine that can store on a store of that kind, with their versions, and those that are not there. */
export async function findPeers(store: StorePlace['kind']): Promise<FoundPeers> {
  const contestants: Contestant[] = [];
  const missing: string[] = [];
  const leftOut: string[] = [];
  for (const { name, mode, program, versionArgs, begin, hasLocks = false, lacksS3 } of peers) {
    if (store === 'folder' && hasLocks) continue;
    const file = findProgram(program);
    if (store === 'bucket' && lacksS3 !== undefined) leftOut.push(`${name} ${lacksS3}`);
    else if (file === undefined) missing.push(name);
    else {
      const { stdout } = await measure({ command: file, args: versionArgs, env: {} });
      const version = /\d+\.\d+\S*/.exec(stdout)?.[0] ?? '(a build without a version)';
      contestants.push({ name, mode, version, hasLocks, begin: async (places) => await begin(file, places) });
    }
  }
  return { contestants, missing, leftOut };
}
