import assert from 'node:assert/strict';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import type { LedgerObject } from '../../daemon/catalog/objectLedger.ts';
import type { LocationId } from '../../protocol/ids.ts';

/** The ledger of a location, all pages. */
export function allObjects(catalog: Catalog, locationId: LocationId): readonly LedgerObject[] {
  const objects: LedgerObject[] = [];
  for (let after: string | undefined; ; ) {
    const page = catalog.objects.list({ locationId, ...(after === undefined ? {} : { after }) });
    objects.push(...page.items);
    if (page.next === null) return objects;
    after = page.next;
  }
}

/** Of `catalogWriter.ts`: every transaction is there with its three rows or not at all, and those that were said are there. */
export function assertWhole(catalog: Catalog, locationId: LocationId, said: readonly number[]): void {
  const rows = new Map<number, number>();
  for (const { size } of allObjects(catalog, locationId)) rows.set(size, (rows.get(size) ?? 0) + 1);
  for (const [sequence, count] of rows) assert.equal(count, 3, `transaction ${sequence} has ${count} of 3 rows`);
  for (const sequence of said) assert.ok(rows.has(sequence), `transaction ${sequence} was acknowledged and is lost`);
  assert.equal(catalog.sequences.last('keyring'), Math.max(0, ...rows.keys()));
}
