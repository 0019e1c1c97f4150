import type { Locator, Page } from 'playwright-core';
import { ContextMenu } from './contextMenu.ts';

const noBreakSpace = /\u00a0/g;

/** The middle of the window: tabs, the text in front, and both sides of a diff. */
export class Editors {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  tab(name: string | RegExp): Locator {
    return this.#page.locator('.tabs-container .tab').filter({ hasText: name });
  }

  /** Labels of all tabs, from the left. */
  async tabs(): Promise<readonly string[]> {
    return await this.#page.locator('.tabs-container .tab .tab-label .monaco-icon-name-container').allTextContents();
  }

  async waitFor(tab: string | RegExp): Promise<void> {
    await this.tab(tab).waitFor();
  }

  /** Text of the editor in front, as far as it is in sight. */
  async text(): Promise<string> {
    return await this.#lines('.editor-group-container.active .monaco-editor');
  }

  /** Text of the older side of the diff in front. */
  async originalText(): Promise<string> {
    return await this.#lines('.monaco-diff-editor .editor.original');
  }

  /** Text of the newer side of the diff in front. */
  async modifiedText(): Promise<string> {
    return await this.#lines('.monaco-diff-editor .editor.modified');
  }

  async isDirty(tab: string | RegExp): Promise<boolean> {
    return ((await this.tab(tab).getAttribute('class')) ?? '').includes('dirty');
  }

  async openTabMenu(tab: string | RegExp): Promise<ContextMenu> {
    await this.tab(tab).click({ button: 'right' });
    return new ContextMenu(this.#page);
  }

  async openTextMenu(): Promise<ContextMenu> {
    await this.#page.locator('.editor-group-container.active .monaco-editor .view-lines').first().click({ button: 'right' });
    return new ContextMenu(this.#page);
  }

  /** Presses a button in the editor's title. */
  async press(action: string): Promise<void> {
    await this.#page.locator('.editor-actions').getByRole('button', { name: action }).first().click();
  }

  /** Text goes to the editor in front: `keys('Control+z')`. */
  async keys(...keys: readonly string[]): Promise<void> {
    await this.#page.locator('.editor-group-container.active .monaco-editor .view-lines').last().click();
    for (const key of keys) await this.#page.keyboard.press(key);
  }

  async close(tab: string | RegExp): Promise<void> {
    await this.tab(tab)
      .getByRole('button', { name: /^Close/ })
      .click();
    await this.tab(tab).waitFor({ state: 'detached' });
  }

  async #lines(editor: string): Promise<string> {
    const lines = this.#page.locator(`${editor} .view-lines`).first();
    await lines.waitFor();
    const found = await lines
      .locator('.view-line')
      .evaluateAll((all) =>
        all.map((line) => [parseFloat(line.getAttribute('style')?.match(/top:\s*([\d.]+)/)?.[1] ?? '0'), line.textContent ?? ''] as const),
      );
    return found
      .toSorted(([left], [right]) => left - right)
      .map(([, text]) => text.replaceAll(noBreakSpace, ' '))
      .join('\n');
  }
}
