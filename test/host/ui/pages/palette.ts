import type { Page } from 'playwright-core';
import { QuickPick } from './quickInput.ts';

/** The list of all commands. */
export class Palette {
  readonly #page: Page;
  readonly #pick: QuickPick;

  constructor(page: Page) {
    this.#page = page;
    this.#pick = new QuickPick(page);
  }

  /** Runs a command by its whole title, such as "Holdfast: Lock". */
  async run(title: string): Promise<void> {
    await this.#open(title);
    await this.#pick.choose(new RegExp(`^${RegExp.escape(title)}(,|$)`));
  }

  /** Titles that the palette offers for what is typed, the best first; empty where it has none. */
  async titles(typed: string): Promise<readonly string[]> {
    await this.#open(typed);
    const titles = (await this.#pick.options()).map((name) => name.replace(/, .*$/, ''));
    await this.#pick.cancel();
    return titles.filter((title) => title !== 'No matching commands');
  }

  async #open(typed: string): Promise<void> {
    await this.#page.keyboard.press('F1');
    await this.#pick.waitFor();
    await this.#pick.type(`>${typed}`);
  }
}
