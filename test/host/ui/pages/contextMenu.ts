import type { Locator, Page } from 'playwright-core';
import { eventually } from '../eventually.ts';

const clickLimit = 500;

/** The menu that is open: of a row, of an editor's tab, of a `…` button. */
export class ContextMenu {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Titles of what is in it, in order. */
  async items(): Promise<readonly string[]> {
    await this.#items().first().waitFor();
    return await this.#items().allInnerTexts();
  }

  /** Chooses an item, or one below others: `choose('Holdfast', 'File History')`. */
  async choose(...path: readonly string[]): Promise<void> {
    const last = path.at(-1);
    for (const title of path) {
      const item = this.#page.locator('.monaco-menu').getByRole('menuitem', { name: title, exact: true }).last();
      await item.hover();
      if (title !== last) continue;
      // A menu that has just opened takes no click for a tenth of a second, so that the one that opened it does not choose.
      await eventually(async () => {
        if (await item.isVisible()) await item.click({ timeout: clickLimit });
        await this.#items().first().waitFor({ state: 'hidden', timeout: clickLimit });
      });
    }
  }

  async close(): Promise<void> {
    await this.#page.keyboard.press('Escape');
    await this.#items().first().waitFor({ state: 'hidden' });
  }

  #items(): Locator {
    return this.#page.locator('.monaco-menu [role^="menuitem"] .action-label');
  }
}
