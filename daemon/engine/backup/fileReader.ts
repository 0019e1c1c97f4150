import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { systemCode } from '../../../protocol/systemCode.ts';
import { RunStopped } from '../threads/mailbox.ts';
import type { ReadBudget } from '../threads/readBudget.ts';
import type { RunControl } from '../threads/runMemory.ts';
import type { ChunkStream } from './chunkStream.ts';
import { factsOf, sameFile } from './fileFacts.ts';
import type { FileFacts, FileTask, FileTaskResult } from './fileTasks.ts';
import { liesAt } from '../openedPath.ts';
import { ZeroRuns } from './zeroRuns.ts';

/** Bytes read at once: they are cut and hashed while they are in the processor's cache. */
const pieceLength = 256 * 1024;
/** Milliseconds: file systems stamp times by the system's tick, of 10 ms at most. */
const tick = 20;
// Never follow a link that took the file's place, never wait for a FIFO's writer.
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Stands in for the system's code where something that is no file has a file's name. */
export const notAFile = 'NOTAFILE';
/** And where opening a file went through a link that took the place of a folder. */
export const ledAway = 'LEDAWAY';

/** Reads files into a chunk stream, and says what became of each. One for each thread. */
export class FileReader {
  readonly #stream: ChunkStream;
  readonly #control: RunControl;
  readonly #now: () => number;
  readonly #budget: ReadBudget | undefined;
  readonly #piece: Buffer = Buffer.allocUnsafeSlow(pieceLength);
  readonly #pause: Int32Array = new Int32Array(new SharedArrayBuffer(4));

  /** `now`: milliseconds since 1970, by the clock that file systems go by. */
  constructor(stream: ChunkStream, control: RunControl, now: () => number, budget?: ReadBudget) {
    this.#stream = stream;
    this.#control = control;
    this.#now = now;
    this.#budget = budget;
  }

  /** Throws `RunStopped`. */
  read(task: FileTask): FileTaskResult {
    const first = this.#readOnce(task, task.facts);
    const isSettled = first.facts === undefined || !isFresh(first.facts, first.readAt);
    if (first.facts === undefined || (first.outcome === 'read' && isSettled)) return first;
    if (!task.isWhole) return { ...first, outcome: 'changed' };
    if (!isSettled) Atomics.wait(this.#pause, 0, 0, tick);
    // It changed since the walker saw it, or in between: as a rule a second look finds it at rest.
    const second = this.#readOnce({ ...task, length: first.facts.size, facts: first.facts }, first.facts);
    return second;
  }

  #readOnce(task: FileTask, expected: FileFacts): FileTaskResult {
    let descriptor: number | undefined;
    const extents: number[] = [];
    try {
      const path = Buffer.from(task.path.buffer, task.path.byteOffset, task.path.byteLength);
      descriptor = openSync(path, openFlags);
      const readAt = this.#now();
      // Something else may have taken the file's name: a FIFO or a device is never read, nor recorded as the file.
      if (!fstatSync(descriptor).isFile()) return failed(task, 'unreadable', notAFile);
      // What is outside of the source is nobody's to store.
      if (!liesAt(descriptor, path)) return failed(task, 'unreadable', ledAway);
      this.#stream.begin();
      const read = task.isSparse ? this.#readSparse(descriptor, task, extents) : this.#readAll(descriptor, task);
      const chunks = this.#stream.end();
      const facts = factsOf(fstatSync(descriptor, { bigint: true }));
      const outcome = read === task.length && sameFile(facts, expected) ? 'read' : 'changed';
      return { id: task.id, outcome, reason: '', facts, readAt, chunks, extents };
    } catch (error) {
      this.#stream.abandon();
      if (error instanceof RunStopped) throw error;
      const code = systemCode(error);
      if (code === undefined) throw error;
      return failed(task, code === 'ENOENT' || code === 'ENOTDIR' ? 'vanished' : 'unreadable', code);
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  #readAll(descriptor: number, task: FileTask): number {
    let position = task.offset;
    const end = task.offset + task.length;
    while (position < end) {
      if (this.#control.isStopped) throw new RunStopped();
      const room = this.#stream.room(Math.min(pieceLength, end - position));
      this.#budget?.take(room.length);
      const count = readSync(descriptor, room, 0, room.length, position);
      if (count === 0) break;
      this.#stream.filled(count);
      position += count;
    }
    return position - task.offset;
  }

  #readSparse(descriptor: number, task: FileTask, extents: number[]): number {
    const runs = new ZeroRuns((bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const room = this.#stream.room(Math.min(pieceLength, bytes.length - at));
        room.set(bytes.subarray(at, at + room.length));
        this.#stream.filled(room.length);
        at += room.length;
      }
    });
    let position = task.offset;
    const end = task.offset + task.length;
    while (position < end) {
      if (this.#control.isStopped) throw new RunStopped();
      const wanted = Math.min(pieceLength, end - position);
      this.#budget?.take(wanted);
      let count = 0;
      // Whole pieces, so that pages stay pages.
      while (count < wanted) {
        const more = readSync(descriptor, this.#piece, count, wanted - count, position + count);
        if (more === 0) break;
        count += more;
      }
      if (count === 0) break;
      runs.push(this.#piece.subarray(0, count), position);
      position += count;
      if (count < wanted) break;
    }
    extents.push(...runs.extents);
    return position - task.offset;
  }
}

/** Whether the file was changed so shortly before it was read that one more change would not show in its times. */
function isFresh(facts: FileFacts, readAt: number): boolean {
  const milliseconds = Number(facts.ctime / 1_000_000n);
  return milliseconds > readAt - tick && milliseconds < readAt + 2000;
}

function failed(task: FileTask, outcome: 'vanished' | 'unreadable', reason: string): FileTaskResult {
  return { id: task.id, outcome, reason, facts: undefined, readAt: 0, chunks: new Uint8Array(0), extents: [] };
}
