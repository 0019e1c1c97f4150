import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Contestant, Places, Round } from './contestant.ts';
import { type Command, measure } from './measure.ts';
import type { StorePlace } from './stores.ts';

const root = path.dirname(import.meta.dirname);
const main = path.join(root, 'dist', 'cli', 'main.js');

function commandsOn(state: string): (...args: readonly string[]) => Command {
  return (...args) => ({
    command: process.execPath,
    args: [main, ...args],
    env: { HOLDFAST_STATE: state, HOLDFAST_STEP_UP_FILE: path.join(state, 'passphrase'), HOLDFAST_CHECKOUT: undefined },
  });
}

async function pidOf(holdfast: ReturnType<typeof commandsOn>): Promise<number> {
  const status: unknown = JSON.parse((await measure(holdfast('status', '--json'))).stdout);
  if (typeof status !== 'object' || status === null || !('pid' in status) || typeof status.pid !== 'number')
    throw new Error('holdfast status names no daemon');
  return status.pid;
}

/** Days; the shortest that there is: how long a lock lasts makes no difference to what is measured. */
const protectionPeriod = 1;

async function addLocation(holdfast: ReturnType<typeof commandsOn>, store: StorePlace, scratch: string, hasLocks: boolean): Promise<void> {
  if (store.kind === 'folder') {
    await measure(holdfast('location', 'add', 'filesystem', 'store', '--path', store.path));
    return;
  }
  const { name, region, endpoint, accessKeyId, secretAccessKey } = store;
  const keys = path.join(scratch, 'keys');
  writeFileSync(keys, JSON.stringify({ accessKeyId, secretAccessKey }), { mode: 0o600 });
  const where = ['--bucket', name, '--region', region, '--endpoint', endpoint, '--credentials-file', keys];
  const locks = hasLocks ? ['--protection-period', String(protectionPeriod)] : [];
  await measure(holdfast('location', 'add', 's3', 'store', ...where, ...locks));
}

function makeState(scratch: string): string {
  const state = path.join(scratch, 'state');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(path.join(state, 'passphrase'), 'a passphrase of the benchmark alone\n', { mode: 0o600 });
  return state;
}

async function begin({ source, store, scratch }: Places, hasLocks: boolean): Promise<Round> {
  const state = makeState(scratch);
  const holdfast = commandsOn(state);
  await measure(holdfast('init', '--passphrase-file', path.join(state, 'passphrase')));
  await addLocation(holdfast, store, scratch, hasLocks);
  await measure(holdfast('policy', 'create', 'bench', '--source', source, '--location', 'store'));
  const worker = await pidOf(holdfast);
  return {
    firstBackup: holdfast('backup', 'bench'),
    unchangedBackup: holdfast('backup', 'bench'),
    restore: async (target) => await Promise.resolve(holdfast('restore', 'latest', '--target', target)),
    restoredAt: (target) => target,
    worker,
    end: async () => void (await measure(holdfast('stop'))),
  };
}

export interface StartTimes {
  /** A command that has to start the daemon first, seconds. */
  readonly cold: number;
  /** The same command with the daemon running. */
  readonly warm: number;
}

/** What it takes to start the daemon, up to its first answer: the difference of the two. */
export async function startTimes(scratch: string): Promise<StartTimes> {
  const state = makeState(scratch);
  const holdfast = commandsOn(state);
  await measure(holdfast('init', '--passphrase-file', path.join(state, 'passphrase')));
  await measure(holdfast('stop'));
  const cold = (await measure(holdfast('location', 'list'))).seconds;
  const warm = (await measure(holdfast('location', 'list'))).seconds;
  await measure(holdfast('stop'));
  return { cold, warm };
}

/** This checkout's build; where a store can lock, once without locks and once with them. */
export function holdfastContestants(canLock: boolean): readonly Contestant[] {
  const facts: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const version = typeof facts === 'object' && facts !== null && 'version' in facts ? String(facts.version) : '';
  const mode = 'defaults (zstd 2, AES-256-GCM)';
  const plain: Contestant = { name: 'holdfast', mode, version, begin: async (places) => await begin(places, false) };
  if (!canLock) return [plain];
  const locking = `${mode}, immutable: each object is locked by its put and its lock read back before the restore point counts`;
  return [
    { ...plain, mode: `${mode}, no locks` },
    { name: 'holdfast-locked', mode: locking, version, hasLocks: true, begin: async (places) => await begin(places, true) },
  ];
}
