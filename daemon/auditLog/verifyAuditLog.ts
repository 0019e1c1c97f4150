import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditVerification } from '../../protocol/methods/auditLog.ts';
import type { AuditStore } from '../catalog/auditStore.ts';
import { ChainCheck } from './chain.ts';

/** Rows that are checked in one go; others are answered in between. */
const rowsAtOnce = 500;

/**
 * Follows the chain of a catalog, or of a copy of one, as it is now. What is wrong with it is an answer and no error.
 *
 * @param head the hash of a row as somebody outside has kept it, in hex
 */
export async function verifyAuditLog(
  store: Pick<AuditStore, 'rowsBehind' | 'count'>,
  head: string | undefined,
  signal: AbortSignal,
): Promise<AuditVerification> {
  const check = new ChainCheck(head === undefined ? undefined : Buffer.from(head, 'hex'));
  let last = Number.MIN_SAFE_INTEGER;
  for (;;) {
    signal.throwIfAborted();
    const rows = store.rowsBehind(last, rowsAtOnce);
    if (!rows.every((row) => check.take(row)) || rows.length < rowsAtOnce) break;
    last = rows.at(-1)?.sequence ?? last;
    await nextTurn();
  }
  const { head: newest, firstBad = null, found = null } = check.report;
  return {
    intact: firstBad === null && (head === undefined || found !== null),
    rows: store.count(),
    head: newest === undefined ? null : { sequence: newest.sequence, hash: Buffer.from(newest.hash).toString('hex') },
    firstBad,
    given: head === undefined ? null : { hash: head, sequence: found },
  };
}
