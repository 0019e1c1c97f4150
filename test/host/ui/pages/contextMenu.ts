import type { Locator, Page } from 'playwright-core';

/** The menu that is open: of a row, of an editor's tab, of a `…` button. */
export class ContextMenu {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Titles of what is in it, in order. */
  async items(): Promise<readonly string[]> {
    await this.#items().first().waitFor();
    return await this.#items().evaluateAll((found) => found.map((item) => item.getAttribute('aria-label') ?? ''));
  }

  /** Chooses an item, or one below others: `choose('Holdfast', 'File History')`. */
  async choose(...path: readonly string[]): Promise<void> {
    for (const title of path) await this.#page.getByRole('menuitem', { name: title, exact: true }).last().click();
  }

  async close(): Promise<void> {
    await this.#page.keyboard.press('Escape');
    await this.#items().first().waitFor({ state: 'hidden' });
  }

  #items(): Locator {
    return this.#page.locator('.monaco-menu [role^="menuitem"][aria-label]');
  }
}
