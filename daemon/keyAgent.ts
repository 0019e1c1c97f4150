// The entry of a key agent: a process that asks a key service one thing and ends.
import { runKeyAgent } from './keys/agent/runKeyAgent.ts';
import { openKeyService } from './keys/passkeys/openKeyService.ts';

try {
  await runKeyAgent(openKeyService, {
    input: process.stdin,
    write: (bytes) => new Promise((resolve, reject) => process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()))),
  });
  process.exit(0);
} catch {
  // Nobody reads what this process says but the answer; its status tells that there was none.
  process.exit(1);
}
