import { createHash } from 'node:crypto';
import type { ChainProblem } from '../../protocol/methods/auditLog.ts';
import type { AuditHead, AuditRow } from '../catalog/auditStore.ts';

const label = Buffer.from('holdfast/v1/audit\0', 'latin1');

/** What stands for the hash before the first row. */
const nothingBefore = new Uint8Array(32);

/** SHA-256 over the label, the 32 bytes of the hash before it, and the entry's UTF-8: docs/format.md, The audit log. */
export function chainHash(before: AuditHead | undefined, entry: string): Uint8Array {
  return createHash('sha256')
    .update(label)
    .update(before?.hash ?? nothingBefore)
    .update(entry, 'utf8')
    .digest();
}

/** What a check of a whole chain came to. */
export interface ChainReport {
  /** The last row up to which the chain holds. */
  readonly head: AuditHead | undefined;
  /** The first row that does not follow from the one before it. Of rows that are gone, the first of them. */
  readonly firstBad: { readonly sequence: number; readonly problem: ChainProblem } | undefined;
  /** The sequence of the row that has the hash that was looked for, as far as the chain holds. */
  readonly found: number | undefined;
}

/** Follows a chain row by row, from the first, without ever holding it whole. */
export class ChainCheck {
  readonly #wanted: Uint8Array | undefined;
  #head: AuditHead | undefined;
  #firstBad: ChainReport['firstBad'];
  #found: number | undefined;

  /** @param wanted a hash that somebody outside has kept */
  constructor(wanted?: Uint8Array) {
    this.#wanted = wanted;
  }

  get report(): ChainReport {
    return { head: this.#head, firstBad: this.#firstBad, found: this.#found };
  }

  /** Takes the next row, in the order of sequences; `false` once the chain is broken: what follows proves nothing. */
  take(row: AuditRow): boolean {
    if (this.#firstBad !== undefined) return false;
    const expected = (this.#head?.sequence ?? 0) + 1;
    const hash = chainHash(this.#head, row.entry);
    if (row.sequence > expected) this.#firstBad = { sequence: expected, problem: 'missing' };
    else if (row.sequence < expected || Buffer.compare(hash, row.hash) !== 0)
      this.#firstBad = { sequence: row.sequence, problem: 'changed' };
    else this.#firstBad = contentProblem(row);
    if (this.#firstBad !== undefined) return false;
    this.#head = { sequence: row.sequence, hash };
    if (this.#wanted !== undefined && Buffer.compare(hash, this.#wanted) === 0) this.#found = row.sequence;
    return true;
  }
}

/** What stands beside the entry is what stands in it. */
function contentProblem({ sequence, outcome, ends, entry }: AuditRow): ChainReport['firstBad'] {
  const read = membersOf(entry);
  if (read === undefined) return { sequence, problem: 'unreadable' };
  const isSame = read['sequence'] === sequence && read['outcome'] === outcome && read['ends'] === ends;
  return isSame ? undefined : { sequence, problem: 'changed' };
}

function membersOf(entry: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(entry);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
