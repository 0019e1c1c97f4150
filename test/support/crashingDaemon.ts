// A daemon that kills itself: `crashingDaemon.ts STATE SCENARIO N` unlocks, begins the scenario and ends by SIGKILL right before its N-th counted
// step. Where the scenario has fewer steps it ends well, with their number on standard output.
import { writeSync } from 'node:fs';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';
import { countCatalogWrites, countedFileSystem } from './crashPoints.ts';
import { crashScenarios, passphrases } from './crashScenarios.ts';
import { InProcessDaemon } from './inProcessDaemon.ts';

const [state = '', name = '', at = '0'] = process.argv.slice(2);
const scenario = Object.entries(crashScenarios).find(([known]) => known === name)?.[1];
if (scenario === undefined) throw new Error(`no scenario ${name}`);
let steps = 0;
let isCounting = false;
const reached = (): void => {
  if (!isCounting) return;
  steps += 1;
  if (steps === Number(at)) process.kill(process.pid, 'SIGKILL');
};
const daemon = await InProcessDaemon.start(state, { scrypt: new FakeScrypt(), fileSystem: countedFileSystem(reached) });
await daemon.unlock(passphrases.main);
countCatalogWrites(reached);
isCounting = true;
await scenario.run(daemon);
writeSync(1, `${steps}\n`);
process.exit(0);
