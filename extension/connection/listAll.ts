import type { Method, Page, PageParams } from '../../protocol/method.ts';
import type { Caller } from './daemonService.ts';

/** Every item of a list that people made by hand and that is short for that reason: policies, passkeys, locations, alerts. */
export async function listAll<Params extends PageParams, Item>(
  daemon: Caller,
  method: Method<Params, Page<Item>>,
  params: Params,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let after: string | undefined;
  do {
    const page: Page<Item> = await daemon.call(method, after === undefined ? params : { ...params, after });
    items.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return items;
}
