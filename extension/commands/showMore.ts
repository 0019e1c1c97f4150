import type { Services } from '../services.ts';
import { viewIds } from '../viewIds.ts';

/** Called by the row that stands for what was not fetched yet: with its view and its id. */
export async function showMore({ views }: Services, [view, rowId]: readonly unknown[]): Promise<void> {
  const id = viewIds.find((known) => known === view);
  if (id !== undefined && typeof rowId === 'string') await views.showMore(id, rowId);
}
