// Starts a program under guard, prints its id and stays: for tests that kill this process. `node guardedChild.ts REMAINS COMMAND ARGUMENT…`
import { GuardedProcess } from './guardedProcess.ts';

const [remains = '', command = '', ...args] = process.argv.slice(2);
const started = await GuardedProcess.start(command, args, {
  cwd: process.cwd(),
  env: { PATH: process.env['PATH'] ?? '' },
  remains: [remains],
});
process.stdout.write(`${started.pid}\n`);
setInterval(() => undefined, 60_000);
