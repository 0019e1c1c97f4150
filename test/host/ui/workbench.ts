import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import type { CommandId } from '../../../extension/commandIds.ts';
import { root } from '../../support/cli.ts';
import { noteActivation, noteCommand } from '../hostEnvironment.ts';
import { type AxeFinding, axeFindings } from './axe.ts';
import { commandTitles } from './contributions.ts';
import { eventually } from './eventually.ts';
import { ActivityBar } from './pages/activityBar.ts';
import { ContextMenu } from './pages/contextMenu.ts';
import { Dialog } from './pages/dialog.ts';
import { Editors } from './pages/editors.ts';
import { Explorer } from './pages/explorer.ts';
import { Notifications } from './pages/notifications.ts';
import { Palette } from './pages/palette.ts';
import { InputBox, QuickPick } from './pages/quickInput.ts';
import { StatusBar } from './pages/statusBar.ts';
import { TreeView } from './pages/treeView.ts';
import { Wire } from './wire.ts';

export type ViewName = 'Restore Points' | 'Policies' | 'Passkeys' | 'Locations' | 'Alerts';

/** Selector of everything in the extension's container. */
export const containerSelector = '#workbench\\.view\\.extension\\.holdfast';
export const quickInputSelector = '.quick-input-widget';

const docsImages = path.join(root, 'docs', 'images');
const actionLimit = 15_000;
const containerLimit = 3000;
const startLimit = 60_000;

/** One window of the workbench, with the parts of it that tests use. */
export class Workbench {
  readonly page: Page;
  readonly wire: Wire;
  readonly activityBar: ActivityBar;
  readonly statusBar: StatusBar;
  readonly quickPick: QuickPick;
  readonly inputBox: InputBox;
  readonly dialog: Dialog;
  readonly notifications: Notifications;
  readonly editors: Editors;
  readonly explorer: Explorer;
  readonly palette: Palette;
  readonly contextMenu: ContextMenu;
  readonly #context: BrowserContext;
  readonly #screenshots: string;
  readonly #console: string[] = [];

  constructor(context: BrowserContext, page: Page, screenshots: string) {
    this.#context = context;
    this.#screenshots = screenshots;
    this.page = page;
    page.setDefaultTimeout(actionLimit);
    page.on('console', (message) => this.#console.push(`${message.type()} ${message.text()}`));
    page.on('pageerror', (error) => this.#console.push(`pageerror ${error.stack ?? error.message}`));
    this.wire = new Wire(page, noteCommand, noteActivation);
    this.activityBar = new ActivityBar(page);
    this.statusBar = new StatusBar(page);
    this.quickPick = new QuickPick(page);
    this.inputBox = new InputBox(page);
    this.dialog = new Dialog(page);
    this.notifications = new Notifications(page);
    this.editors = new Editors(page);
    this.explorer = new Explorer(page);
    this.palette = new Palette(page);
    this.contextMenu = new ContextMenu(page);
  }

  /** Loads a window; resolves when the extension's container can be opened, which activates nothing. */
  async load(url: string): Promise<void> {
    await this.page.goto(url, { timeout: startLimit });
    await this.#loaded();
  }

  /** As "Developer: Reload Window": a new extension host, the same state. */
  async reload(): Promise<void> {
    await this.page.reload({ timeout: startLimit });
    await this.#loaded();
  }

  /** Opens the extension's container, which activates the extension. A window that opens it by itself meanwhile closes it by the press: then again. */
  async openContainer(): Promise<void> {
    await eventually(async () => {
      await this.activityBar.open('Holdfast');
      await this.page.locator(containerSelector).waitFor({ timeout: containerLimit });
    });
  }

  /** One of the five trees. The container has to be open. */
  view(name: ViewName): TreeView {
    return new TreeView(this.page, this.page.locator(containerSelector), name);
  }

  /** Runs a command from the palette, and resolves once the window has told the extension to run it. */
  async runCommand(command: CommandId): Promise<void> {
    const title = commandTitles().get(command);
    if (title === undefined) throw new Error(`package.json declares no command ${command}`);
    const before = this.#timesRun(command);
    await this.palette.run(title);
    await eventually(() => {
      if (this.#timesRun(command) === before) throw new Error(`the palette did not run ${command}`);
    });
  }

  /** What axe finds in the extension's own parts; `selectors` default to its container. */
  async axe(...selectors: readonly string[]): Promise<readonly AxeFinding[]> {
    return await axeFindings(this.page, selectors.length === 0 ? [containerSelector] : selectors);
  }

  /** Drags the edge of the side bar to this distance from the left, in pixels: rows of a picture then show all of their text. */
  async widenSideBar(to: number): Promise<void> {
    const bar = await this.page.locator('.part.sidebar').boundingBox();
    if (bar === null) throw new Error('there is no side bar');
    const middle = bar.y + bar.height / 2;
    await this.page.mouse.move(bar.x + bar.width + 1, middle);
    await this.page.mouse.down();
    await this.page.mouse.move(to, middle, { steps: 5 });
    await this.page.mouse.up();
  }

  /**
   * A picture of the whole window, kept with the results of the run. With HOLDFAST_DOCS_IMAGES set, `forDocs` ones are also written to docs/images/.
   * The pointer leaves first, unless what it hovers over is part of the picture.
   */
  async screenshot(name: string, options: { readonly forDocs?: boolean; readonly keepsHover?: boolean } = {}): Promise<string> {
    if (options.keepsHover !== true) {
      await this.page.mouse.move(0, 0);
      await this.page.locator('.monaco-hover:visible').waitFor({ state: 'hidden' });
    }
    const picture = await this.page.screenshot({ animations: 'disabled', caret: 'hide' });
    const folders = options.forDocs === true && process.env['HOLDFAST_DOCS_IMAGES'] !== undefined ? [docsImages] : [];
    for (const folder of [this.#screenshots, ...folders]) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, `${name}.png`), picture);
    }
    return path.join(this.#screenshots, `${name}.png`);
  }

  /** Text of the clipboard. */
  async clipboard(): Promise<string> {
    return String(await this.page.evaluate('navigator.clipboard.readText()'));
  }

  /** Everything that the window and its extension host wrote to the browser's console. */
  get console(): readonly string[] {
    return this.#console;
  }

  async close(): Promise<void> {
    await this.#context.close();
  }

  #timesRun(command: string): number {
    return this.wire.commands.filter((ran) => ran === command).length;
  }

  async #loaded(): Promise<void> {
    await this.activityBar.tab('Holdfast').waitFor({ timeout: startLimit });
  }
}
