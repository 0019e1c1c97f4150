import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connectDaemon } from '../client/connect.ts';
import { daemonEnvironment, launchedFlag, runtimeOptions } from '../protocol/daemonLaunch.ts';
import type { KeyTarget } from '../protocol/keyServices.ts';
import { passkeyAdd, passkeyRetire, passkeyRotate, passkeyVerify } from '../protocol/methods/passkeys.ts';
import { type InitKey, sessionLock, sessionUnlock } from '../protocol/methods/session.ts';
import { ConnectedDaemon } from '../test/support/connectedDaemon.ts';
import { KmsWireServer } from '../test/support/servers/kmsWire.ts';
import { OpenBaoServer } from '../test/support/servers/openBaoServer.ts';
import { findServerPrograms } from '../test/support/servers/serverPrograms.ts';
import { median } from './report.ts';

const runs = 10;
const startLimit = 10_000;
const pollMilliseconds = 10;
const passphrase = 'a passphrase of the benchmark alone';
const acts = ['unlock', 'verify', 'rotate'] as const;
type Act = (typeof acts)[number];

interface Figures {
  /** Milliseconds that the client waited. */
  readonly took: readonly number[];
  /** Milliseconds for which the daemon's event loop stood still at most, each time. */
  readonly stalls: readonly number[];
}

type FiguresOfKind = Readonly<Record<Act, Figures>>;

/**
 * Passkeys of each kind of the packaged daemon in a process of its own, its key service on loopback. One Markdown table; `say` hears of each line.
 */
export async function benchPasskeys(say: (line: string) => void): Promise<string> {
  const programs = findServerPrograms();
  if (programs === undefined)
    throw new Error('OpenBao is not there: run "npm test -- integration" once, or name the folder of the servers in HOLDFAST_TEST_SERVERS');
  await using world = new AsyncDisposableStack();
  const kms = world.use(await KmsWireServer.start());
  kms.aliases.set('alias/bench', kms.createKey().id);
  const vault = world.use(await OpenBaoServer.start(programs));
  await vault.createKey('bench');
  const watched = world.use(await WatchedDaemon.start());
  const tokenFile = path.join(watched.folder, 'token');
  writeFileSync(tokenFile, vault.rootToken, { mode: 0o600 });
  const onVault: KeyTarget = { kind: 'vaultTransit', address: vault.address, namespace: null, mount: 'transit', key: 'bench' };
  const kinds: readonly { readonly title: string; readonly name: string; readonly key?: InitKey }[] = [
    { title: 'passphrase', name: 'main' },
    {
      title: 'AWS KMS (a server of its wire)',
      name: 'kms',
      key: {
        target: { kind: 'awsKms', keyId: 'alias/bench', region: kms.region },
        access: { kind: 'awsKms', endpoint: kms.endpoint, credentials: { source: 'chain' } },
      },
    },
    {
      title: 'Vault (OpenBao)',
      name: 'vault',
      key: { target: onVault, access: { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile }, caFile: null } },
    },
  ];
  const rows: string[] = [];
  for (const { title, name, key } of kinds) {
    if (key !== undefined) await watched.daemon.call(passkeyAdd, { requestId: randomUUID(), name, useNow: false, ...key });
    const row = rowOf(title, await measureKind(watched, name, key === undefined));
    say(row);
    rows.push(row);
  }
  return [
    `| | ${acts.map((act) => `${act}, ms`).join(' | ')} | ${acts.map((act) => `longest stall: ${act}, ms`).join(' | ')} |`,
    `|---|${acts.map(() => '---:|---:').join('|')}|`,
    ...rows,
  ].join('\n');
}

async function measureKind(watched: WatchedDaemon, name: string, isPassphrase: boolean): Promise<FiguresOfKind> {
  const { daemon } = watched;
  const figures = { unlock: newFigures(), verify: newFigures(), rotate: newFigures() };
  const measured = async <Result>(act: Act, work: () => Promise<Result>): Promise<Result> => {
    await watched.longestStall();
    const started = performance.now();
    const result = await work();
    figures[act].took.push(performance.now() - started);
    figures[act].stalls.push(await watched.longestStall());
    return result;
  };
  const proof = () => (isPassphrase ? { passphrase: daemon.secret(passphrase) } : {});
  for (let run = 0; run < runs; run += 1) {
    await daemon.call(sessionLock, {});
    await measured('unlock', async () => await daemon.call(sessionUnlock, { passkey: name, ...proof() }));
    await daemon.unlock(passphrase);
    await measured('verify', async () => await daemon.call(passkeyVerify, { passkey: name, ...proof() }));
    const { previous } = await measured(
      'rotate',
      async () => await daemon.call(passkeyRotate, { requestId: randomUUID(), passkey: name, ...proof() }),
    );
    await daemon.call(passkeyRetire, { passkey: previous.slotId, confirmed: true });
  }
  return figures;
}

function newFigures(): { readonly took: number[]; readonly stalls: number[] } {
  return { took: [], stalls: [] };
}

function rowOf(title: string, figures: FiguresOfKind): string {
  const took = acts.map((act) => median(figures[act].took).toFixed(0));
  const stalls = acts.map((act) => Math.max(...figures[act].stalls).toFixed(0));
  return `| ${[title, ...took, ...stalls].join(' | ')} |`;
}

/** The daemon of `watchedDaemon.ts`, set up with a passphrase and a location; ends when it is disposed. */
class WatchedDaemon implements AsyncDisposable {
  readonly folder: string;
  readonly daemon: ConnectedDaemon;
  readonly #process: ChildProcess;

  private constructor(folder: string, daemon: ConnectedDaemon, child: ChildProcess) {
    this.folder = folder;
    this.daemon = daemon;
    this.#process = child;
  }

  static async start(): Promise<WatchedDaemon> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-bench-'));
    const [state, store] = [path.join(folder, 'state'), path.join(folder, 'store')];
    for (const made of [state, store]) mkdirSync(made, { mode: 0o700 });
    const child = fork(path.join(import.meta.dirname, 'watchedDaemon.ts'), ['--state', state, launchedFlag], {
      execArgv: [...runtimeOptions],
      env: { ...daemonEnvironment(process.env), AWS_ACCESS_KEY_ID: 'AKIABENCH', AWS_SECRET_ACCESS_KEY: 'of-the-bench' },
    });
    const daemon = new ConnectedDaemon(await connectionTo(state));
    const watched = new WatchedDaemon(folder, daemon, child);
    await daemon.init(passphrase);
    await daemon.addLocation(store);
    return watched;
  }

  /** Milliseconds, since it was asked before. */
  async longestStall(): Promise<number> {
    const answered = once(this.#process, 'message');
    this.#process.send('how long?');
    const [longest]: unknown[] = await answered;
    return Number(longest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.connection[Symbol.asyncDispose]();
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function connectionTo(stateDirectory: string): Promise<ConnectedDaemon['connection']> {
  const end = performance.now() + startLimit;
  for (;;) {
    const connection = await connectDaemon({ stateDirectory, clientName: 'bench' });
    if (connection !== undefined) return connection;
    if (performance.now() > end) throw new Error('the daemon does not start: run "npm run build"');
    await wait(pollMilliseconds);
  }
}
