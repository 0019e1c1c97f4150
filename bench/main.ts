// Holdfast and its peers on the same data in the same run. `npm run bench -- --help` says how.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compareTrees } from '../test/support/compareTrees.ts';
import type { Contestant } from './contestant.ts';
import { type DataFacts, type DataKind, dataKinds, makeData } from './data.ts';
import { holdfastContestants, startTimes } from './holdfast.ts';
import { benchLocks } from './locks.ts';
import { type Command, forgetPeak, type Measured, measure, peakMemory, readAll, touchMemory } from './measure.ts';
import { benchPasskeys } from './passkeys.ts';
import { findPeers, peerNames } from './peers.ts';
import { benchRecovery } from './recovery.ts';
import { median, type Sample, sectionNames, table, withResults } from './report.ts';
import { bucketStores, folderStores, type Stores } from './stores.ts';

const help = `npm run bench -- [flags]
  --size SIZE      bytes of the random and of the text data; the small files follow (default 1GiB; 64MiB for a quick look)
  --runs N         how often everything is done; medians are shown (default 3)
  --only NAMES     some of holdfast, ${peerNames.join(', ')}
  --data KINDS     some of random, text, small
  --store KIND     folder, or s3: a SeaweedFS on loopback that holds its data in the folder to work in (default folder)
  --latency MS     with --store s3: every round trip takes so much longer
  --locks          instead of all that: refresh and audit of many locked objects
  --passkeys       instead of all that: passkeys of each kind, and how long the daemon stands still meanwhile
  --recovery       instead of all that: a large catalog copied for a bundle, and made again from it
  --folder DIR     where to work (default: /dev/shm where it is large enough, else the temporary folder)
  --write-docs     put the tables into docs/benchmarks.md
Peers are taken from the folder BENCH_PEERS and from the PATH.
`;

const root = path.dirname(import.meta.dirname);
const tmpfsType = 0x01021994;
const seed = 20_260_101;
/** Source, store, target, and as much again for programs, their caches and what is touched ahead. */
const spaceForEach = 5;
const startRuns = 5;
/** A fifth of what the catalogs and copies of the recovery need. */
const recoverySpace = 800 * 2 ** 20;
const anyTime = 10n ** 19n;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function bytesOf(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB)?$/.exec(text);
  if (found === null) throw new Error(`--size ${text} is no size: write 512MiB or 1GiB`);
  const power = ['KiB', 'MiB', 'GiB'].indexOf(found[2] ?? '') + 1;
  return Math.round(Number(found[1]) * 1024 ** power);
}

function workFolder(given: string | undefined, size: number): string {
  if (given !== undefined) return path.resolve(process.env['INIT_CWD'] ?? process.cwd(), given);
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    if (Math.min(bavail * bsize, os.freemem()) > size * spaceForEach) return '/dev/shm';
  } catch {
    // There is none on this system.
  }
  return os.tmpdir();
}

interface Place {
  readonly base: string;
  readonly isInMemory: boolean;
}

async function timed(command: Command, place: Place, source: string, bytes: number, worker: number | undefined): Promise<Measured> {
  if (!place.isInMemory) readAll(source);
  else touchMemory(place.base, Math.round(bytes * 1.3) + 256 * 2 ** 20);
  if (worker !== undefined) forgetPeak(worker);
  const measured = await measure(command);
  return worker === undefined ? measured : { ...measured, peakBytes: peakMemory(worker) };
}

