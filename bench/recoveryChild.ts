// One step of a recovery in a process of its own, whose memory is its alone. Told the step and a folder, it prints one line of JSON.
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { CatalogCopier } from '../daemon/catalog/copy/catalogCopier.ts';
import { expandCopy } from '../daemon/catalog/copy/copyFrame.ts';
import type { IndexedPack } from '../daemon/catalog/copy/expectedPacks.ts';
import { Connection } from '../daemon/catalog/connection.ts';
import { openCatalog } from '../daemon/catalog/openCatalog.ts';
import { Table } from '../daemon/catalog/table.ts';
import { forgetPeak, peakMemory } from './measure.ts';
import { writeLargeCatalog } from './recoveryCatalog.ts';
import { isRecoveryStep, type RecoveryFigures, type RecoveryStep } from './recoverySteps.ts';

const workerUrl = new URL('../daemon/worker.ts', import.meta.url);
const never = new AbortController().signal;
const restorePoints = 10_000;
const objectsEach = 100;
/** How finely the loop is watched, milliseconds. */
const resolution = 5;

/** Each gives what it has made, in words. */
const steps: Readonly<Record<RecoveryStep, (at: (name: string) => string) => Promise<string> | string>> = {
  prepare: (at) => {
    writeLargeCatalog(at('catalog.db'), { restorePoints, objectsEach });
    return megabytes(at('catalog.db'));
  },
  bundle: async (at) => await bundle(at, 'full', null),
  delta: async (at) => {
    const connection = new Connection(new DatabaseSync(at('catalog.db')));
    new Table<{ readonly name: string; readonly value: string }>(connection, 'settings').insert({ name: 'autoLock', value: '1' });
    connection.close();
    return await bundle(at, 'delta', at('full.copy'));
  },
  expand: async (at) => {
    const { length, sha256, catalogLength } = JSON.parse(readFileSync(at('full.json'), 'utf8'));
    await expandCopy(createReadStream(at('full.frame')), { length, sha256: Buffer.from(sha256, 'hex'), catalogLength }, at('expanded'));
    return megabytes(at('expanded'));
  },
  restore: async (at) => {
    const job = { copyPath: at('expanded'), deltaPath: null, catalogPath: at('restored.db'), recordedAt: new Date().toISOString() };
    const { packs } = await new CatalogCopier(workerUrl).restore({ ...job, packs: packsIn(at('catalog.db')) }, never);
    return `${packs.same.toLocaleString('en')} rows made anew`;
  },
  open: (at) => {
    openCatalog(at('restored.db')).close();
    return megabytes(at('restored.db'));
  },
};

async function bundle(at: (name: string) => string, name: string, basePath: string | null): Promise<string> {
  const paths = { catalogPath: at('catalog.db'), basePath, copyPath: at(`${name}.copy`), framePath: at(`${name}.frame`) };
  const { kind, frame } = await new CatalogCopier(workerUrl).make(paths, never);
  writeFileSync(at(`${name}.json`), JSON.stringify({ ...frame, sha256: Buffer.from(frame.sha256).toString('hex') }));
  return `${kind}, ${(frame.catalogLength / 1e6).toFixed(1)} MB, compressed ${(frame.length / 1e6).toFixed(1)} MB`;
}

/** As indexes would name them. */
async function* packsIn(catalogPath: string): AsyncGenerator<IndexedPack> {
  using database = new DatabaseSync(catalogPath, { readOnly: true });
  const rows = database.prepare("SELECT locationId, policyId, objectId, versionId, size, sha256 FROM objects WHERE kind = 'pack'");
  let batch: IndexedPack[] = [];
  for (const { locationId, policyId, objectId, versionId, size, sha256 } of rows.iterate()) {
    if (!(objectId instanceof Uint8Array) || !(sha256 instanceof Uint8Array)) continue;
    const pack = {
      locationId: String(locationId),
      policyId: String(policyId),
      objectId,
      versionId: String(versionId),
      size: Number(size),
      sha256,
    };
    batch.push(pack);
    if (batch.length < 5000) continue;
    yield* batch;
    batch = [];
    // A store's answers come between others.
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield* batch;
}

function megabytes(file: string): string {
  return `${(statSync(file).size / 1e6).toFixed(1)} MB`;
}

async function run(step: RecoveryStep, folder: string): Promise<RecoveryFigures> {
  forgetPeak(process.pid);
  const loop = monitorEventLoopDelay({ resolution });
  loop.enable();
  const started = performance.now();
  const made = await steps[step]((name) => path.join(folder, name));
  const seconds = (performance.now() - started) / 1000;
  loop.disable();
  const { user, system } = process.cpuUsage();
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: peakMemory(process.pid),
    longestBlock: loop.max / 1e6 - resolution,
    made,
  };
}

const [step, folder] = process.argv.slice(2);
if (step === undefined || folder === undefined || !isRecoveryStep(step)) throw new RangeError('there is no such step');
process.stdout.write(`${JSON.stringify(await run(step, folder))}\n`);
