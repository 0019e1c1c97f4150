import type { Page } from '../../protocol/method.ts';

/** A paged list of the daemon's, as far as somebody wanted to see it. */
export class Pages<Item> {
  readonly #fetch: (after: string | undefined) => Promise<Page<Item>>;
  #items: readonly Item[] = [];
  #next: string | null = null;
  #fetched = 0;
  #isStale = false;
  #underWay: Promise<void> | undefined;

  constructor(fetch: (after: string | undefined) => Promise<Page<Item>>) {
    this.#fetch = fetch;
  }

  /** Whether the daemon has more than was fetched. */
  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** What was fetched so far: the first page where nothing was, and as many pages as before where they may have changed. */
  async items(): Promise<readonly Item[]> {
    if (this.#fetched === 0) await this.more();
    else if (this.#isStale) await this.#once(() => this.#again());
    return this.#items;
  }

  /** One page more; nothing where all is there. */
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
    if (this.#fetched > 0 && this.#next === null) return;
    const { items, next } = await this.#fetch(this.#next ?? undefined);
    this.#items = [...this.#items, ...items];
    this.#next = next;
    this.#fetched += 1;
  }

  /** Something in it changed. */
  expire(): void {
    this.#isStale = true;
  }

  async #again(): Promise<void> {
    this.#isStale = false;
    const items: Item[] = [];
    let next: string | null = null;
    for (let page = 0; page < this.#fetched; page += 1) {
      const fetched: Page<Item> = await this.#fetch(next ?? undefined);
      items.push(...fetched.items);
      ({ next } = fetched);
      if (next === null) break;
    }
    this.#items = items;
    this.#next = next;
  }
}
