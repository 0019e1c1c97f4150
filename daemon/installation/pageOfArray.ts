import { type Page, type PageParams, pageItems } from '../../protocol/method.ts';
import { noSuchPage } from '../catalog/paging.ts';

/** A page of a list that is whole in memory and short by nature (policies, locations, passkeys). `after` is a position. Throws `badValue`. */
export function pageOfArray<Row, Item>(rows: readonly Row[], page: PageParams, itemOf: (row: Row) => Item): Page<Item> {
  const from = positionOf(page.after);
  const end = from + Math.min(page.limit ?? pageItems, pageItems);
  return { items: rows.slice(from, end).map(itemOf), next: end < rows.length ? String(end) : null };
}

/** The position that `after` stands for, where a list counts its items. Throws `badValue`. */
export function positionOf(after: string | undefined): number {
  const position = after === undefined ? 0 : Number(after);
  if (!Number.isSafeInteger(position) || position < 0) throw noSuchPage();
  return position;
}
