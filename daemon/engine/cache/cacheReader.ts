import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { systemCode } from '../../../protocol/systemCode.ts';
import { cacheFooterLength, cacheHeaderLength, cacheMagic, cacheRowLength } from './cacheFile.ts';
import { type CachedFile, type CacheKey, compareName, matchesKey, readRecord, recordEnd } from './cacheRecord.ts';

/** Reads a cache. A damaged one, or one of another context, is none. */
export class CacheReader implements Disposable {
  /** Of the run that wrote it. */
  readonly files: number;
  readonly bytes: number;
  readonly #descriptor: number;
  readonly #table: Buffer;
  readonly #tableAt: number;

  private constructor(descriptor: number, { header, table, tableAt }: CacheParts) {
    this.#descriptor = descriptor;
    this.#table = table;
    this.#tableAt = tableAt;
    this.files = header.readDoubleLE(40);
    this.bytes = header.readDoubleLE(48);
  }

  /** `undefined` where there is no cache that can be used. */
  static open(path: string, context: Uint8Array): CacheReader | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      return undefined;
    }
    let reader: CacheReader | undefined;
    try {
      const parts = readParts(descriptor);
      if (parts?.header.subarray(8, 40).equals(context) === true) reader = new CacheReader(descriptor, parts);
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    } finally {
      if (reader === undefined) closeSync(descriptor);
    }
    return reader;
  }

  /** The records of one folder, to be asked in ascending order of names; `undefined` where there are none. */
  folder(key: bigint): CacheCursor | undefined {
    const row = this.#firstRow(key);
    return row < 0 ? undefined : new CacheCursor((number) => this.#segment(key, row + number));
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #firstRow(key: bigint): number {
    const count = this.#table.length / cacheRowLength;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#table.readBigUInt64LE(middle * cacheRowLength) < key) low = middle + 1;
      else high = middle;
    }
    return low < count && this.#table.readBigUInt64LE(low * cacheRowLength) === key ? low : -1;
  }

  #segment(key: bigint, row: number): Buffer | undefined {
    const at = row * cacheRowLength;
    if (at >= this.#table.length || this.#table.readBigUInt64LE(at) !== key) return undefined;
    const offset = this.#table.readDoubleLE(at + 16);
    const length = this.#table.readUInt32LE(at + 24);
    if (!(offset >= cacheHeaderLength && offset + length <= this.#tableAt)) return undefined;
    const segment = Buffer.allocUnsafe(length);
    try {
      const isWhole = readAll(this.#descriptor, segment, offset);
      return isWhole && crc32(segment) === this.#table.readUInt32LE(at + 12) ? segment : undefined;
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      return undefined;
    }
  }
}

/** Goes through a folder's records beside a sorted list of names. */
export class CacheCursor {
  readonly #segment: (number: number) => Buffer | undefined;
  #number = 0;
  #bytes: Buffer | undefined;
  #at = 0;

  constructor(segment: (number: number) => Buffer | undefined) {
    this.#segment = segment;
    this.#bytes = segment(0);
  }

  /** What is known of the file `name` (bytes as latin-1 characters). Names must come in ascending order. */
  find(name: string, key: CacheKey): CachedFile | 'changed' | 'new' {
    while (this.#bytes !== undefined) {
      const end = recordEnd(this.#bytes, this.#at);
      if (end < 0) {
        this.#number += 1;
        this.#bytes = this.#segment(this.#number);
        this.#at = 0;
        continue;
      }
      const order = compareName(name, this.#bytes, this.#at);
      if (order < 0) return 'new';
      const at = this.#at;
      this.#at = end;
      if (order === 0) return matchesKey(this.#bytes, at, key) ? readRecord(this.#bytes, at) : 'changed';
    }
    return 'new';
  }
}

interface CacheParts {
  readonly header: Buffer;
  readonly table: Buffer;
  readonly tableAt: number;
}

function readParts(descriptor: number): CacheParts | undefined {
  const size = fstatSync(descriptor).size;
  const header = Buffer.alloc(cacheHeaderLength);
  const footer = Buffer.alloc(cacheFooterLength);
  if (size < cacheHeaderLength + cacheFooterLength) return undefined;
  if (!readAll(descriptor, header, 0) || !readAll(descriptor, footer, size - cacheFooterLength)) return undefined;
  if (!header.subarray(0, 8).equals(cacheMagic) || !footer.subarray(16).equals(cacheMagic)) return undefined;
  const tableAt = footer.readDoubleLE(0);
  const length = footer.readUInt32LE(8) * cacheRowLength;
  if (!Number.isSafeInteger(tableAt) || tableAt < cacheHeaderLength || tableAt + length !== size - cacheFooterLength) return undefined;
  const table = Buffer.allocUnsafe(length);
  if (!readAll(descriptor, table, tableAt)) return undefined;
  return crc32(table, crc32(header)) === footer.readUInt32LE(12) ? { header, table, tableAt } : undefined;
}

/** `false` where the file ends before. */
function readAll(descriptor: number, into: Buffer, position: number): boolean {
  for (let at = 0; at < into.length; ) {
    const count = readSync(descriptor, into, at, into.length - at, position + at);
    if (count === 0) return false;
    at += count;
  }
  return true;
}
