import { GrowableBytes } from '../../repository/growableBytes.ts';
import { chunkIdLength } from '../../repository/chunkId.ts';

/** What a file looked like when the walker saw it; times in nanoseconds since 1970. */
export interface FileFacts {
  readonly device: bigint;
  readonly inode: bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly size: number;
  readonly mtime: bigint;
  readonly ctime: bigint;
  /** Bytes that the file takes on its disk. */
  readonly allocated: number;
}

/** A file, or a part of a big one, to be read. */
export interface FileTask {
  readonly id: number;
  /** Raw bytes; on the way are no links, as long as nobody puts one there. */
  readonly path: Uint8Array;
  readonly offset: number;
  /** Bytes from `offset`. */
  readonly length: number;
  /** The task is the whole file, so that the worker may read again what changed. */
  readonly isWhole: boolean;
  /** Leave holes out and say where the data is. */
  readonly isSparse: boolean;
  readonly facts: FileFacts;
}

export type FileOutcome = 'read' | 'changed' | 'vanished' | 'unreadable';

/** What became of a task. */
export interface FileTaskResult {
  readonly id: number;
  readonly outcome: FileOutcome;
  /** For `unreadable`: the system's code. */
  readonly reason: string;
  /** As the file was after reading. */
  readonly facts: FileFacts | undefined;
  /** When reading began, milliseconds since 1970. */
  readonly readAt: number;
  /** Rows of 32-byte id and u32 length. */
  readonly chunks: Uint8Array;
  /** Pairs of offset and length; only for sparse tasks. */
  readonly extents: readonly number[];
}

export const chunkRefLength: number = chunkIdLength + 4;
const outcomes: readonly FileOutcome[] = ['read', 'changed', 'vanished', 'unreadable'];
const factsLength = 68;

/** Appends a task to a batch. */
export function writeTask(out: GrowableBytes, task: FileTask): void {
  const at = out.grow(4 + 8 + 8 + 1 + factsLength + 4 + task.path.length);
  const bytes = out.buffer;
  bytes.writeUInt32LE(task.id, at);
  bytes.writeDoubleLE(task.offset, at + 4);
  bytes.writeDoubleLE(task.length, at + 12);
  bytes.writeUInt8((task.isWhole ? 1 : 0) | (task.isSparse ? 2 : 0), at + 20);
  writeFacts(bytes, at + 21, task.facts);
  bytes.writeUInt32LE(task.path.length, at + 21 + factsLength);
  bytes.set(task.path, at + 25 + factsLength);
}

export function* readTasks(batch: Uint8Array): Generator<FileTask> {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const flags = bytes.readUInt8(at + 20);
    const pathLength = bytes.readUInt32LE(at + 21 + factsLength);
    const path = at + 25 + factsLength;
    yield {
      id: bytes.readUInt32LE(at),
      offset: bytes.readDoubleLE(at + 4),
      length: bytes.readDoubleLE(at + 12),
      isWhole: (flags & 1) !== 0,
      isSparse: (flags & 2) !== 0,
      facts: readFacts(bytes, at + 21),
      path: bytes.subarray(path, path + pathLength),
    };
    at = path + pathLength;
  }
}

/** Appends a result to a batch's results. */
export function writeResult(out: GrowableBytes, result: FileTaskResult): void {
  const { facts, chunks, extents } = result;
  const reason = Buffer.from(result.reason, 'utf8');
  const at = out.grow(4 + 1 + 1 + factsLength + 8 + 4 + 4 + 4);
  const bytes = out.buffer;
  bytes.writeUInt32LE(result.id, at);
  bytes.writeUInt8(outcomes.indexOf(result.outcome), at + 4);
  bytes.writeUInt8(facts === undefined ? 0 : 1, at + 5);
  if (facts !== undefined) writeFacts(bytes, at + 6, facts);
  bytes.writeDoubleLE(result.readAt, at + 6 + factsLength);
  bytes.writeUInt32LE(reason.length, at + 14 + factsLength);
  bytes.writeUInt32LE(chunks.length, at + 18 + factsLength);
  bytes.writeUInt32LE(extents.length, at + 22 + factsLength);
  out.append(reason);
  out.append(chunks);
  let extentAt = out.grow(extents.length * 8);
  for (const value of extents) {
    out.buffer.writeDoubleLE(value, extentAt);
    extentAt += 8;
  }
}

export function* readResults(results: Uint8Array): Generator<FileTaskResult> {
  const bytes = Buffer.from(results.buffer, results.byteOffset, results.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const reasonLength = bytes.readUInt32LE(at + 14 + factsLength);
    const chunksLength = bytes.readUInt32LE(at + 18 + factsLength);
    const extentCount = bytes.readUInt32LE(at + 22 + factsLength);
    const reason = at + 26 + factsLength;
    const chunks = reason + reasonLength;
    const extents = chunks + chunksLength;
    yield {
      id: bytes.readUInt32LE(at),
      outcome: outcomes[bytes.readUInt8(at + 4)] ?? 'unreadable',
      facts: bytes.readUInt8(at + 5) === 0 ? undefined : readFacts(bytes, at + 6),
      readAt: bytes.readDoubleLE(at + 6 + factsLength),
      reason: bytes.toString('utf8', reason, chunks),
      chunks: bytes.subarray(chunks, extents),
      extents: Array.from({ length: extentCount }, (_, index) => bytes.readDoubleLE(extents + index * 8)),
    };
    at = extents + extentCount * 8;
  }
}

function writeFacts(bytes: Buffer, at: number, facts: FileFacts): void {
  bytes.writeBigUInt64LE(facts.device, at);
  bytes.writeBigUInt64LE(facts.inode, at + 8);
  bytes.writeDoubleLE(facts.size, at + 16);
  bytes.writeBigInt64LE(facts.mtime, at + 24);
  bytes.writeBigInt64LE(facts.ctime, at + 32);
  bytes.writeDoubleLE(facts.allocated, at + 40);
  bytes.writeDoubleLE(facts.links, at + 48);
  bytes.writeUInt32LE(facts.mode, at + 56);
  bytes.writeUInt32LE(facts.uid, at + 60);
  bytes.writeUInt32LE(facts.gid, at + 64);
}

function readFacts(bytes: Buffer, at: number): FileFacts {
  return {
    device: bytes.readBigUInt64LE(at),
    inode: bytes.readBigUInt64LE(at + 8),
    size: bytes.readDoubleLE(at + 16),
    mtime: bytes.readBigInt64LE(at + 24),
    ctime: bytes.readBigInt64LE(at + 32),
    allocated: bytes.readDoubleLE(at + 40),
    links: bytes.readDoubleLE(at + 48),
    mode: bytes.readUInt32LE(at + 56),
    uid: bytes.readUInt32LE(at + 60),
    gid: bytes.readUInt32LE(at + 64),
  };
}
