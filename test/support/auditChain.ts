import { chainHash } from '../../daemon/auditLog/chain.ts';
import type { AuditHead, AuditRow } from '../../daemon/catalog/auditStore.ts';

/** Rows that follow from each other, one for each verb. */
export function chainOf(verbs: readonly string[]): readonly AuditRow[] {
  return relinked(
    verbs.map((verb, index) => {
      const sequence = index + 1;
      const outcome = index % 2 === 0 ? 'begun' : 'done';
      const ends = index % 2 === 0 ? null : index;
      return { sequence, outcome, ends, entry: JSON.stringify({ sequence, verb, outcome, ends }), hash: new Uint8Array(32) };
    }),
  );
}

/** As somebody writes them who knows how: the hashes made anew, from the first row on. */
export function relinked(rows: readonly AuditRow[]): readonly AuditRow[] {
  let head: AuditHead | undefined;
  return rows.map((row) => {
    const linked = { ...row, hash: chainHash(head, row.entry) };
    head = linked;
    return linked;
  });
}
