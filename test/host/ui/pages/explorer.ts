import type { Page } from 'playwright-core';
import { ActivityBar } from './activityBar.ts';
import { ContextMenu } from './contextMenu.ts';
import { Row } from './treeView.ts';

/** The tree of the workspace's files. */
export class Explorer {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async open(): Promise<void> {
    await new ActivityBar(this.#page).open('Explorer');
  }

  /** A file or folder by its name; its parents have to be expanded. */
  row(name: string): Row {
    const tree = this.#page.locator('.explorer-folders-view');
    return new Row(this.#page, tree.getByRole('treeitem', { name: new RegExp(`^${RegExp.escape(name)}(?:$|[, ])`) }).first());
  }

  async openMenu(name: string): Promise<ContextMenu> {
    return await this.row(name).openMenu();
  }

  /** Opens a file in an editor that stays. */
  async openFile(name: string): Promise<void> {
    await this.row(name).locator.dblclick();
  }
}
