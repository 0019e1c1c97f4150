import type { Locator, Page } from 'playwright-core';

/** The toasts in the corner. */
export class Notifications {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The toast that holds this text. */
  toast(text: string | RegExp): Locator {
    return this.#page.locator('.notifications-toasts .notification-toast').filter({ hasText: text });
  }

  async waitFor(text: string | RegExp): Promise<void> {
    await this.toast(text).waitFor();
  }

  /** Texts of the toasts that are shown now. */
  async texts(): Promise<readonly string[]> {
    return await this.#page.locator('.notifications-toasts .notification-list-item-message').allInnerTexts();
  }

  /** Titles of a toast's buttons. */
  async buttons(text: string | RegExp): Promise<readonly string[]> {
    return await this.toast(text).locator('.notification-list-item-buttons-container .monaco-button').allInnerTexts();
  }

  async press(text: string | RegExp, button: string): Promise<void> {
    await this.toast(text).getByRole('button', { name: button, exact: true }).click();
  }

  async dismiss(text: string | RegExp): Promise<void> {
    await this.toast(text).hover();
    await this.toast(text)
      .getByRole('button', { name: /^Clear Notification/ })
      .click();
    await this.toast(text).waitFor({ state: 'detached' });
  }
}
