import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import type { Contestant, Places, Round } from './contestant.ts';
import { type Command, measure } from './measure.ts';

const password = 'a password of the benchmark alone';

interface Peer {
  readonly name: string;
  readonly mode: string;
  readonly program: string;
  readonly versionArgs: readonly string[];
  readonly begin: (program: string, places: Places) => Promise<Round>;
}

/** A round of a program that is its own process: nothing to end. */
function plainRound(round: Omit<Round, 'worker' | 'end'>): Round {
  return { ...round, worker: undefined, end: async () => await Promise.resolve() };
}

async function beginRestic(program: string, { source, store, scratch }: Places): Promise<Round> {
  const env = { RESTIC_REPOSITORY: store, RESTIC_PASSWORD: password, RESTIC_CACHE_DIR: path.join(scratch, 'cache') };
  const restic = (...args: readonly string[]): Command => ({ command: program, args, env });
  await measure(restic('init'));
  return plainRound({
    firstBackup: restic('backup', source),
    unchangedBackup: restic('backup', source),
    restore: async (target) => await Promise.resolve(restic('restore', 'latest', '--target', target)),
    restoredAt: (target) => path.join(target, source),
  });
}

async function beginRustic(program: string, { source, store, scratch }: Places): Promise<Round> {
  const env = {
    RUSTIC_REPOSITORY: store,
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

async function beginBorg(program: string, { source, store, scratch }: Places): Promise<Round> {
  const env = {
    BORG_REPO: store,
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

function beginKopia(compression: string): Peer['begin'] {
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
    await measure(kopia('repository', 'create', 'filesystem', '--path', store));
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
  { name: 'borg', mode: 'repokey, defaults (lz4, AES-256-CTR with HMAC)', program: 'borg', versionArgs: ['--version'], begin: beginBorg },
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
}

/** The peers on this machine, with their versions, and the names of those that are not there. */
export async function findPeers(): Promise<FoundPeers> {
  const contestants: Contestant[] = [];
  const missing: string[] = [];
  for (const { name, mode, program, versionArgs, begin } of peers) {
    const file = findProgram(program);
    if (file === undefined) missing.push(name);
    else {
      const { stdout } = await measure({ command: file, args: versionArgs, env: {} });
      const version = /\d+\.\d+\S*/.exec(stdout)?.[0] ?? '(a build without a version)';
      contestants.push({ name, mode, version, begin: async (places) => await begin(file, places) });
    }
  }
  return { contestants, missing };
}
