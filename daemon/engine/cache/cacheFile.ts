import { createHash } from 'node:crypto';

/**
 * The cache of what files looked like, one file for each source of a policy. It only saves reading: whoever deletes it, or writes nonsense into
 * it, makes the next run read everything.
 *
 * Header: "HFCACHE1", 32 bytes of context, f64 files, f64 bytes. Then segments of records (cacheRecord.ts), each of one folder, in the order
 * of names; then the table: for each segment u64 folder, u32 number within the folder, u32 CRC-32, f64 offset, u32 length, u32 0, ascending by folder and
 * number; then f64 offset of the table, u32 segments, u32 CRC-32 of header and table, "HFCACHE1".
 */
export const cacheMagic: Buffer = Buffer.from('HFCACHE1', 'latin1');
export const cacheHeaderLength = 56;
export const cacheRowLength = 32;
export const cacheFooterLength = 24;

/** A cache belongs to whoever has this: another key generation or another source can't use it. */
export function cacheContext(parts: readonly string[]): Buffer {
  return createHash('sha256').update(parts.join('\n')).digest();
}

/** A folder's number in the cache, from its raw path inside the source. */
export function folderKey(path: string): bigint {
  return createHash('sha256').update(path, 'latin1').digest().readBigUInt64LE(0);
}
