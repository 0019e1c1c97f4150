import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { uuidBytes, type StoreId } from '../../protocol/ids.ts';
import { bufferOver, isZero, sameBytes } from './bytes.ts';

/** What can be condemned, and the number of its type in a list (docs/format.md, Lists of condemned objects). */
export const condemnedTypes = { pack: 1, index: 2, manifest: 3 } as const;
export type CondemnedType = keyof typeof condemnedTypes;

/** So many objects one list names at most. */
export const maxCondemned = 65_536;

const magic = Buffer.from('HFCD0001', 'ascii');
const headerLength = 48;
const rowLength = 20;
const tagLength = 32;

/** So much of an object is read as a list: a byte more than the longest has. */
export const condemnedReadLength: number = headerLength + maxCondemned * rowLength + tagLength + 1;

/** The rows of a list, in one block of memory. */
export class CondemnedRows {
  readonly count: number;
  readonly #rows: Buffer;

  /** Keeps `rows`, 20 bytes each. */
  constructor(rows: Uint8Array) {
    this.#rows = bufferOver(rows);
    this.count = rows.length / rowLength;
  }

  typeAt(row: number): CondemnedType {
    const number = this.#rows[row * rowLength];
    return number === condemnedTypes.pack ? 'pack' : number === condemnedTypes.index ? 'index' : 'manifest';
  }

  /** A view of 16 bytes. */
  idAt(row: number): Buffer {
    return this.#rows.subarray(row * rowLength + 4, (row + 1) * rowLength);
  }
}

export interface CondemnedObject {
  readonly type: CondemnedType;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
}

export interface CondemnedIdentity {
  readonly storeId: StoreId;
  /** 16 bytes; as in the name. */
  readonly listId: Uint8Array;
}

/** The stored bytes of a list. Throws `RangeError` above `maxCondemned`. */
export function encodeCondemnedList(identity: CondemnedIdentity, objects: readonly CondemnedObject[], owner: KeyObject): Buffer {
  if (objects.length > maxCondemned) throw new RangeError(`a list of ${objects.length} condemned objects`);
  const bytes = Buffer.alloc(headerLength + objects.length * rowLength);
  bytes.set(magic);
  bytes.set(uuidBytes(identity.storeId), 8);
  bytes.set(identity.listId, 24);
  bytes.writeUInt32LE(objects.length, 40);
  for (const [row, { type, objectId }] of objects.entries()) {
    const at = headerLength + row * rowLength;
    bytes[at] = condemnedTypes[type];
    bytes.set(objectId, at + 4);
  }
  return Buffer.concat([bytes, createHmac('sha256', owner).update(bytes).digest()]);
}

/** The rows of a stored list; `undefined` where it is none, is another's, or its tag does not hold. */
export function openCondemnedList(stored: Uint8Array, identity: CondemnedIdentity, owner: KeyObject): CondemnedRows | undefined {
  const bytes = bufferOver(stored);
  const end = bytes.length - tagLength;
  if (end < headerLength || bytes.length >= condemnedReadLength || bytes.compare(magic, 0, 8, 0, 8) !== 0) return undefined;
  const count = bytes.readUInt32LE(40);
  const isWhole = count <= maxCondemned && end === headerLength + count * rowLength && isZero(bytes, 44, headerLength);
  const isThis = sameBytes(bytes.subarray(8, 24), uuidBytes(identity.storeId)) && sameBytes(bytes.subarray(24, 40), identity.listId);
  if (!isWhole || !isThis) return undefined;
  const wanted = createHmac('sha256', owner).update(bytes.subarray(0, end)).digest();
  if (!timingSafeEqual(wanted, bytes.subarray(end))) return undefined;
  for (let at = headerLength; at < end; at += rowLength) {
    const type = bytes[at] ?? 0;
    if (type < 1 || type > 3 || !isZero(bytes, at + 1, at + 4)) return undefined;
  }
  return new CondemnedRows(bytes.subarray(headerLength, end));
}
