import * as vscode from 'vscode';
import type { DaemonEvent } from '../../protocol/events.ts';
import { fileScheme } from '../files/lateFiles.ts';
import { failureRow } from './failureRow.ts';
import { contextValueOf, type Row, type RowFacts } from './row.ts';
import { ShownRows } from './shownRows.ts';

/** Where the rows of a tree come from. */
export interface RowSource {
  /** The top of the tree; none while there is nothing to show, and the welcome text stands instead. */
  roots(): Promise<readonly Row[]>;
  /** What an event means for the rows. Not asked about a change of the daemon's state, which changes everything. */
  changeOf(event: DaemonEvent, isShown: (id: string) => boolean): Promise<Change>;
}

/** The new facts of the one row that changed, or that the whole tree has to be looked at. */
export type Change = 'nothing' | 'everything' | RowFacts;

/** A tree of rows: the shell between facts and the editor. */
export class RowTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #source: RowSource;
  readonly #shown = new ShownRows();
  readonly #changed = new vscode.EventEmitter<Row | undefined>();
  readonly onDidChangeTreeData: vscode.Event<Row | undefined> = this.#changed.event;

  constructor(source: RowSource) {
    this.#source = source;
  }

  /** All of it, or what is below a row. */
  refresh(row?: Row): void {
    this.#changed.fire(row);
  }

  /** Gives a row that is shown new facts, and asks for what is below it anew; does nothing where no such row is shown. */
  renew(facts: RowFacts): void {
    const row = this.#shown.byId(facts.id);
    if (row === undefined) return;
    row.renew(facts);
    this.#changed.fire(row);
  }

  /** The row with this id, where it is shown. */
  row(id: string): Row | undefined {
    return this.#shown.byId(id);
  }

  async getChildren(row?: Row): Promise<Row[]> {
    try {
      const children = row === undefined ? await this.#source.roots() : ((await row.facts.children?.()) ?? []);
      return this.#shown.put(row, children);
    } catch (error) {
      return this.#shown.put(row, failureRow(row?.facts.id ?? '', error));
    }
  }

  getParent(row: Row): Row | undefined {
    return row.parent;
  }

  getTreeItem({ facts }: Row): vscode.TreeItem {
    const item = new vscode.TreeItem(facts.label, collapsible(facts));
    item.id = facts.id;
    item.contextValue = contextValueOf(facts);
    item.accessibilityInformation = { label: facts.accessibleLabel };
    if (facts.description !== undefined) item.description = facts.description;
    if (facts.icon !== undefined) item.iconPath = themeIcon(facts.icon);
    if (facts.resource !== undefined) {
      const { restorePointId, path, isFolder, opens } = facts.resource;
      item.resourceUri = vscode.Uri.from({ scheme: fileScheme, authority: restorePointId, path: `/${path}` });
      item.iconPath = isFolder ? vscode.ThemeIcon.Folder : vscode.ThemeIcon.File;
      if (opens) item.command = { command: 'vscode.open', title: vscode.l10n.t('Open'), arguments: [item.resourceUri] };
    }
    if (facts.tooltip !== undefined) item.tooltip = tooltipOf(facts.tooltip);
    if (facts.opens !== undefined) {
      item.command = { command: facts.opens.command, title: facts.opens.title, arguments: [...facts.opens.args] };
    }
    return item;
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

function collapsible({ children, isExpanded }: RowFacts): vscode.TreeItemCollapsibleState {
  if (children === undefined) return vscode.TreeItemCollapsibleState.None;
  return isExpanded === true ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
}

function themeIcon({ name, color }: { readonly name: string; readonly color?: string }): vscode.ThemeIcon {
  return new vscode.ThemeIcon(name, color === undefined ? undefined : new vscode.ThemeColor(color));
}

/** Names and values are appended as text, so that nothing in them becomes a link, an icon or an image. */
function tooltipOf(facts: NonNullable<RowFacts['tooltip']>): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString();
  for (const [index, [name, value]] of facts.entries()) {
    if (index > 0) tooltip.appendMarkdown('\n\n');
    tooltip.appendMarkdown('**').appendText(name).appendMarkdown('** ').appendText(value);
  }
  return tooltip;
}
