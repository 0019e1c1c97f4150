import { hash } from 'node:crypto';

export type SqlValue = string | number | null | Uint8Array;

/** The column that every table ends with. */
export const digestColumn = 'digest';
const digestLength = 16;

/**
 * What a row carries so that a flipped bit in it is found: SQLite has no checksums in its pages. The first 16 bytes of SHA-256 over the table's name
 * and each column's type, length and bytes in the order of the columns. It finds accidents, not attackers: those who can write the catalog have the user's rights.
 */
export function rowDigest(table: string, columns: readonly string[], row: Readonly<Record<string, unknown>>): Uint8Array {
  let text = `${table};`;
  for (const column of columns) {
    const value = row[column];
    if (value === null || value === undefined) text += 'n;';
    else if (typeof value === 'string') text += `t${value.length};${value}`;
    else if (value instanceof Uint8Array)
      text += `b${value.length};${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}`;
    else text += `i${Number(value)};`;
  }
  return hash('sha256', text, 'buffer').subarray(0, digestLength);
}

export function sameDigest(left: Uint8Array, right: unknown): boolean {
  return right instanceof Uint8Array && Buffer.compare(left, right) === 0;
}
