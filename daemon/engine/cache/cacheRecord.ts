import { GrowableBytes } from '../../repository/growableBytes.ts';
import { chunkIdLength } from '../../repository/chunkId.ts';

/** What must be the same for a file to be taken as unchanged. */
export interface CacheKey {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly ctime: bigint;
}

/** One unchanged file, as it was written by the last run. Views into the cache's memory. */
export interface CachedFile {
  /** The tree entry, to be emitted again as it is. */
  readonly entry: Buffer;
  /** All chunks that the entry reaches, list nodes included: 32-byte ids, one after the other. */
  readonly ids: Buffer;
  /** Where in the entry they stand, or -1 where they are not part of it. */
  readonly idsInEntry: number;
}

/**
 * Record: u32 length of what follows, u64 device, u64 inode, f64 size, i64 mtime, i64 ctime, u32 entry length, u32 offset of the ids behind
 * this header, u32 ids, then the entry, then the ids where they are not part of the entry.
 */
const headLength = 4 + 40 + 12;

export function writeRecord(out: GrowableBytes, key: CacheKey, entry: Uint8Array, ids: Uint8Array, idsInEntry: number): void {
  const extra = idsInEntry < 0 ? ids.length : 0;
  const at = out.grow(headLength + entry.length + extra);
  const bytes = out.buffer;
  bytes.writeUInt32LE(headLength - 4 + entry.length + extra, at);
  bytes.writeBigUInt64LE(key.device, at + 4);
  bytes.writeBigUInt64LE(key.inode, at + 12);
  bytes.writeDoubleLE(key.size, at + 20);
  bytes.writeBigInt64LE(key.mtime, at + 28);
  bytes.writeBigInt64LE(key.ctime, at + 36);
  bytes.writeUInt32LE(entry.length, at + 44);
  bytes.writeUInt32LE(idsInEntry < 0 ? entry.length : idsInEntry, at + 48);
  bytes.writeUInt32LE(ids.length / chunkIdLength, at + 52);
  bytes.set(entry, at + headLength);
  if (extra > 0) bytes.set(ids, at + headLength + entry.length);
}

/** The position behind the record at `at`, or -1 where it does not lie in `bytes`. */
export function recordEnd(bytes: Buffer, at: number): number {
  if (at + headLength > bytes.length) return -1;
  const end = at + 4 + bytes.readUInt32LE(at);
  const entryLength = bytes.readUInt32LE(at + 44);
  const idsEnd = bytes.readUInt32LE(at + 48) + bytes.readUInt32LE(at + 52) * chunkIdLength;
  const isWhole = end <= bytes.length && at + headLength + Math.max(entryLength, idsEnd) <= end && entryLength >= 2;
  return isWhole ? end : -1;
}

/** How `name` (bytes as latin-1 characters) sorts against the record's: below, equal to or above 0. */
export function compareName(name: string, bytes: Buffer, at: number): number {
  const nameAt = at + headLength + 2;
  const length = bytes.readUInt16LE(at + headLength);
  const common = Math.min(length, name.length);
  for (let index = 0; index < common; index += 1) {
    const difference = name.charCodeAt(index) - (bytes[nameAt + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return name.length - length;
}

export function matchesKey(bytes: Buffer, at: number, key: CacheKey): boolean {
  return (
    bytes.readDoubleLE(at + 20) === key.size &&
    bytes.readBigInt64LE(at + 28) === key.mtime &&
    bytes.readBigInt64LE(at + 36) === key.ctime &&
    bytes.readBigUInt64LE(at + 12) === key.inode &&
    bytes.readBigUInt64LE(at + 4) === key.device
  );
}

export function readRecord(bytes: Buffer, at: number): CachedFile {
  const entry = at + headLength;
  const entryLength = bytes.readUInt32LE(at + 44);
  const idsOffset = bytes.readUInt32LE(at + 48);
  const ids = entry + idsOffset;
  return {
    entry: bytes.subarray(entry, entry + entryLength),
    ids: bytes.subarray(ids, ids + bytes.readUInt32LE(at + 52) * chunkIdLength),
    idsInEntry: idsOffset < entryLength ? idsOffset : -1,
  };
}
