// Plays attacks on real servers with the built daemon and command line: `npm run drills -- R1 R2 R5` for some, without ids all of them, and then
// docs/drills.md is written; `--write-docs` writes it for some too, `--only-page` writes it anew for those that were played last.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { testSeed } from '../test/support/mochaHooks.ts';
import { endProcess, processesNaming } from '../test/support/processes.ts';
import { MotoServer } from '../test/support/servers/motoServer.ts';
import { OpenBaoServer } from '../test/support/servers/openBaoServer.ts';
import { SeaweedServer } from '../test/support/servers/seaweedServer.ts';
import { findServerPrograms } from '../test/support/servers/serverPrograms.ts';
import { type DrillOutcome, writeDrills, writeDrillsAgain } from './drills/drillsPage.ts';
import { keyServices } from './drills/keyServices.ts';
import { passkeys } from './drills/passkeys.ts';
import { ransomware } from './drills/ransomware.ts';
import { type Drill, Stage, type StageOptions } from './drills/stage.ts';
import { stores } from './drills/stores.ts';
import { prepareServers } from './servers/prepareServers.ts';

const drills: readonly Drill[] = [...keyServices, ...passkeys, ...ransomware, ...stores].toSorted((one, other) =>
  one.id.localeCompare(other.id),
);
const asked = process.argv.slice(2);
const ids = asked.filter((arg) => arg !== '--write-docs').map((id) => id.toUpperCase());
const unknown = ids.filter((id) => !drills.some((drill) => drill.id === id));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (asked.includes('--only-page')) {
  say(`Written: ${writeDrillsAgain()}`);
  process.exit(0);
}
if (unknown.length > 0) {
  say(`Failed to play ${unknown.join(', ')}: the drills are ${drills.map(({ id }) => id).join(', ')}.`);
  process.exit(2);
}

const scratch = mkdtempSync(path.join(os.tmpdir(), 'hf-drills-'));
process.env['TMPDIR'] = scratch;
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

async function play(drill: Drill, servers: Pick<StageOptions, 'seaweed' | 'encrypting' | 'moto' | 'newOpenBao'>): Promise<DrillOutcome> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  say(`\n${drill.id}  ${drill.title}`);
  await using stage = new Stage({ say, seed: testSeed(), ...servers });
  try {
    await drill.play(stage);
  } catch (error) {
    stage.look(`The drill came to its end: ${error instanceof Error ? error.message : String(error)}`, false);
  }
  const failed = stage.looks.filter(({ holds }) => !holds).length;
  say(
    `  ${drill.id} ${failed === 0 ? 'held' : 'DID NOT HOLD'}: ${stage.looks.length - failed} of ${stage.looks.length} in ${seconds().toFixed(1)} s`,
  );
  return { id: drill.id, title: drill.title, looks: stage.looks, seed: testSeed(), seconds: seconds() };
}

try {
  const prepared = await prepareServers({ say });
  if ('missing' in prepared) throw new Error(prepared.missing);
  const programs = findServerPrograms();
  if (programs === undefined) throw new Error('The servers are not there although they were installed.');
  await using running = new AsyncDisposableStack();
  let seaweed: Promise<SeaweedServer> | undefined;
  let encrypting: Promise<SeaweedServer> | undefined;
  let moto: Promise<MotoServer> | undefined;
  const servers = {
    seaweed: () => (seaweed ??= SeaweedServer.start(programs).then((server) => running.use(server))),
    encrypting: () => (encrypting ??= SeaweedServer.start(programs, { encrypts: true }).then((server) => running.use(server))),
    newOpenBao: () => OpenBaoServer.start(programs, 'disk'),
    moto: () => (moto ??= MotoServer.start(programs).then((server) => running.use(server))),
  };
  say(`seed ${testSeed()} (HOLDFAST_TEST_SEED=${testSeed()} plays the same again)`);
  const outcomes: DrillOutcome[] = [];
  for (const drill of drills) {
    if ((ids.length > 0 && !ids.includes(drill.id)) || interrupted.signal.aborted) continue;
    outcomes.push(await play(drill, servers));
  }
  const broken = outcomes.filter(({ looks }) => looks.some(({ holds }) => !holds));
  say(
    `\n${outcomes.length - broken.length} drills held, ${broken.length} did not${broken.length === 0 ? '' : `: ${broken.map(({ id }) => id).join(', ')}`}`,
  );
  if (interrupted.signal.aborted) process.exitCode = 130;
  else {
    if (ids.length === 0 || asked.includes('--write-docs')) say(`Written: ${writeDrills(outcomes)}`);
    process.exitCode = broken.length === 0 ? 0 : 1;
  }
} catch (error) {
  say(`Failed to play the drills: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const pid of processesNaming(scratch)) await endProcess(pid);
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
}
