import path from 'node:path';
import type { AnyMethod } from '../../protocol/method.ts';
import type { LogLevel } from '../../protocol/methods/log.ts';
import type { Assembly, AssemblySurroundings } from './assembly.ts';
import { DaemonServer } from './daemonServer.ts';
import { EventHub } from './events.ts';
import { hardenProcess, launchProblems, processFacts } from './hardening.ts';
import { LogFile, logFileName } from './logger.ts';
import { thrownFact } from './redaction.ts';
import { takeInstance } from './singleInstance.ts';
import { prepareStateDirectory } from './stateDirectory.ts';
import { StepUp } from './stepUp.ts';

export interface RunOptions {
  readonly stateDirectory: string;
  readonly entryPath: string;
  readonly isForeground: boolean;
  readonly logLevel: LogLevel;
  readonly methods: readonly AnyMethod[];
  readonly assemble: (surroundings: AssemblySurroundings) => Promise<Assembly>;
}

/** A daemon's life, from the lock on its state directory to the end by a signal or by `session.stop`. Rejects where it could not start. */
export async function runDaemon(options: RunOptions): Promise<void> {
  const startedAt = new Date();
  process.umask(0o077);
  const stateDirectory = prepareStateDirectory(options.stateDirectory);
  using instance = await takeInstance(stateDirectory);
  using log = new LogFile({
    path: path.join(stateDirectory, logFileName),
    level: options.logLevel,
    ...(options.isForeground ? { echo: (line: string) => process.stderr.write(line) } : {}),
  });
  hardenProcess(log);
  log.info('The daemon starts.', { pid: process.pid, lock: instance.path, launchProblems: launchProblems(processFacts()) });
  const ended = Promise.withResolvers<string>();
  const end = (reason: string): void => ended.resolve(reason);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, () => end(signal));
  // A daemon in the background outlives the terminal that it was started from.
  process.on('SIGHUP', () => (options.isForeground ? end('SIGHUP') : undefined));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.error('The daemon ends: something went wrong that was not foreseen.', { event, error: thrownFact(error) });
      process.exit(1);
    });
  }

  const stepUp = new StepUp();
  const events = new EventHub();
  await using assembly = await options.assemble({
    stateDirectory,
    startedAt,
    log,
    stepUp,
    publish: (event) => events.publish(event),
    stop: () => end('stop'),
  });
  await using server = await DaemonServer.start({
    stateDirectory,
    entryPath: options.entryPath,
    startedAt,
    methods: options.methods,
    handlers: assembly.handlers,
    daemonState: assembly.daemonState,
    audit: assembly.audit,
    onFailedProof: assembly.onFailedProof,
    stepUp,
    events,
    log,
  });
  const reason = await ended.promise;
  log.info('The daemon ends.', { reason, sessions: server.sessions });
}
