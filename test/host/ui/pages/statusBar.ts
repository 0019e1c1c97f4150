import type { Locator, Page } from 'playwright-core';
import { hoverText } from './hover.ts';

/** The extension's own item in the status bar. */
export class StatusBar {
  readonly #page: Page;
  readonly item: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.item = page.locator('.statusbar [id^="holdfast.holdfast"]');
  }

  async text(): Promise<string> {
    return (await this.item.innerText()).trim();
  }

  /** What a screen reader says of it. */
  async accessibleName(): Promise<string> {
    return (await this.item.locator('[aria-label]').first().getAttribute('aria-label')) ?? '';
  }

  /** Whether its background calls for something. */
  async severity(): Promise<'none' | 'warning' | 'error'> {
    const classes = (await this.item.getAttribute('class')) ?? '';
    if (classes.includes('error-kind')) return 'error';
    return classes.includes('warning-kind') ? 'warning' : 'none';
  }

  async press(): Promise<void> {
    await this.item.locator('a').first().click();
  }

  async tooltip(): Promise<string> {
    return await hoverText(this.#page, this.item);
  }
}
