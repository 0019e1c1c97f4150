import { readFileSync } from 'node:fs';
import { systemCode } from '../../protocol/systemCode.ts';
import { catalogDamaged } from './catalogErrors.ts';

/** sqlite.org/fileformat2.html, section 4: the write-ahead log. */
const headerLength = 32;
const frameHeaderLength = 24;
const magicLittleEndian = 0x377f0682;
const magicBigEndian = 0x377f0683;

class Checksum {
  readonly #littleEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  add(view: DataView, from: number, to: number): void {
    for (let at = from; at < to; at += 8) {
      this.#first = (this.#first + view.getUint32(at, this.#littleEndian) + this.#second) >>> 0;
      this.#second = (this.#second + view.getUint32(at + 4, this.#littleEndian) + this.#first) >>> 0;
    }
  }

  equals(view: DataView, at: number): boolean {
    return view.getUint32(at) === this.#first && view.getUint32(at + 4) === this.#second;
  }
}

/**
 * Does this log hold a damaged frame (or header) with transactions behind it? SQLite takes the log only up to the first frame whose checksum fails, which is
 * right for a crash in the middle of a write and silently drops acknowledged transactions where a bit flipped. Since every commit is synced
 * before the next one is written, two commits at or behind the broken frame show that it was whole once. A flip in the last transaction of a log can't be
 * told from a crash.
 */
function hasLostTransactions(log: Uint8Array): boolean {
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  if (log.length < headerLength + frameHeaderLength) return false;
  const magic = view.getUint32(0);
  const pageSize = view.getUint32(8);
  const checksum = new Checksum(magic === magicLittleEndian);
  checksum.add(view, 0, frameHeaderLength);
  // The header is synced before the first frame is written.
  if ((magic !== magicLittleEndian && magic !== magicBigEndian) || !checksum.equals(view, frameHeaderLength))
    return log.some((byte) => byte !== 0);
  const frameLength = frameHeaderLength + pageSize;
  const frames = Math.floor((log.length - headerLength) / frameLength);
  const frameAt = (index: number): number => headerLength + index * frameLength;
  const ofThisLog = (at: number): boolean => view.getBigUint64(at + 8) === view.getBigUint64(16);
  let index = 0;
  for (; index < frames; index += 1) {
    const at = frameAt(index);
    checksum.add(view, at, at + 8);
    checksum.add(view, at + frameHeaderLength, at + frameLength);
    if (!ofThisLog(at) || !checksum.equals(view, at + 16)) break;
  }
  let commits = 0;
  for (; index < frames; index += 1) {
    const at = frameAt(index);
    if (ofThisLog(at) && view.getUint32(at + 4) !== 0) commits += 1;
  }
  return commits >= 2;
}

/** Throws `catalogDamaged` where the log beside a catalog lost transactions. Reads again first: another process may just have begun a new log. */
export function checkWriteAheadLog(path: string): void {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const log = readIfThere(`${path}-wal`);
    if (log === undefined || !hasLostTransactions(log)) return;
  }
  throw catalogDamaged('its write-ahead log is damaged');
}

export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