async function runRound(
  contestant: Contestant,
  kind: DataKind,
  facts: DataFacts,
  source: string,
  place: Place,
  stores: Stores,
  isChecked: boolean,
): Promise<Sample> {
  const folder = mkdtempSync(path.join(place.base, 'round-'));
  const [scratch, target] = ['scratch', 'target'].map((name) => path.join(folder, name));
  if (scratch === undefined || target === undefined) throw new Error('no folders');
  for (const one of [scratch, target]) mkdirSync(one);
  const store = await stores.make(folder, { hasLocks: contestant.hasLocks ?? false });
  const round = await contestant.begin({ source, store: store.place, scratch });
  try {
    const first = await timed(round.firstBackup, place, source, facts.bytes, round.worker);
    const storedBytes = await store.bytes();
    const unchanged = await timed(round.unchangedBackup, place, source, 0, round.worker);
    const restore = await timed(await round.restore(target), place, source, facts.bytes, round.worker);
    if (isChecked) {
      const { differences } = compareTrees(source, round.restoredAt(target), {
        top: false,
        // Times are Holdfast's promise; some peers round those of folders.
        mtimePrecision: contestant.name.startsWith('holdfast') ? 1000n : anyTime,
      });
      if (differences.length > 0)
        throw new Error(`${contestant.name} restored ${kind} with ${differences.length} differences, the first: ${differences[0]}`);
    }
    return {
      contestant: contestant.name,
      data: kind,
      firstBackup: first.seconds,
      unchangedBackup: unchanged.seconds,
      restore: restore.seconds,
      storedBytes,
      peakBytes: Math.max(first.peakBytes, unchanged.peakBytes, restore.peakBytes),
    };
  } finally {
    await round.end();
    await store.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

function processor(): string {
  const cpus = os.cpus();
  return [
    `${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown processor'}, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB of memory`,
    `${os.type()} ${os.release()} ${os.arch()}, Node ${process.versions.node}`,
  ].join('; ');
}

function machine(place: Place): string {
  return [
    processor(),
    place.isInMemory ? 'source, store and target on tmpfs' : 'source, store and target on disk, source read once before each step',
  ].join('; ');
}

function writeDocs(section: string, results: string): void {
  const page = path.join(root, 'docs', 'benchmarks.md');
  writeFileSync(page, withResults(readFileSync(page, 'utf8'), section, `\n${results}\n`));
}

async function alone(
  bench: (say: (line: string) => void) => Promise<string>,
  section: (typeof sectionNames)[keyof typeof sectionNames],
  writesDocs: boolean,
): Promise<void> {
  // Whoever reads the times sees whether the machine had anything else to do.
  const load = `Load of the machine when it began: ${os.loadavg()[0]?.toFixed(1) ?? '?'}.`;
  const results = `${processor()}. ${load}\n\n${await bench((line) => void process.stderr.write(`${line}\n`))}`;
  say(results);
  if (writesDocs) writeDocs(section, results);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: '1GiB' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string' },
      data: { type: 'string' },
      folder: { type: 'string' },
      store: { type: 'string', default: 'folder' },
      latency: { type: 'string', default: '0' },
      locks: { type: 'boolean', default: false },
      passkeys: { type: 'boolean', default: false },
      recovery: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(help);
  if (values.locks) return await alone(benchLocks, sectionNames.locks, values['write-docs']);
  if (values.passkeys) return await alone(benchPasskeys, sectionNames.passkeys, values['write-docs']);
  if (values.recovery) {
    const parent = workFolder(values.folder, recoverySpace);
    return await alone((tell) => benchRecovery(tell, parent), sectionNames.recovery, values['write-docs']);
  }
  const isS3 = values.store === 's3';
  if (!isS3 && values.store !== 'folder') throw new Error(`--store ${values.store} is neither folder nor s3`);
  const latency = Number(values.latency);
  if (!(latency >= 0 && latency <= 10_000)) throw new Error(`--latency ${values.latency} is no number of milliseconds up to 10000`);
  if (latency > 0 && !isS3) throw new Error('--latency goes with --store s3');
  const size = bytesOf(values.size);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs} is no number of runs`);
  const wanted = values.only?.split(',');
  const kinds = dataKinds.filter((kind) => values.data === undefined || values.data.split(',').some((name) => kind.startsWith(name)));
  const { contestants: peers, missing, leftOut } = await findPeers(isS3 ? 'bucket' : 'folder');
  const contestants = [...holdfastContestants(isS3), ...peers].filter(({ name }) => wanted === undefined || wanted.includes(name));
  const parent = workFolder(values.folder, size);
  const place: Place = { base: mkdtempSync(path.join(parent, 'holdfast-bench-')), isInMemory: statfsSync(parent).type === tmpfsType };
  process.once('SIGINT', () => {
    rmSync(place.base, { recursive: true, force: true });
    process.exit(130);
  });

  const samples: Sample[] = [];
  const tables: string[] = [];
  try {
    await using stores = isS3 ? await bucketStores(place.base, latency) : folderStores();
    const heading = [
      `${machine(place)}. Medians of ${runs} ${runs === 1 ? 'run' : 'runs'}; in brackets a figure divided by that of holdfast.`,
      ...(stores.about === undefined ? [] : [stores.about]),
      '',
      ...contestants.map(({ name, version, mode }) => `- ${name} ${version}: ${mode}`),
      ...(missing.length === 0 ? [] : [`- not found: ${missing.join(', ')}`]),
      ...leftOut.map((sentence) => `- left out: ${sentence}`),
    ].join('\n');
    say(heading);
    for (const kind of kinds) {
      const source = path.join(place.base, 'source');
      const facts = makeData(kind, source, size, seed);
      for (let run = 0; run < runs; run += 1) {
        // Everybody is first once: a later place may find a warmer machine.
        const turn = [...contestants.slice(run % contestants.length), ...contestants.slice(0, run % contestants.length)];
        for (const contestant of turn) {
          const sample = await runRound(contestant, kind, facts, source, place, stores, run === 0);
          samples.push(sample);
          const { firstBackup, unchangedBackup, restore, storedBytes, peakBytes } = sample;
          process.stderr.write(
            `${kind}, run ${run + 1}, ${contestant.name}: ${firstBackup.toFixed(2)} / ${unchangedBackup.toFixed(2)} / ${restore.toFixed(2)} s, ${(storedBytes / 2 ** 20).toFixed(0)} MiB, ${(peakBytes / 1e6).toFixed(0)} MB\n`,
          );
        }
      }
      rmSync(source, { recursive: true });
      tables.push(table(kind, facts, contestants, samples));
      say(`\n${tables.at(-1) ?? ''}`);
    }
    const starts: number[] = [];
    const startsCounted = !isS3 && contestants.some(({ name }) => name === 'holdfast') ? startRuns : 0;
    for (let run = 0; run < startsCounted; run += 1) {
      const scratch = mkdtempSync(path.join(place.base, 'start-'));
      const { cold, warm } = await startTimes(scratch);
      starts.push(cold - warm);
      rmSync(scratch, { recursive: true, force: true });
    }
    const start =
      starts.length === 0
        ? ''
        : `The daemon takes ${(median(starts) * 1000).toFixed(0)} ms from its start to its first answer (median of ${starts.length}).`;
    if (start !== '') say(`\n${start}`);
    if (values['write-docs']) {
      const section = isS3 ? (latency > 0 ? sectionNames.slowS3 : sectionNames.s3) : sectionNames.folder;
      writeDocs(section, [heading, ...tables, ...(start === '' ? [] : [start])].join('\n\n'));
    }
  } finally {
    rmSync(place.base, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
