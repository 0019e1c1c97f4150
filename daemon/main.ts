#!/usr/bin/env node
// The daemon's entry: `main --state DIR [--foreground] [--log-level LEVEL]`.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { launchedFlag } from '../protocol/daemonLaunch.ts';
import { HoldfastError } from '../protocol/errors.ts';
import { runClean } from './server/hardening.ts';
import { thrownFact } from './server/redaction.ts';

// The same line in the sources and in the bundle, where both entries lie side by side.
const workerUrl = new URL(`./worker${path.extname(new URL(import.meta.url).pathname)}`, import.meta.url);
const args = process.argv.slice(2).filter((arg) => arg !== launchedFlag);

try {
  await runClean(process.argv.slice(2));
  const { values } = parseArgs({
    args,
    options: {
      state: { type: 'string' },
      foreground: { type: 'boolean', default: false },
      'log-level': { type: 'string', default: 'info' },
    },
  });
  if (values.state === undefined) throw new HoldfastError('usage', 'Failed to start the daemon: --state DIR is missing.');
  const [{ runDaemon }, { logLevels }, { methods }, { assemble }] = await Promise.all([
    import('./server/runDaemon.ts'),
    import('../protocol/methods/log.ts'),
    import('../protocol/methods/index.ts'),
    import('./server/assemble.ts'),
  ]);
  const logLevel = logLevels.find((level) => level === values['log-level']);
  if (logLevel === undefined)
    throw new HoldfastError('usage', `Failed to start the daemon: --log-level is one of ${logLevels.join(', ')}.`);
  await runDaemon({
    stateDirectory: values.state,
    entryPath: process.argv[1] ?? '',
    isForeground: values.foreground,
    logLevel,
    methods,
    assemble: (surroundings) => assemble(surroundings, workerUrl),
  });
  process.exit(0);
} catch (error) {
  // Whoever started this process reads one JSON line, and nothing that could hold a secret.
  const { code, message, fix, details, exitStatus } = HoldfastError.is(error) ? error : unforeseen(error);
  process.stderr.write(`${JSON.stringify({ error: { code, message, fix, details } })}\n`, () => process.exit(exitStatus));
}

function unforeseen(error: unknown): HoldfastError {
  return new HoldfastError('failed', 'Failed to start the daemon: something went wrong that was not foreseen.', {
    details: { error: thrownFact(error) },
  });
}
