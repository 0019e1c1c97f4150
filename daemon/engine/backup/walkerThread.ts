import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { HoldfastError } from '../../../protocol/errors.ts';
import { hexOf } from '../../repository/bytes.ts';
import type { IndexView } from '../../repository/indexView.ts';
import { ruleOf } from '../../repository/refusal.ts';
import { cacheContext } from '../cache/cacheFile.ts';
import { CacheReader } from '../cache/cacheReader.ts';
import { CacheWriter } from '../cache/cacheWriter.ts';
import { ChunkTable, newTableSegment } from '../dedup/chunkTable.ts';
import type { FolderSource } from '../jobs.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { Mailbox, RunStopped } from '../threads/mailbox.ts';
import { lowerThreadPriority } from '../threads/threadPriority.ts';
import { RunControl, RunCounters } from '../threads/runMemory.ts';
import { SealedBuffers } from '../threads/sealedBuffers.ts';
import { ShortLivedMemory } from '../threads/shortLivedMemory.ts';
import { FileDispatcher, type WalkerMail } from './fileDispatcher.ts';
import { IndexCollector, openParentIndex } from './indexCollector.ts';
import type { WalkerData, WalkerOrder, WalkerReport, WalkResult } from './messages.ts';
import { NodeStore } from './nodeStore.ts';
import { type OutputEnded, walkOutput } from './outputWalk.ts';
import { PackWriter } from './packWriter.ts';
import { SourceWalk } from './sourceWalk.ts';
import { WalkReport } from './walkReport.ts';

const walkerThread = 0;
const objectIdLength = 16;

/** Says what a cache is worth for: raise it when entries are made otherwise. */
const entryVersion = 'entries/1';

/** The walker: leads the file workers, makes trees, lists and indexes. One synchronous run from its first order to `end`. */
export function runWalker(data: WalkerData): void {
  const main = parentPort;
  if (main === null) throw new Error('The walker runs in a worker thread.');
  if (data.isLowPriority) lowerThreadPriority();
  const tell = (report: WalkerReport): void => main.postMessage(report, []);
  const control = new RunControl(data.memory.run);
  const mailbox = new Mailbox<WalkerMail>([main], control, walkerThread);
  const collector = new IndexCollector(data.context, data.nextIndexSequence, (index) => tell({ type: 'index', index }));
  const caches: CacheWriter[] = [];
  try {
    new WalkerRun(data, control, mailbox, collector, caches, tell).run();
    closingOrders(mailbox, collector, caches, tell);
  } catch (error) {
    if (!(error instanceof RunStopped)) throw error;
    closingOrders(mailbox, collector, caches, tell);
  }
}

/** Serves the orders that may come after a run's end, well or not, until `end`. */
function closingOrders(
  mailbox: Mailbox<WalkerMail>,
  collector: IndexCollector,
  caches: CacheWriter[],
  tell: (report: WalkerReport) => void,
): void {
  let isCommitted = false;
  for (;;) {
    const order = mailbox.next(true);
    if (order.type === 'packStored') collector.add(order.pack);
    if (order.type === 'salvage') {
      collector.flush();
      tell({ type: 'salvaged' });
    }
    if (order.type === 'commit') {
      for (const cache of caches) attempt(() => cache.commit());
      isCommitted = true;
      tell({ type: 'committed' });
    }
    if (order.type === 'end') break;
  }
  if (!isCommitted) for (const cache of caches) attempt(() => cache.abandon());
}

