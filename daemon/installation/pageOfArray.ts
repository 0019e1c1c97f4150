import { HoldfastError } from '../../protocol/errors.ts';
import { type Page, type PageParams, pageItems } from '../../protocol/method.ts';

/** A page of a list that is whole in memory and short by nature (policies, locations, passkeys). `after` is a position. Throws `badValue`. */
export function pageOfArray<Row, Item>(rows: readonly Row[], page: PageParams, itemOf: (row: Row) => Item): Page<Item> {
  const from = page.after === undefined ? 0 : Number(page.after);
  if (!Number.isSafeInteger(from) || from < 0) {
    throw new HoldfastError('badValue', 'Failed to list: the page to go on from is not one that this list gave.', {
      fix: 'List from the start.',
    });
  }
  const end = from + (page.limit ?? pageItems);
  return { items: rows.slice(from, end).map(itemOf), next: end < rows.length ? String(end) : null };
}
