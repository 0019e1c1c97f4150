import type { Locator, Page } from 'playwright-core';

/** The modal question. */
export class Dialog {
  readonly #box: Locator;

  constructor(page: Page) {
    this.#box = page.locator('.monaco-dialog-box');
  }

  async waitFor(): Promise<void> {
    await this.#box.waitFor();
  }

  async waitUntilClosed(): Promise<void> {
    await this.#box.waitFor({ state: 'detached' });
  }

  async message(): Promise<string> {
    await this.waitFor();
    return await this.#box.locator('.dialog-message-text').innerText();
  }

  /** Empty where there is none. */
  async detail(): Promise<string> {
    const detail = this.#box.locator('.dialog-message-detail');
    return (await detail.isVisible()) ? await detail.innerText() : '';
  }

  async buttons(): Promise<readonly string[]> {
    await this.waitFor();
    return await this.#box.locator('.dialog-buttons .monaco-button').allInnerTexts();
  }

  /** Resolves when this one is gone; the next may be there by then. */
  async press(button: string): Promise<void> {
    const pressed = this.#box.locator('.dialog-buttons').getByRole('button', { name: button, exact: true });
    await pressed.waitFor();
    const box = await this.#box.elementHandle();
    await pressed.click();
    await box?.waitForElementState('hidden');
  }
}
