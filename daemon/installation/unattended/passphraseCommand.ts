import { HoldfastError } from '../../../protocol/errors.ts';
import { runCommand } from '../../commands/runCommand.ts';
import type { WipedBytes } from '../../keys/secretBytes.ts';
import { SecretCollector } from '../../keys/firstLine.ts';

export interface CommandLimits {
  /** Seconds; 30 when left out: long enough for a person to agree to what a credential store asks. */
  readonly timeLimit?: number;
  readonly signal: AbortSignal;
}

const usualTimeLimit = 30;

/**
 * The first line that a command writes to its standard output. Errors never show the command line nor what it wrote. Rejects with `failed` (its status,
 * its time, nothing written) and the signal's reason.
 */
export async function runPassphraseCommand(command: string, { timeLimit = usualTimeLimit, signal }: CommandLimits): Promise<WipedBytes> {
  signal.throwIfAborted();
  using collector = new SecretCollector();
  const output = (piece: Uint8Array): undefined => collector.take(piece);
  const { problem } = await runCommand({ command, timeLimit, signal, output });
  signal.throwIfAborted();
  if (problem !== null) throw failed(problem);
  const line = collector.firstLine();
  if (line.bytes.length === 0) throw failed('it wrote nothing');
  return line;
}

function failed(cause: string): HoldfastError {
  return new HoldfastError('failed', `Failed to get the passphrase from the command: ${cause}.`, {
    fix: 'Run the command by hand: it has to write the passphrase as its first line.',
  });
}
