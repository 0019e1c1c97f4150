import type { Locator, Page } from 'playwright-core';
import { eventually } from '../eventually.ts';

const clickLimit = 500;
const itemLimit = 4000;
const openings = 4;

/** The menu that is open: of a row, of an editor's tab, of a `…` button. */
export class ContextMenu {
  readonly #page: Page;
  readonly #reopen: (() => Promise<void>) | undefined;

  /** `reopen`: opens it anew. A row that is drawn again takes its menu with it, and one that was not up to date has the menu of before. */
  constructor(page: Page, reopen?: () => Promise<void>) {
    this.#page = page;
    this.#reopen = reopen;
  }

  /** Titles of what is in it, in order. */
  async items(): Promise<readonly string[]> {
    await this.#items().first().waitFor();
    return await this.#items().allInnerTexts();
  }

  /** Chooses an item, or one below others: `choose('Holdfast', 'File History')`. */
  async choose(...path: readonly string[]): Promise<void> {
    const last = path.at(-1);
    await this.#untilThere(path[0] ?? '');
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

  async #untilThere(title: string): Promise<void> {
    const item = this.#page.locator('.monaco-menu').getByRole('menuitem', { name: title, exact: true }).last();
    for (let opened = 1; this.#reopen !== undefined && opened < openings; opened += 1) {
      const isThere = await item.waitFor({ timeout: itemLimit }).then(
        () => true,
        () => false,
      );
      if (isThere) return;
      await this.#page.keyboard.press('Escape');
      await this.#reopen();
    }
    await item.waitFor();
  }

  async close(): Promise<void> {
    await this.#page.keyboard.press('Escape');
    await this.#items().first().waitFor({ state: 'hidden' });
  }

  #items(): Locator {
    return this.#page.locator('.monaco-menu [role^="menuitem"] .action-label');
  }
}
