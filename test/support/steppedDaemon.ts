// The daemon with its steps counted: what it asks key services, what it writes into its catalog, and what it gives a name on the disk. Where a file `kill-at`
// beside the state directory holds a number, it ends by SIGKILL right before the step of that number from then on, and says in `killed-at` which that was.
// Its key agents live in this process: none of them is there at the moment of a kill, which is before they start.
import childProcess from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const state = process.argv[process.argv.indexOf('--state') + 1] ?? '';
const [order, done] = ['kill-at', 'killed-at'].map((name) => path.join(path.dirname(state), name));
let seen = 0;

function wanted(): number | undefined {
  try {
    return Number(readFileSync(order ?? '', 'utf8'));
  } catch {
    // Nobody wants it to end.
    seen = 0;
    return undefined;
  }
}

function reached(step: string): void {
  const at = wanted();
  if (at === undefined) return;
  seen += 1;
  if (seen !== at) return;
  rmSync(order ?? '');
  writeFileSync(done ?? '', step);
  process.kill(process.pid, 'SIGKILL');
}

const agentPattern = /keyAgent\.js$/;
const { spawn } = childProcess;
const { link, rename } = fs;
Object.assign(childProcess, {
  spawn: (...given: Parameters<typeof spawn>) => {
    reached('ask the key service');
    return given.flat().some((word) => typeof word === 'string' && agentPattern.test(word)) ? keyAgentInside() : spawn(...given);
  },
});
Object.assign(fs, {
  link: async (...given: Parameters<typeof link>) => {
    reached('link');
    await link(...given);
  },
  rename: async (...given: Parameters<typeof rename>) => {
    reached('rename');
    await rename(...given);
  },
});
syncBuiltinESMExports();
// Behind that: what they load takes what it needs of the disk at once.
const { countCatalogWrites } = await import('./crashPoints.ts');
const { keyAgentInside } = await import('./keyAgentInside.ts');
countCatalogWrites(reached);
await import('../../daemon/main.ts');
