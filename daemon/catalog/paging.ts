import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { type Page, type PageParams, pageItems } from '../../protocol/method.ts';

/** What a cursor remembers: the sort key of the last row of the page before. */
export type CursorKey = readonly (string | number)[];

const cursorSchema: z.ZodType<CursorKey> = z.array(z.union([z.string(), z.int()])).max(4);

const encoded = (key: CursorKey): string => Buffer.from(JSON.stringify(key), 'utf8').toString('base64url');

/** Throws `badValue` on a cursor that this kind of list did not give; `like` shows its types. */
export function decodeCursor(cursor: string | undefined, like: CursorKey): CursorKey | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key = cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (key.length === like.length && key.every((part, index) => typeof part === typeof like[index])) return key;
  } catch (error) {
    throw noSuchPage(error);
  }
  throw noSuchPage();
}

/** The error for `after` where no page of this list ended with it. */
export const noSuchPage = (cause?: unknown): HoldfastError =>
  new HoldfastError('badValue', 'Failed to list: the page to go on from is not one that this list gave.', {
    fix: 'List from the start.',
    cause,
  });

export const limitOf = (params: PageParams): number => Math.min(params.limit ?? pageItems, pageItems);

/** Makes a page of up to `limit` rows out of `limit + 1` fetched ones. */
export function pageFrom<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => CursorKey,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const taken = rows.slice(0, limit);
  const last = taken.at(-1);
  return { items: taken.map(itemOf), next: rows.length > limit && last !== undefined ? encoded(keyOf(last)) : null };
}
