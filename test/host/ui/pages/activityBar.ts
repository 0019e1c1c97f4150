import type { Locator, Page } from 'playwright-core';

/** The strip at the side that opens containers of views. */
export class ActivityBar {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The tab of a container; its accessible name carries the badge's text. */
  tab(name: string): Locator {
    return this.#page.locator('.activitybar').getByRole('tab', { name: new RegExp(`^${RegExp.escape(name)}`) });
  }

  async open(name: string): Promise<void> {
    const tab = this.tab(name);
    await tab.waitFor({ timeout: 30_000 });
    if ((await tab.getAttribute('aria-expanded')) !== 'true') await tab.click();
  }

  /** The number on the badge; `undefined` where there is no badge. */
  async badge(name: string): Promise<number | undefined> {
    const text = (await this.tab(name).locator('..').locator('.badge-content').allInnerTexts()).join('').trim();
    return text === '' ? undefined : Number(text);
  }
}
