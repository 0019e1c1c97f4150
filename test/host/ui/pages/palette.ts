import type { Page } from 'playwright-core';
import { eventually } from '../eventually.ts';
import { QuickPick } from './quickInput.ts';

const offerLimit = 4000;

/** The list of all commands. */
export class Palette {
  readonly #page: Page;
  readonly #pick: QuickPick;

  constructor(page: Page) {
    this.#page = page;
    this.#pick = new QuickPick(page);
  }

  /** Runs a command by its whole title, such as "Holdfast: Lock". What is offered is what stood in the moment of opening: then it is opened anew. */
  async run(title: string): Promise<void> {
    const option = this.#pick.option(new RegExp(`^${RegExp.escape(title)}(,|$)`));
    await eventually(async () => {
      await this.#open(title);
      try {
        await option.waitFor({ timeout: offerLimit });
      } catch (error) {
        await this.#pick.cancel();
        throw error;
      }
    });
    await option.click();
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
