import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { assertSound, CrashBench, copyFolder } from '../support/crashBench.ts';
import { countCatalogWrites, countedFileSystem } from '../support/crashPoints.ts';
import { type CrashScenario, crashScenarios, passphrases } from '../support/crashScenarios.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';

const crashingDaemon = path.join(path.dirname(import.meta.dirname), 'support', 'crashingDaemon.ts');

/** The folders as a crash right before one of the steps would leave them. */
interface Moment {
  readonly folder: string;
  readonly step: string;
  readonly isAcknowledged: boolean;
}

/** One number for all that lies below a folder, so that steps between which nothing changed are looked at once. */
function digestOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const file = path.join(folder, name);
    // The catalog's shared memory is made anew by whoever opens it first.
    if (name.endsWith('-shm')) continue;
    hash.update(`\0${name}\0`);
    if (lstatSync(file).isFile()) hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Runs a scenario once and keeps the folders at every step that differs from the step before: what SIGKILL leaves is what the files hold. */
async function momentsOf(
  bench: CrashBench,
  scenario: CrashScenario,
): Promise<{ readonly moments: readonly Moment[]; readonly steps: number }> {
  const moments: Moment[] = [];
  let steps = 0;
  let last = '';
  let isCounting = false;
  const keep = (step: string, isAcknowledged: boolean): void => {
    const digest = digestOf(bench.live);
    if (digest === last && !isAcknowledged) return;
    last = digest;
    const folder = bench.newPath();
    copyFolder(bench.live, folder);
    moments.push({ folder, step, isAcknowledged });
  };
  const reached = (what: string): void => {
    if (!isCounting) return;
    steps += 1;
    keep(`before step ${steps} (${what})`, false);
  };
  using cleanUp = new DisposableStack();
  cleanUp.use(countCatalogWrites(reached));
  await using daemon = await InProcessDaemon.start(bench.state, { scrypt: new FakeScrypt(), fileSystem: countedFileSystem(reached) });
  await daemon.unlock(passphrases.main);
  isCounting = true;
  await scenario.run(daemon);
  isCounting = false;
  keep('after the answer', true);
  return { moments, steps };
}

/** How many steps a scenario has at least, so that a counter that counts nothing is noticed; and how many real processes are killed. */
const sizes = {
  backup: { steps: 30, kills: 4 },
  addPasskey: { steps: 8, kills: 1 },
  rotatePasskey: { steps: 8, kills: 2 },
  usePasskey: { steps: 1, kills: 1 },
  retirePasskey: { steps: 6, kills: 1 },
  retireRestorePoint: { steps: 1, kills: 1 },
  collectGarbage: { steps: 40, kills: 3 },
} as const;

describe('a crash', function () {
  this.timeout(300_000);
  const random = new SeededRandom(testSeed());
  let bench: CrashBench;

  before(async () => {
    bench = new CrashBench(random);
    await bench.setUp();
  });
  after(() => bench[Symbol.dispose]());

  for (const [name, scenario] of Object.entries(crashScenarios)) {
    const { steps: least, kills } = Object.entries(sizes).find(([known]) => known === name)?.[1] ?? { steps: 1, kills: 1 };

    const id = name === 'collectGarbage' || name === 'retireRestorePoint' ? 'X1 X2' : 'X1';
    it(`${id}: at any counted write of ${name} loses nothing that was acknowledged, and the next run goes on (seed ${testSeed()})`, async () => {
      bench.putBack();
      const { moments, steps } = await momentsOf(bench, scenario);
      assert.ok(steps >= least, `${steps} steps`);
      for (const { folder, step, isAcknowledged } of moments) {
        bench.putBack(folder);
        await assertSound(bench, scenario, isAcknowledged).catch((error: unknown) => {
          throw new Error(`After a crash ${step} of ${name}`, { cause: error });
        });
        rmSync(folder, { recursive: true });
      }
    });

    it(`${id}: kill -9 in the middle of ${name} loses nothing that was acknowledged, and the next run goes on (seed ${testSeed()})`, async () => {
      for (let kill = 0; kill < kills; kill += 1) {
        bench.putBack();
        const at = random.between(1, least);
        const { signal, stderr } = spawnSync(process.execPath, [crashingDaemon, bench.state, name, String(at)], {
          encoding: 'utf8',
          // It has no time to clean up.
          env: { ...process.env, TMPDIR: bench.folder },
        });
        assert.equal(signal, 'SIGKILL', `step ${at}: ${stderr}`);
        await assertSound(bench, scenario, false).catch((error: unknown) => {
          throw new Error(`After kill -9 at step ${at} of ${name}`, { cause: error });
        });
      }
    });
  }
});
