import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { runKeyAgent } from '../../daemon/keys/agent/runKeyAgent.ts';
import { openKeyService } from '../../daemon/keys/passkeys/openKeyService.ts';

/** What `ProcessKeyAgent` uses of a child process. */
interface AgentChild extends EventEmitter {
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  kill(): boolean;
}

/** A key agent as it ships, in the process that asks it: a process for each call would be most of the time of a test that asks hundreds of times. */
export function keyAgentInside(): AgentChild {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const child = Object.assign(new EventEmitter(), { stdin, stdout, kill: () => stdout.end() !== undefined });
  stdout.once('end', () => child.emit('close'));
  // The agent wipes what it gives to write as soon as that was taken.
  const write = async (bytes: Uint8Array): Promise<void> => void stdout.write(Buffer.from(bytes));
  const end = (): void => void stdout.end();
  void runKeyAgent(openKeyService, { input: stdin, write }).then(end, end);
  return child;
}
