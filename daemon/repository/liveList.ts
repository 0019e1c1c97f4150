import { isUtf8 } from 'node:buffer';
import { bufferOver } from './bytes.ts';
import { refusal } from './refusal.ts';

/** Another restore point of the policy that was live when a manifest was committed. */
export interface LiveRestorePoint {
  readonly sequence: number;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
  /** `null` where the store has no versions. */
  readonly versionId: string | null;
  /** SHA-256 of the stored manifest. */
  readonly sha256: Uint8Array;
}

export const maxInlineLive = 256;
const magic = Buffer.from('HFV1', 'ascii');
const maxLength = 8 * 1024 * 1024;
const rowLength = 58;

/** By sequence, then object id, as the chunk has them. */
export function compareLive(a: LiveRestorePoint, b: LiveRestorePoint): number {
  return a.sequence - b.sequence || bufferOver(a.objectId).compare(b.objectId);
}

/** The chunk (kind list) for more than 256 live restore points. Throws `RangeError` above 8 MiB. */
export function encodeLiveList(live: readonly LiveRestorePoint[]): Buffer {
  const header = Buffer.alloc(8);
  header.set(magic);
  header.writeUInt32LE(live.length, 4);
  const rows = live.toSorted(compareLive).map((point) => {
    const version = Buffer.from(point.versionId ?? '', 'utf8');
    const row = Buffer.alloc(rowLength + version.length);
    row.writeBigUInt64LE(BigInt(point.sequence));
    row.set(point.objectId, 8);
    row.set(point.sha256, 24);
    row.writeUInt16LE(version.length, 56);
    row.set(version, rowLength);
    return row;
  });
  const chunk = Buffer.concat([header, ...rows]);
  if (chunk.length > maxLength) throw new RangeError(`a live list of ${chunk.length} bytes`);
  return chunk;
}

/** Throws `damaged` (`liveList`). `count` is the manifest's. */
export function decodeLiveList(chunk: Uint8Array, count: number, subject: string): LiveRestorePoint[] {
  const bytes = bufferOver(chunk);
  const isList = bytes.length >= 8 && bytes.length <= maxLength && bytes.compare(magic, 0, 4, 0, 4) === 0;
  if (!isList || bytes.readUInt32LE(4) !== count || count * rowLength > bytes.length - 8) {
    throw refusal(subject, 'liveList', 'its list of live restore points is none');
  }
  const live: LiveRestorePoint[] = [];
  let at = 8;
  for (let index = 0; index < count; index += 1) {
    const end = at + rowLength > bytes.length ? Infinity : at + rowLength + bytes.readUInt16LE(at + 56);
    if (end > bytes.length) throw refusal(subject, 'liveList', 'its list of live restore points is cut');
    if (!isUtf8(bytes.subarray(at + rowLength, end))) throw refusal(subject, 'liveList', 'a version id in its list is not UTF-8');
    const versionId = end === at + rowLength ? null : bytes.toString('utf8', at + rowLength, end);
    const sequence = Number(bytes.readBigUInt64LE(at));
    const point = { sequence, objectId: bytes.subarray(at + 8, at + 24), sha256: bytes.subarray(at + 24, at + 56), versionId };
    const before = live.at(-1);
    const isAbove = before === undefined || compareLive(before, point) < 0;
    if (!isAbove || sequence < 1 || !Number.isSafeInteger(sequence))
      throw refusal(subject, 'liveList', 'its live restore points do not ascend');
    live.push(point);
    at = end;
  }
  if (at !== bytes.length) throw refusal(subject, 'liveList', 'something follows its live restore points');
  return live;
}