/** For the cache alone: a run does not fail because it can't be kept. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

class WalkerRun {
  readonly #data: WalkerData;
  readonly #control: RunControl;
  readonly #mailbox: Mailbox<WalkerMail>;
  readonly #collector: IndexCollector;
  readonly #caches: CacheWriter[];
  readonly #tell: (report: WalkerReport) => void;
  readonly #report: WalkReport = new WalkReport();
  #outputEnded: OutputEnded | undefined;
  #storedPacks = 0;
  #ownPacks = 0;

  constructor(
    data: WalkerData,
    control: RunControl,
    mailbox: Mailbox<WalkerMail>,
    collector: IndexCollector,
    caches: CacheWriter[],
    tell: (report: WalkerReport) => void,
  ) {
    this.#data = data;
    this.#control = control;
    this.#mailbox = mailbox;
    this.#collector = collector;
    this.#caches = caches;
    this.#tell = tell;
  }

  /** Throws `RunStopped`. */
  run(): void {
    const { context, memory, liveList } = this.#data;
    const { table, hits } = this.#prepare();
    const sealed = new SealedBuffers(memory.sealed, this.#control);
    const shortLived = new ShortLivedMemory();
    const writer = new PackWriter(context, sealed, shortLived, (message) => {
      this.#ownPacks += 1;
      this.#tell(message);
    });
    const nodes = new NodeStore(context, table, hits, shortLived, writer);
    const dispatcher = new FileDispatcher(
      this.#mailbox,
      this.#control,
      table,
      () => this.#tell({ type: 'workersWanted', table: table.segments }),
      (order) => this.#take(order),
    );
    const roots = this.#walkSources(table, hits, nodes, dispatcher);
    const { counts } = this.#report;
    this.#tell({ type: 'walked', files: counts.files, bytes: counts.bytes });
    dispatcher.finishPacks();
    const liveListId = liveList.length === 0 ? null : Uint8Array.from(nodes.store('list', liveList));
    nodes.flush();
    writer.flush();
    this.#tell({ type: 'packsDone', count: this.#ownPacks + dispatcher.packs });
    while (this.#storedPacks < this.#ownPacks + dispatcher.packs) dispatcher.wait();
    dispatcher.end();
    this.#collector.flush();
    const { skipped, skippedCount, warnings, hasWarnings } = this.#report;
    const nextIndexSequence = this.#collector.nextSequence;
    this.#tell({
      type: 'finished',
      result: { roots, liveListId, nextIndexSequence, counts, skipped, skippedCount, warnings, hasWarnings },
    });
  }

  #take(order: WalkerOrder): void {
    if (order.type === 'outputEnded') {
      this.#outputEnded = order;
      return;
    }
    if (order.type !== 'packStored') throw new Error(`The order ${order.type} has no place here.`);
    this.#storedPacks += 1;
    this.#collector.add(order.pack);
  }

  /** Reads the parent indexes into the table of known chunks. */
  #prepare(): { readonly table: ChunkTable; readonly hits: Uint8Array } {
    const packs: Uint8Array[] = [];
    const usable: string[] = [];
    const unusable = new Set(this.#data.unusablePacks.map((objectId) => hexOf(objectId)));
    let table: ChunkTable | undefined;
    for (let index = 0; index < this.#data.parentIndexes; index += 1) {
      const order = this.#mailbox.next();
      if (order.type !== 'parentIndex') throw new Error(`The order ${order.type} came before the parent indexes.`);
      const view = this.#openIndex(order);
      if (view === undefined) continue;
      if (order.isMerged) this.#collector.addIndex(view, ({ objectId }) => !unusable.has(hexOf(objectId)));
      else usable.push(order.pinned.key);
      const firstNumber = packs.length + 1;
      const isUnusable: boolean[] = [];
      for (let pack = 0; pack < view.packCount; pack += 1) {
        const { objectId } = view.pack(pack);
        packs.push(objectId);
        isUnusable.push(unusable.has(hexOf(objectId)));
      }
      table ??= new ChunkTable([newTableSegment(view.chunkCount * Math.max(1, this.#data.parentIndexes - index))]);
      table.addColumn(view.idColumn(), (row) => {
        const pack = view.packOf(view.blockOf(row));
        return isUnusable[pack] === true ? undefined : firstNumber + pack;
      });
    }
    const hitMemory = new SharedArrayBuffer(packs.length + 1);
    const ids = Buffer.alloc(packs.length * objectIdLength);
    for (const [number, id] of packs.entries()) ids.set(id, number * objectIdLength);
    this.#tell({ type: 'prepared', packs: ids, hits: hitMemory, usable });
    return { table: table ?? new ChunkTable([newTableSegment(0)]), hits: new Uint8Array(hitMemory) };
  }

  /** An index that can't be used is left aside: what it names is stored again. */
  #openIndex({ pinned, bytes }: Extract<WalkerOrder, { readonly type: 'parentIndex' }>): IndexView | undefined {
    try {
      const view = bytes === null ? undefined : openParentIndex(this.#data.context, pinned, bytes);
      if (view === undefined) this.#report.warnOf(`Index ${pinned.key} is missing or damaged; what it names is stored again.`);
      return view;
    } catch (error) {
      const rule = ruleOf(error);
      if (rule === undefined || !(error instanceof HoldfastError)) throw error;
      // Written under keys of before: nothing in it can be reused, and nothing is wrong.
      if (rule !== 'headerKeyGeneration' && rule !== 'headerMasterKey')
        this.#report.warnOf(`${error.message} What it names is stored again.`);
      return undefined;
    }
  }

  #walkSources(table: ChunkTable, hits: Uint8Array, nodes: NodeStore, dispatcher: FileDispatcher): WalkResult['roots'] {
    const { sources, cacheFolder, readAllAgain, memory } = this.#data;
    attempt(() => mkdirSync(cacheFolder, { recursive: true, mode: 0o700 }));
    const neverEnter = this.#neverEnter();
    const counters = new RunCounters(memory.run, walkerThread);
    const roots: WalkResult['roots'][number][] = [];
    for (const source of sources) {
      if (source.kind === 'command') {
        const root = walkOutput(source, {
          dispatcher,
          nodes,
          report: this.#report,
          start: (sourceId, pipe) => this.#tell({ type: 'outputWanted', sourceId, pipe }),
          takeEnd: () => this.#takeOutputEnd(),
        });
        if (root !== undefined) roots.push({ sourceId: source.id, root });
        continue;
      }
      const context = this.#cacheContext(source);
      const file = path.join(cacheFolder, `${source.id}.cache`);
      using cache = readAllAgain ? undefined : CacheReader.open(file, context);
      const cacheWriter = attempt(() => new CacheWriter(file, context));
      if (cacheWriter !== undefined) this.#caches.push(cacheWriter);
      if (cache !== undefined) this.#tell({ type: 'expected', files: cache.files, bytes: cache.bytes });
      const tools = {
        control: this.#control,
        counters,
        table,
        hits,
        nodes,
        dispatcher,
        report: this.#report,
        neverEnter,
        cache,
        cacheWriter,
      };
      const before = this.#report.counts;
      const root = new SourceWalk(source, tools).walk();
      const { files, bytes } = this.#report.counts;
      cacheWriter?.finish(files - before.files, bytes - before.bytes);
      if (root !== undefined) roots.push({ sourceId: source.id, root: Uint8Array.from(root) });
    }
    return roots;
  }

  #takeOutputEnd(): OutputEnded | undefined {
    const end = this.#outputEnded;
    this.#outputEnded = undefined;
    return end;
  }

  #cacheContext(source: FolderSource): Buffer {
    const { keys, storeId } = this.#data.context;
    const masterKeyId = hexOf(keys.masterKeyId);
    const { installationId, policyId, keyGeneration } = keys;
    return cacheContext([entryVersion, installationId, masterKeyId, policyId, String(keyGeneration), storeId, source.id, source.path]);
  }

  #neverEnter(): ReadonlySet<string> {
    const found = new Set<string>();
    for (const folder of this.#data.alwaysExclude) {
      const stats = attempt(() => statSync(folder, { bigint: true }));
      if (stats !== undefined) found.add(`${BigInt.asUintN(64, stats.dev)}:${BigInt.asUintN(64, stats.ino)}`);
    }
    return found;
  }
}
