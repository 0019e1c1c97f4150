import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { GrowableBytes } from '../../repository/growableBytes.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { cacheFooterLength, cacheHeaderLength, cacheMagic, cacheRowLength } from './cacheFile.ts';
import { type CacheKey, writeRecord } from './cacheRecord.ts';

const segmentLength = 512 * 1024;
const writeLength = 1024 * 1024;

interface Row {
  readonly folder: bigint;
  readonly number: number;
  readonly crc: number;
  readonly offset: number;
  readonly length: number;
}

/** Collects one folder's records. */
export interface CacheFolder {
  readonly key: bigint;
  readonly records: GrowableBytes;
  segments: number;
}

/**
 * Writes a new cache under a temporary name; it takes the place of the old one only when `commit` is called. A disk that refuses it ends the cache and
 * nothing else: what is added afterwards is forgotten, and `commit` leaves the old one.
 */
export class CacheWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #context: Uint8Array;
  readonly #rows: Row[] = [];
  readonly #out: GrowableBytes = new GrowableBytes(writeLength * 2);
  #descriptor: number | undefined;
  #isFinished = false;
  #written: number = cacheHeaderLength;

  /** `path` may not be there; its folder is. */
  constructor(path: string, context: Uint8Array) {
    this.#path = path;
    this.#temporary = `${path}.new`;
    this.#context = context;
    this.#descriptor = openSync(this.#temporary, 'w', 0o600);
  }

  folder(key: bigint): CacheFolder {
    return { key, records: new GrowableBytes(1024), segments: 0 };
  }

  /** Adds a file, in the order of names. `idsInEntry`: where in the entry its chunk ids stand, or -1 where they do not. */
  add(folder: CacheFolder, key: CacheKey, entry: Uint8Array, ids: Uint8Array, idsInEntry: number): void {
    writeRecord(folder.records, key, entry, ids, idsInEntry);
    if (folder.records.length >= segmentLength) this.endFolder(folder);
  }

  /** Writes what is collected of the folder. */
  endFolder(folder: CacheFolder): void {
    const segment = folder.records.bytes();
    if (segment.length === 0) return;
    const offset = this.#written + this.#out.length;
    this.#rows.push({ folder: folder.key, number: folder.segments, crc: crc32(segment), offset, length: segment.length });
    this.#out.append(segment);
    folder.records.clear();
    folder.segments += 1;
    if (this.#out.length >= writeLength) this.#drain();
  }

  /** Completes the file; `files` and `bytes` are this run's totals. */
  finish(files: number, bytes: number): void {
    if (this.#descriptor === undefined) return;
    const header = Buffer.alloc(cacheHeaderLength);
    header.set(cacheMagic);
    header.set(this.#context, 8);
    header.writeDoubleLE(files, 40);
    header.writeDoubleLE(bytes, 48);
    const table = this.#table();
    const footer = Buffer.alloc(cacheFooterLength);
    footer.writeDoubleLE(this.#written + this.#out.length, 0);
    footer.writeUInt32LE(this.#rows.length, 8);
    footer.writeUInt32LE(crc32(table, crc32(header)), 12);
    footer.set(cacheMagic, 16);
    this.#out.append(table);
    this.#out.append(footer);
    this.#drain();
    this.#attempt((descriptor) => {
      writeAll(descriptor, header, 0);
      fsyncSync(descriptor);
      this.#isFinished = true;
    });
    this.#close();
  }

  /** Puts the finished file in the old one's place. */
  commit(): void {
    if (this.#isFinished) renameSync(this.#temporary, this.#path);
    else this.abandon();
  }

  /** Removes what was written. */
  abandon(): void {
    this.#close();
    unlinkSync(this.#temporary);
  }

  #table(): Buffer {
    const rows = this.#rows.toSorted((a, b) => (a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : a.number - b.number));
    const table = Buffer.alloc(rows.length * cacheRowLength);
    for (const [index, row] of rows.entries()) {
      const at = index * cacheRowLength;
      table.writeBigUInt64LE(row.folder, at);
      table.writeUInt32LE(row.number, at + 8);
      table.writeUInt32LE(row.crc, at + 12);
      table.writeDoubleLE(row.offset, at + 16);
      table.writeUInt32LE(row.length, at + 24);
    }
    return table;
  }

  #drain(): void {
    this.#attempt((descriptor) => writeAll(descriptor, this.#out.bytes(), this.#written));
    this.#written += this.#out.length;
    this.#out.clear();
  }

  #attempt(write: (descriptor: number) => void): void {
    if (this.#descriptor === undefined) return;
    try {
      write(this.#descriptor);
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      this.#close();
    }
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, position + at);
}
