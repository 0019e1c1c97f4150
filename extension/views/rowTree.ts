import * as vscode from 'vscode';
import type { Row, RowFacts } from './row.ts';

/** Where the rows of a tree come from. */
export interface RowSource {
  /** The top of the tree; none while there is nothing to show, and the welcome text stands instead. */
  roots(): Promise<readonly Row[]>;
}

/** A tree of rows: the shell between facts and the editor. */
export class RowTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #source: RowSource;
  readonly #changed = new vscode.EventEmitter<Row | undefined>();
  readonly onDidChangeTreeData: vscode.Event<Row | undefined> = this.#changed.event;

  constructor(source: RowSource) {
    this.#source = source;
  }

  /** All of it, or what is below a row. */
  refresh(row?: Row): void {
    this.#changed.fire(row);
  }

  async getChildren(row?: Row): Promise<Row[]> {
    const children = row === undefined ? await this.#source.roots() : ((await row.facts.children?.()) ?? []);
    for (const child of children) child.parent = row;
    return [...children];
  }

  getParent(row: Row): Row | undefined {
    return row.parent;
  }

  getTreeItem(row: Row): vscode.TreeItem {
    const { facts } = row;
    const item = new vscode.TreeItem(facts.label, collapsible(facts));
    item.id = facts.id;
    item.contextValue = facts.context.map((token, index) => (index === 0 ? token : `+${token}`)).join('');
    item.accessibilityInformation = { label: facts.accessibleLabel };
    if (facts.description !== undefined) item.description = facts.description;
    if (facts.icon !== undefined) item.iconPath = themeIcon(facts.icon);
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
