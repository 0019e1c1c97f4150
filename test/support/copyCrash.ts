// Run as a process of its own: copies the daemon's program and dies at the n-th change of the disk, before or after it is done.
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [from, stateDirectory, at, moment] = process.argv.slice(2);
if (from === undefined || stateDirectory === undefined) throw new Error('copyCrash FROM STATE N before|after');
let count = 0;

function dieAt<Arguments extends readonly unknown[], Result>(
  change: (...args: Arguments) => Promise<Result>,
): (...args: Arguments) => Promise<Result> {
  return async (...args) => {
    count += 1;
    if (count === Number(at) && moment === 'before') process.kill(process.pid, 'SIGKILL');
    const result = await change(...args);
    if (count === Number(at)) process.kill(process.pid, 'SIGKILL');
    return result;
  };
}

Object.assign(promises, {
  mkdir: dieAt(promises.mkdir),
  writeFile: dieAt(promises.writeFile),
  rename: dieAt(promises.rename),
  rm: dieAt(promises.rm),
  utimes: dieAt(promises.utimes),
});
syncBuiltinESMExports();
const { copyDaemon } = await import('../../client/daemonCopy.ts');
await copyDaemon({ from, stateDirectory });
