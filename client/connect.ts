import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../protocol/errors.ts';
import { programVersion } from '../protocol/version.ts';
import { DaemonConnection } from './connection.ts';
import { dial } from './dial.ts';
import { readEndpoint } from './endpointReader.ts';
import { makesWay, outdatedReason } from './outdated.ts';
import { untilProcessEnded } from './processEnd.ts';
import { type DaemonProgram, startDaemon } from './startDaemon.ts';

export interface ConnectOptions {
  readonly stateDirectory: string;
  /** How to start a daemon where none runs; left out: then `undefined` is the answer. */
  readonly start?: DaemonProgram;
  /** Told why, as a clause, when a daemon of an older program made way for a new one, which is locked. Only with `start`. */
  readonly onReplaced?: (reason: string) => void;
  /** For the daemon's log: `cli`, `extension`. */
  readonly clientName: string;
  readonly signal?: AbortSignal;
}

/** How long to go on: a crowd thins out, but what could not prove itself hardly becomes the daemon. */
const tryingMilliseconds = { closed: 5000, unproved: 1000 } as const;
const startMilliseconds = 20_000;
const lookMilliseconds = 10;
/** How long the daemon that another client started may take to answer. */
const otherMilliseconds = 5000;

type Attempt = DaemonConnection | 'nobody' | 'closed' | 'unproved';

/**
 * Finds the daemon of a state directory, proves it and says hello. Rejects with `versionMismatch`, `refusedByRule` (something that is not ours is in its place),
 * `failed` where a daemon could not be started, and the daemon's own reasons for that.
 */
export async function connectDaemon(options: ConnectOptions): Promise<DaemonConnection | undefined> {
  try {
    const { start } = options;
    const running = await findDaemon(options);
    if (start === undefined) return running;
    if (running === undefined) return await startAndConnect(options, start);
    const reason = outdatedReason(running.daemon, { programVersion, exists: existsSync });
    if (reason === undefined) return running;
    const { pid } = running.daemon;
    if (!(await makesWay(running, options))) return running.isClosed ? await startAndConnect(options, start) : running;
    // The lock on the state directory goes with the process, so a daemon that is started before is told that one runs.
    await untilProcessEnded(pid, startMilliseconds, options.signal);
    const fresh = await startAndConnect(options, start);
    options.onReplaced?.(reason);
    return fresh;
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
    throw new HoldfastError('cancelled', 'Failed to connect to the daemon: it was cancelled.', { cause: error });
  }
}

/** A connection to a daemon that runs already; `undefined` where nobody is there. */
async function findDaemon(options: ConnectOptions): Promise<DaemonConnection | undefined> {
  const started = performance.now();
  for (let attempt = 0; ; attempt += 1) {
    options.signal?.throwIfAborted();
    const reached = await attemptOnce(options);
    if (reached instanceof DaemonConnection) return reached;
    if (reached === 'nobody') return undefined;
    if (performance.now() - started > tryingMilliseconds[reached]) throw notReached(reached);
    // Closed: many crowd in and a random one gave way; unproved: a daemon that has just been started anew has not written its file yet.
    await pause(Math.min(2 ** attempt, 100) * (0.5 + Math.random()), options.signal);
  }
}

async function startAndConnect(options: ConnectOptions, program: DaemonProgram): Promise<DaemonConnection> {
  using starting = startDaemon(options.stateDirectory, program);
  let deadline = performance.now() + startMilliseconds;
  let isOther = false;
  while (performance.now() < deadline) {
    const reached = await attemptOnce(options);
    if (reached instanceof DaemonConnection) return reached;
    const failure = starting.failure();
    if (failure !== undefined && failure.code !== 'daemonAlreadyRunning') throw failure;
    // Another client was quicker, and its daemon is the one to talk to.
    if (failure !== undefined && !isOther) {
      isOther = true;
      deadline = performance.now() + otherMilliseconds;
    }
    await pause(lookMilliseconds, options.signal);
  }
  const late = `Failed to start the daemon: it did not answer within ${startMilliseconds / 1000} s.`;
  throw starting.failure() ?? new HoldfastError('failed', late, { fix: 'Run "holdfast serve" to see why.' });
}

async function attemptOnce(options: ConnectOptions): Promise<Attempt> {
  const { stateDirectory, clientName, signal } = options;
  const endpoint = readEndpoint(stateDirectory);
  if (endpoint === undefined) return 'nobody';
  let connection: DaemonConnection | undefined;
  const dialled = await dial(
    endpoint,
    (socket, secretKey) => {
      connection = new DaemonConnection(socket, secretKey);
    },
    signal,
  );
  if (dialled !== 'proved') return dialled;
  if (connection === undefined) return 'closed';
  try {
    await connection.hello(clientName, options);
    return connection;
  } catch (error) {
    connection.terminate();
    // The daemon may have closed the socket before it read the proof.
    if (HoldfastError.is(error, 'daemonEnded')) return 'closed';
    throw error;
  }
}

function notReached(why: 'closed' | 'unproved'): HoldfastError {
  if (why === 'closed') {
    return new HoldfastError('failed', 'Failed to connect to the daemon: it closes every connection.', {
      fix: 'Try again; if that does not help, end the daemon and start it anew.',
    });
  }
  return new HoldfastError(
    'refusedByRule',
    'Failed to connect to the daemon: what listens in its place could not prove that it is the daemon.',
    {
      fix: 'Look which program it is; end it, and start the daemon again.',
    },
  );
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await wait(milliseconds, undefined, signal === undefined ? {} : { signal });
}
