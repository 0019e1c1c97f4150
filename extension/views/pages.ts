import type { Page } from '../../protocol/method.ts';

/** As many items make a page here: the daemon's own end where their bytes become too many. */
const itemsAtOnce = 1000;

/** Asks the daemon for a page: `limit` items at most, behind `after` where that is given. */
export type FetchPage<Item> = (page: { readonly limit: number; readonly after?: string }) => Promise<Page<Item>>;

/** A paged list of the daemon's, as far as somebody wanted to see it. */
export class Pages<Item> {
  readonly #fetch: FetchPage<Item>;
  readonly #first: number;
  #items: readonly Item[] = [];
  #next: string | null = null;
  /** How many items somebody wanted to see; 0 before the first look. */
  #wanted = 0;
  #isStale = false;
  #underWay: Promise<void> | undefined;

  /** `first` items are fetched at first: fewer are seen sooner. */
  constructor(fetch: FetchPage<Item>, first: number = itemsAtOnce) {
    this.#fetch = fetch;
    this.#first = first;
  }

  /** Whether the daemon has more than was fetched. */
  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** What was fetched so far: the first page where nothing was, and as many as before where they may have changed. */
  async items(): Promise<readonly Item[]> {
    if (this.#wanted === 0) await this.more();
    // What expired while it was fetched may be of before the change, for whoever waits for the same pages too.
    while (this.#isStale || this.#underWay !== undefined) await this.#once(() => this.#again());
    return this.#items;
  }

  /** A thousand more, or what there is. */
  async more(): Promise<void> {
    await this.#once(() => this.#more());
  }

  /** The editor may ask for the same rows twice at a time: they are fetched once. */
  async #once(work: () => Promise<void>): Promise<void> {
    this.#underWay ??= work().finally(() => {
      this.#underWay = undefined;
    });
    await this.#underWay;
  }

  async #more(): Promise<void> {
    if (this.#wanted > 0 && this.#next === null) return;
    const count = this.#wanted === 0 ? this.#first : itemsAtOnce;
    const { items, next } = await this.#list(count, this.#next);
    this.#items = [...this.#items, ...items];
    this.#next = next;
    this.#wanted += count;
  }

  /** Something in it changed. */
  expire(): void {
    this.#isStale = true;
  }

  async #again(): Promise<void> {
    this.#isStale = false;
    try {
      ({ items: this.#items, next: this.#next } = await this.#list(this.#wanted, null));
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  /** So many items behind a place, or all there are. */
  async #list(least: number, from: string | null): Promise<Page<Item>> {
    const items: Item[] = [];
    let next = from;
    do {
      const limit = Math.min(itemsAtOnce, least - items.length);
      const page: Page<Item> = await this.#fetch({ limit, ...(next === null ? {} : { after: next }) });
      items.push(...page.items);
      ({ next } = page);
    } while (next !== null && items.length < least);
    return { items, next };
  }
}
