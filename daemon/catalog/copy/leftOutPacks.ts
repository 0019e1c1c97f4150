import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { decodeRuns, encodeRuns } from '../numberRuns.ts';
import { digestColumn, rowDigest } from '../rowDigest.ts';
import { copyDamaged } from './copyFile.ts';
import { leftOutPacksTable } from './copySchema.ts';

/** So many numbers of the ledger make a block: what changes later changes few of them. */
const numbersPerBlock = 4096;
const objectIdLength = 16;
const checkLength = 4;
const columns = ['locationId', 'policyId', 'block', 'numbers', 'objectIds', 'versionChecks'] as const;

/** More than this at one location is nothing that an installation ever stores; whoever keeps a bit for each number must be able to. */
export const highestNumber: number = 2 ** 27;

/** A pack whose row is not in the copy: what an index does not say of it. */
export interface LeftOutPack {
  /** Of the ledger. */
  readonly number: number;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
  /** See `versionCheck`. */
  readonly versionCheck: number;
}

export interface LeftOutBlock {
  readonly locationId: string;
  readonly policyId: string;
  readonly packs: readonly LeftOutPack[];
}

/** By this the version id that an index gives is known to be the one that the ledger had: CRC-32 of its UTF-8, 0 where there is none. */
export function versionCheck(versionId: string | null): number {
  return versionId === null ? 0 : crc32(versionId);
}

/** Blocks of 4,096 numbers and one policy each; told the packs of a location by ascending number. */
export class LeftOutWriter {
  readonly #insert: (row: Readonly<Record<(typeof columns)[number], string | number | Uint8Array>>) => void;
  readonly #locationId: string;
  readonly #open: Map<string, LeftOutPack[]> = new Map();
  #block = -1;

