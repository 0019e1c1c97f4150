import type { MessagePort } from 'node:worker_threads';
import { GrowableBytes } from '../../repository/growableBytes.ts';
import type { ChunkTable, TableSegment } from '../dedup/chunkTable.ts';
import { type Mailbox, type Outbox, outboxOf } from '../threads/mailbox.ts';
import type { OutputPipeMemory } from '../threads/outputPipe.ts';
import type { RunControl } from '../threads/runMemory.ts';
import { type FileFacts, type FileOutcome, type FileTask, type FileTaskResult, readResults, writeTask } from './fileTasks.ts';
import type { FileWorkerAnswer, FileWorkerOrder, PackTail, WalkerOrder } from './messages.ts';

/** A batch is handed out when it has so many bytes or files. */
const batchBytes = 4 * 1024 * 1024;
const batchFiles = 256;
/** Big files are read in parts, so that several workers share them; each part ends a chunk. */
export const partLength: number = 64 * 1024 * 1024;
/** Batches that a worker has at once: one in hand, one to go on with. */
const batchesPerWorker = 2;

/** What became of a whole file, all its parts together. */
export interface FileRead {
  readonly outcome: FileOutcome;
  readonly reason: string;
  /** As it was after reading; the one seen by the walker where nobody read it. */
  readonly facts: FileFacts;
  readonly readAt: number;
  /** Rows of 32-byte id and u32 length. */
  readonly chunks: Uint8Array;
  readonly extents: readonly number[];
}

export interface FileToRead {
  readonly path: Uint8Array;
  readonly facts: FileFacts;
  readonly isSparse: boolean;
}

interface Parts {
  readonly file: FileToRead;
  readonly results: (FileTaskResult | undefined)[];
  left: number;
  readonly done: (read: FileRead) => void;
}

interface Worker {
  readonly outbox: Outbox<FileWorkerOrder>;
  batches: number;
}

export type WalkerMail = WalkerOrder | FileWorkerAnswer;

/**
 * Hands files to the workers in batches and brings back what became of them. The walker waits here whenever every worker has enough, so that
 * neither tasks nor results pile up.
 */
export class FileDispatcher {
  readonly #mailbox: Mailbox<WalkerMail>;
  readonly #control: RunControl;
  readonly #askForWorkers: () => void;
  readonly #table: ChunkTable;
  /** Segments that came after the workers were asked for. */
  readonly #grown: TableSegment[] = [];
  readonly #onOrder: (order: WalkerOrder) => void;
  readonly #workers: Worker[] = [];
  readonly #tasks = new Map<number, { readonly parts: Parts; readonly part: number }>();
  readonly #batch: GrowableBytes = new GrowableBytes(64 * 1024);
  readonly #output: GrowableBytes = new GrowableBytes();
  #outputEnd: 'whole' | 'givenUp' | undefined;
  readonly #tails: { readonly thread: number; readonly tail: PackTail }[] = [];
  #batchFiles = 0;
  #batchBytes = 0;
  #nextTask = 0;
  #nextBatch = 0;
  #isAsked = false;
  #sealed = 0;
  #packs = 0;

  /** `onOrder` gets the main thread's orders that are not meant for the dispatcher. */
  constructor(
    mailbox: Mailbox<WalkerMail>,
    control: RunControl,
    table: ChunkTable,
    askForWorkers: () => void,
    onOrder: (order: WalkerOrder) => void,
  ) {
    this.#mailbox = mailbox;
    this.#table = table;
    this.#control = control;
    this.#askForWorkers = askForWorkers;
    this.#onOrder = onOrder;
  }

