import { parentPort } from 'node:worker_threads';
import { GrowableBytes } from '../../repository/growableBytes.ts';
import { ChunkTable } from '../dedup/chunkTable.ts';
import { Mailbox, outboxOf, RunStopped } from '../threads/mailbox.ts';
import { ReadBudget } from '../threads/readBudget.ts';
import { RunControl, RunCounters } from '../threads/runMemory.ts';
import { SealedBuffers } from '../threads/sealedBuffers.ts';
import { lowerThreadPriority } from '../threads/threadPriority.ts';
import { ShortLivedMemory } from '../threads/shortLivedMemory.ts';
import { ChunkStream } from './chunkStream.ts';
import { FileReader } from './fileReader.ts';
import { readTasks, writeResult } from './fileTasks.ts';
import type { FileWorkerAnswer, FileWorkerData, FileWorkerOrder, OutputRoomMessage } from './messages.ts';
import { readOutput } from './outputReader.ts';
import { PackWriter } from './packWriter.ts';

/** The thread that leads. */
const walkerThread = 0;

/** A file worker: reads, cuts, names, compresses, packs and seals in one synchronous loop, until the walker says `end`. */
export function runFileWorker(data: FileWorkerData): void {
  const main = parentPort;
  if (main === null) throw new Error('A file worker runs in a worker thread.');
  const { thread, memory, port } = data;
  if (data.isLowPriority) lowerThreadPriority();
  const control = new RunControl(memory.run);
  const counters = new RunCounters(memory.run, thread);
  const table = new ChunkTable(data.table);
  let packs = 0;
  const shortLived = new ShortLivedMemory();
  const writer = new PackWriter(data.context, new SealedBuffers(memory.sealed, control), shortLived, (message) => {
    packs += 1;
    main.postMessage(message, []);
  });
  const stream = new ChunkStream(data.context, data.chunker, { table, hits: new Uint8Array(memory.hits), counters, shortLived }, writer);
  const budget = memory.readBudget === undefined ? undefined : new ReadBudget(memory.readBudget, control, thread);
  const reader = new FileReader(stream, control, () => Date.now(), budget);
  const mailbox = new Mailbox<FileWorkerOrder>([port], control, thread);
  const walker = outboxOf<FileWorkerAnswer>(port, control, walkerThread);

  const readBatch = (batch: number, tasks: Uint8Array): void => {
    const results = new GrowableBytes();
    for (const task of readTasks(tasks)) {
      const result = reader.read(task);
      writeResult(results, result);
      if (task.isWhole) counters.add('files', 1);
      counters.add('bytes', task.length);
    }
    walker.send({ type: 'results', thread, batch, results: Uint8Array.from(results.bytes()) });
  };

  const tellRoom = (): void => {
    const message: OutputRoomMessage = { type: 'outputRoom' };
    main.postMessage(message, []);
  };
  const onPart = (chunks: Uint8Array): void => {
    walker.send({ type: 'outputPart', chunks });
    for (let order = mailbox.poll(); order !== undefined; order = mailbox.poll()) {
      if (order.type !== 'tableGrew') throw new Error(`The order ${order.type} came in the middle of an output.`);
      table.add(order.segment);
    }
  };

  try {
    for (;;) {
      const order = mailbox.next();
      switch (order.type) {
        case 'files':
          readBatch(order.batch, order.tasks);
          break;
        case 'tableGrew':
          table.add(order.segment);
          break;
        case 'output': {
          const chunks = readOutput(order.pipe, { stream, control, counters, budget, tellRoom, onPart });
          if (chunks !== undefined) counters.add('files', 1);
          walker.send({ type: 'outputRead', thread, chunks: chunks ?? null });
          break;
        }
        case 'finish':
          stream.flush();
          walker.send({ type: 'tail', thread, packs, tail: writer.tail() });
          packs = 0;
          break;
        case 'absorb':
          for (const tail of order.tails) writer.absorb(tail);
          writer.flush();
          walker.send({ type: 'sealed', thread, packs });
          break;
        case 'end':
          port.close();
          return;
      }
    }
  } catch (error) {
    port.close();
    if (!(error instanceof RunStopped)) throw error;
  }
}