  constructor(database: DatabaseSync, locationId: string) {
    const names = [...columns, digestColumn];
    const statement = database.prepare(
      `INSERT INTO ${leftOutPacksTable} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    this.#insert = (row) => void statement.run(...columns.map((column) => row[column]), rowDigest(leftOutPacksTable, columns, row));
    this.#locationId = locationId;
  }

  add(policyId: string, pack: LeftOutPack): void {
    const block = Math.floor(pack.number / numbersPerBlock);
    if (block !== this.#block) this.flush();
    this.#block = block;
    const packs = this.#open.get(policyId);
    if (packs === undefined) this.#open.set(policyId, [pack]);
    else packs.push(pack);
  }

  /** Once behind the last one. */
  flush(): void {
    for (const [policyId, packs] of this.#open) {
      const objectIds = Buffer.concat(packs.map(({ objectId }) => objectId));
      const versionChecks = Buffer.alloc(packs.length * checkLength);
      for (const [index, pack] of packs.entries()) versionChecks.writeUInt32LE(pack.versionCheck, index * checkLength);
      const numbers = encodeRuns(packs.map(({ number }) => number));
      this.#insert({ locationId: this.#locationId, policyId, block: this.#block, numbers, objectIds, versionChecks });
    }
    this.#open.clear();
  }
}

/** What a copy leaves out, block by block, in the order of the ids. Throws `catalogDamaged` where a block is not what `LeftOutWriter` makes. */
export function* readLeftOut(database: DatabaseSync): Generator<LeftOutBlock> {
  const rows = database.prepare(`SELECT ${columns.join(', ')} FROM ${leftOutPacksTable} ORDER BY locationId, policyId, block`);
  for (const row of rows.iterate()) {
    const { locationId, policyId, block, numbers, objectIds, versionChecks } = row;
    const areBytes = numbers instanceof Uint8Array && objectIds instanceof Uint8Array && versionChecks instanceof Uint8Array;
    if (!areBytes || typeof locationId !== 'string' || typeof policyId !== 'string' || typeof block !== 'number') throw damagedBlock();
    const count = objectIds.length / objectIdLength;
    if (count < 1 || count > numbersPerBlock || versionChecks.length !== count * checkLength) throw damagedBlock();
    const checks = Buffer.from(versionChecks.buffer, versionChecks.byteOffset, versionChecks.length);
    const packs: LeftOutPack[] = [];
    for (const [first, last] of decodeRuns(numbers)) {
      // A run may claim any number of numbers.
      if (Math.floor(first / numbersPerBlock) !== block || Math.floor(last / numbersPerBlock) !== block) throw damagedBlock();
      for (let number = first; number <= last; number += 1) {
        const at = packs.length;
        if (at >= count || number < 1 || number > highestNumber) throw damagedBlock();
        const objectId = objectIds.subarray(at * objectIdLength, (at + 1) * objectIdLength);
        packs.push({ number, objectId, versionCheck: checks.readUInt32LE(at * checkLength) });
      }
    }
    if (packs.length !== count) throw damagedBlock();
    yield { locationId, policyId, packs };
  }
}

function damagedBlock(): Error {
  return copyDamaged('what it leaves out is not what was written');
}

/**
 * Which rows of the ledger are left out: packs that are there, and that an index says all of that counts about them but what `LeftOutPack` says. By the catalog
 * alone that is so where a restore point reaches the pack, since it can reach one only through an index that it pins. The restore point must not be known to
 * be damaged, and its manifest and its indexes must be there. A row of which nobody has seen the bytes is one that a gate wrote without an index at hand, and
 * one without a version id, at a store that may have versions, is not known to be that of the index: both stay, and so does what has another name than its
 * policy and its id give. Values: the location's kind, and the installation's id.
 */
export const leftOutCondition = `kind = 'pack' AND state = 'present' AND policyId IS NOT NULL AND number > 0 AND isReached(number)
  AND (versionId IS NOT NULL OR ? = 'filesystem') AND length(objectId) = 16 AND length(sha256) = 32
  AND objectKey = ? || '/policies/' || policyId || '/packs/' || lower(substr(hex(objectId), 1, 2)) || '/' || lower(hex(objectId))`;

/** The name of a pack whose row was left out: docs/format.md, Keys. */
export function leftOutKey(installationId: string, policyId: string, objectId: Uint8Array): string {
  const hex = Buffer.from(objectId.buffer, objectId.byteOffset, objectId.length).toString('hex');
  return `${installationId}/policies/${policyId}/packs/${hex.slice(0, 2)}/${hex}`;
}

/** Which numbers of a location's ledger restore points reach whose manifests and indexes are there, of the catalog attached as `live`: 1 for each. */
export function reachedNumbers(database: DatabaseSync, locationId: string): Uint8Array {
  const sql = 'SELECT max(number) AS number FROM live.objects WHERE locationId = ? AND number BETWEEN 0 AND ?';
  const highest = Number(database.prepare(sql).get(locationId, highestNumber)?.['number'] ?? 0);
  // Where runs begin and end, first; how many lie over each number, then.
  const changes = new Int32Array(highest + 2);
  const gone = goneNumbers(database, locationId);
  const reaches = database.prepare(
    `SELECT runs FROM live.reaches AS reach JOIN live.restorePoints AS point ON point.id = reach.restorePointId
    JOIN live.locations AS place ON place.locationId = reach.locationId AND place.storeId = point.storeId
    WHERE reach.locationId = ? AND point.state <> 'damaged'`,
  );
  for (const { runs } of reaches.iterate(locationId)) {
    if (!(runs instanceof Uint8Array)) continue;
    const decoded = [...decodeRuns(runs)];
    if (decoded.some(([first, last]) => hasBetween(gone, first, last))) continue;
    for (const [first, last] of decoded) {
      if (first > highest) continue;
      changes[first] = (changes[first] ?? 0) + 1;
      const behind = Math.min(last, highest) + 1;
      changes[behind] = (changes[behind] ?? 0) - 1;
    }
  }
  const reached = new Uint8Array(highest + 1);
  let over = 0;
  for (let number = 0; number <= highest; number += 1) {
    over += changes[number] ?? 0;
    reached[number] = over > 0 ? 1 : 0;
  }
  return reached;
}

/** Of manifests and indexes that are not there, ascending. */
function goneNumbers(database: DatabaseSync, locationId: string): Float64Array {
  const sql = `SELECT number FROM live.objects WHERE locationId = ? AND state <> 'present' AND kind IN ('manifest', 'index')`;
  const rows = database.prepare(sql).all(locationId);
  return Float64Array.from(rows, (row) => Number(row['number'])).toSorted();
}

function hasBetween(sorted: Float64Array, first: number, last: number): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < first) low = middle + 1;
    else high = middle;
  }
  return low < sorted.length && (sorted[low] ?? 0) <= last;
}