  /** Hands a file over; `done` is called during a later call of this object. May wait. Throws `RunStopped`. */
  dispatch(file: FileToRead, done: (read: FileRead) => void): void {
    const size = file.facts.size;
    const count = Math.max(1, Math.ceil(size / partLength));
    const parts: Parts = { file, results: Array.from({ length: count }, () => undefined), left: count, done };
    for (let part = 0; part < count; part += 1) {
      const id = this.#nextTask;
      this.#nextTask = (this.#nextTask + 1) >>> 0;
      this.#tasks.set(id, { parts, part });
      const offset = part * partLength;
      const task: FileTask = {
        id,
        path: file.path,
        offset,
        length: Math.min(partLength, size - offset),
        isWhole: count === 1,
        isSparse: file.isSparse,
        facts: file.facts,
      };
      writeTask(this.#batch, task);
      this.#batchFiles += 1;
      this.#batchBytes += task.length;
      if (this.#batchFiles >= batchFiles || this.#batchBytes >= batchBytes) this.#sendBatch();
    }
    this.poll();
  }

  /** Handles what has come, without waiting. */
  poll(): void {
    for (let mail = this.#mailbox.poll(); mail !== undefined; mail = this.#mailbox.poll()) this.#handle(mail);
  }

  /** Hands out what is collected, waits for one message and handles it. Throws `RunStopped`. */
  wait(): void {
    if (this.#batchFiles > 0) this.#sendBatch();
    this.#handle(this.#mailbox.next());
  }

  /** Hands out what is left and waits until every file is read. Throws `RunStopped`. */
  drain(): void {
    while (this.#tasks.size > 0) this.wait();
  }

  /**
   * After `drain`: has a worker store what comes through a pipe, and waits for its end. Rows of 32-byte id and u32 length; `undefined` where the
   * output was given up. Throws `RunStopped`.
   */
  readOutput(pipe: OutputPipeMemory): Uint8Array | undefined {
    this.#output.clear();
    this.#outputEnd = undefined;
    this.#needWorkers();
    const worker = this.#idlest();
    worker.batches += 1;
    worker.outbox.send({ type: 'output', pipe });
    for (;;) {
      if (this.#outputEnd !== undefined) return this.#outputEnd === 'whole' ? this.#output.bytes() : undefined;
      this.wait();
    }
  }

  /** Files handed over and not back yet. */
  get pending(): number {
    return this.#tasks.size;
  }

  /** Packs that the workers have delivered; known after `finishPacks`. */
  get packs(): number {
    return this.#packs;
  }

  /** After `drain`: merges what the workers' open packs hold into one worker's, and has it sealed. Throws `RunStopped`. */
  finishPacks(): void {
    if (this.#workers.length === 0) return;
    for (const worker of this.#workers) worker.outbox.send({ type: 'finish' });
    while (this.#tails.length < this.#workers.length) this.wait();
    const fullest = this.#tails.toSorted((a, b) => b.tail.blocksLength - a.tail.blocksLength);
    const [into, ...others] = fullest;
    if (into === undefined || into.tail.blockCount === 0) return;
    const tails = others.filter(({ tail }) => tail.blockCount > 0).map(({ tail }) => tail);
    this.#workers[into.thread - 1]?.outbox.send({ type: 'absorb', tails });
    while (this.#sealed === 0) this.wait();
  }

  /** Ends the workers. */
  end(): void {
    for (const worker of this.#workers) worker.outbox.send({ type: 'end' });
  }

  #needWorkers(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#askForWorkers();
  }

  #sendBatch(): void {
    this.#needWorkers();
    const worker = this.#idlest();
    worker.batches += 1;
    worker.outbox.send({ type: 'files', batch: this.#nextBatch, tasks: Uint8Array.from(this.#batch.bytes()) });
    this.#nextBatch += 1;
    this.#batch.clear();
    this.#batchFiles = 0;
    this.#batchBytes = 0;
  }

  #idlest(): Worker {
    for (;;) {
      const [first, ...others] = this.#workers;
      if (first !== undefined) {
        const idlest = others.reduce((least, worker) => (worker.batches < least.batches ? worker : least), first);
        if (idlest.batches < batchesPerWorker) return idlest;
      }
      this.#handle(this.#mailbox.next());
    }
  }

  #handle(mail: WalkerMail): void {
    switch (mail.type) {
      case 'workers':
        this.#addWorkers(mail.ports);
        break;
      case 'results': {
        const worker = this.#workers[mail.thread - 1];
        if (worker !== undefined) worker.batches -= 1;
        for (const result of readResults(mail.results)) this.#taskDone(result);
        this.#growTable();
        break;
      }
      case 'outputPart':
        this.#output.append(mail.chunks);
        this.#growTable();
        break;
      case 'outputRead': {
        const worker = this.#workers[mail.thread - 1];
        if (worker !== undefined) worker.batches -= 1;
        this.#output.append(mail.chunks ?? new Uint8Array(0));
        this.#outputEnd = mail.chunks === null ? 'givenUp' : 'whole';
        this.#growTable();
        break;
      }
      case 'tail':
        this.#packs += mail.packs;
        this.#tails.push(mail);
        break;
      case 'sealed':
        this.#packs += mail.packs;
        this.#sealed += 1;
        break;
      case 'parentIndex':
      case 'outputEnded':
      case 'packStored':
      case 'salvage':
      case 'commit':
      case 'end':
        this.#onOrder(mail);
        break;
    }
  }

  #growTable(): void {
    const segment = this.#table.grow();
    if (segment === undefined) return;
    this.#grown.push(segment);
    for (const worker of this.#workers) worker.outbox.send({ type: 'tableGrew', segment });
  }

  #addWorkers(ports: readonly MessagePort[]): void {
    for (const [index, port] of ports.entries()) {
      const outbox = outboxOf<FileWorkerOrder>(port, this.#control, index + 1);
      this.#mailbox.addPort(port);
      this.#workers.push({ outbox, batches: 0 });
      for (const segment of this.#grown) outbox.send({ type: 'tableGrew', segment });
    }
  }

  #taskDone(result: FileTaskResult): void {
    const task = this.#tasks.get(result.id);
    if (task === undefined) throw new Error(`No file task ${result.id} is open.`);
    this.#tasks.delete(result.id);
    const { parts, part } = task;
    parts.results[part] = result;
    parts.left -= 1;
    if (parts.left === 0) parts.done(together(parts));
  }
}

/** One result of all parts: the worst outcome, the chunks one after the other. */
function together({ file, results }: Parts): FileRead {
  const all = results.filter((result) => result !== undefined);
  const [only] = all;
  if (only !== undefined && all.length === 1) return { ...only, facts: only.facts ?? file.facts };
  const failed = all.find((result) => result.outcome === 'unreadable') ?? all.find((result) => result.outcome === 'vanished');
  const changed = all.find((result) => result.outcome === 'changed');
  const last = all.at(-1);
  return {
    outcome: failed?.outcome ?? changed?.outcome ?? 'read',
    reason: failed?.reason ?? '',
    facts: last?.facts ?? file.facts,
    readAt: Math.min(...all.map((result) => result.readAt)),
    chunks: Buffer.concat(all.map((result) => result.chunks)),
    extents: joined(all.flatMap((result) => result.extents)),
  };
}

/** Extents that touch where two parts meet become one. */
function joined(extents: readonly number[]): number[] {
  const out: number[] = [];
  for (let at = 0; at + 1 < extents.length; at += 2) {
    const offset = extents[at] ?? 0;
    const length = extents[at + 1] ?? 0;
    const before = out.length - 2;
    if (before >= 0 && (out[before] ?? 0) + (out[before + 1] ?? 0) === offset) out[before + 1] = (out[before + 1] ?? 0) + length;
    else out.push(offset, length);
  }
  return out;
}
