import type { Locator, Page } from 'playwright-core';
import { ContextMenu } from './contextMenu.ts';
import { hoverText } from './hover.ts';

/** A row of a tree. It is looked up anew by its label whenever it is used, so it can be named before it is there. */
export class Row {
  readonly #page: Page;
  readonly locator: Locator;

  constructor(page: Page, locator: Locator) {
    this.#page = page;
    this.locator = locator;
  }

  async waitFor(limit?: number): Promise<void> {
    await this.locator.waitFor(limit === undefined ? {} : { timeout: limit });
  }

  async waitUntilGone(): Promise<void> {
    await this.locator.waitFor({ state: 'detached' });
  }

  /** What a screen reader says of it. */
  async accessibleName(): Promise<string> {
    return (await this.locator.getAttribute('aria-label')) ?? '';
  }

  async label(): Promise<string> {
    return await this.locator.locator('.label-name').first().innerText();
  }

  /** Empty where it has none. */
  async description(): Promise<string> {
    const found = this.locator.locator('.label-description');
    return (await found.count()) === 0 ? '' : await found.first().innerText();
  }

  async isExpanded(): Promise<boolean> {
    return (await this.locator.getAttribute('aria-expanded')) === 'true';
  }

  async expand(): Promise<void> {
    if (!(await this.isExpanded())) await this.#toggle();
  }

  async collapse(): Promise<void> {
    if (await this.isExpanded()) await this.#toggle();
  }

  async click(): Promise<void> {
    await this.locator.click();
  }

  async openMenu(): Promise<ContextMenu> {
    const open = async (): Promise<void> => await this.locator.click({ button: 'right' });
    await open();
    return new ContextMenu(this.#page, open);
  }

  /** Presses an action that the row shows at its right end. */
  async press(action: string): Promise<void> {
    await this.locator.hover();
    await this.locator.getByRole('button', { name: action }).click();
  }

  /** Titles of the actions at its right end. */
  async actions(): Promise<readonly string[]> {
    await this.locator.hover();
    return await this.locator
      .locator('.actions-container .action-label')
      .evaluateAll((found) => found.map((action) => action.getAttribute('aria-label') ?? ''));
  }

  /** Text of the hover. */
  async tooltip(): Promise<string> {
    return await hoverText(this.#page, this.locator.locator('.label-name').first());
  }

  async #toggle(): Promise<void> {
    await this.locator.locator('.monaco-tl-twistie').click();
  }
}

/** One tree of the container, as its section shows it. */
export class TreeView {
  readonly #page: Page;
  readonly name: string;
  /** The whole section with its header. */
  readonly pane: Locator;

  constructor(page: Page, container: Locator, name: string) {
    this.#page = page;
    this.name = name;
    this.pane = container.locator('.pane').filter({ has: page.getByRole('button', { name: `${name} Section`, exact: true }) });
  }

  get #header(): Locator {
    return this.pane.getByRole('button', { name: `${this.name} Section`, exact: true });
  }

  async isExpanded(): Promise<boolean> {
    return (await this.#header.getAttribute('aria-expanded')) === 'true';
  }

  async expand(): Promise<void> {
    if (!(await this.isExpanded())) await this.#header.click();
  }

  async collapse(): Promise<void> {
    if (await this.isExpanded()) await this.#header.click();
  }

  /** The row of this label, or of an accessible name that the pattern fits. */
  row(name: string | RegExp): Row {
    const rows = this.pane.getByRole('treeitem');
    return new Row(
      this.#page,
      typeof name === 'string'
        ? rows.filter({ has: this.#page.locator('.label-name', { hasText: new RegExp(`^\\s*${RegExp.escape(name)}\\s*$`) }) }).first()
        : this.pane.getByRole('treeitem', { name }).first(),
    );
  }

  /** Accessible names of the rows that are drawn now, from the top; rows out of sight are not drawn. */
  async rows(): Promise<readonly string[]> {
    return await this.pane
      .getByRole('treeitem')
      .evaluateAll((found) =>
        found
          .toSorted((left, right) => Number(left.getAttribute('data-index')) - Number(right.getAttribute('data-index')))
          .map((row) => row.getAttribute('aria-label') ?? ''),
      );
  }

  /** Presses a button of the section's title. */
  async press(action: string): Promise<void> {
    await this.pane.hover();
    await this.#title().getByRole('button', { name: action }).click();
  }

  async titleActions(): Promise<readonly string[]> {
    await this.pane.hover();
    return await this.#title()
      .locator('.action-label')
      .evaluateAll((found) => found.map((action) => action.getAttribute('aria-label') ?? ''));
  }

  /** Text of the welcome, once there is one. */
  async welcome(): Promise<string> {
    const content = this.pane.locator('.welcome-view-content').first();
    await content.waitFor();
    return await content.innerText();
  }

  /** Presses a button or link of the welcome. */
  async pressWelcome(name: string): Promise<void> {
    await this.pane.locator('.welcome-view-content').getByRole('button', { name }).click();
  }

  /** The line above the rows; empty where there is none. */
  async message(): Promise<string> {
    const found = this.pane.locator('.message:not(.hide)');
    return (await found.count()) === 0 ? '' : await found.first().innerText();
  }

  #title(): Locator {
    return this.pane.locator('.pane-header .actions');
  }
}
