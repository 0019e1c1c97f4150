import type { Services } from '../services.ts';
import { Row } from '../views/row.ts';

/** Called on the row that stands for what was not fetched yet: by its menu with the row, by Enter with the row's id. */
export async function showMore({ views }: Services, [given]: readonly unknown[]): Promise<void> {
  const id = given instanceof Row ? given.facts.id : given;
  if (typeof id === 'string') await views.showMore(id);
}
