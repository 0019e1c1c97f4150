import * as vscode from 'vscode';
import type { Row } from './row.ts';
import type { RowTree } from './rowTree.ts';

/** Stands in a view from the moment of activation; answers once the tree behind it is loaded. */
export class LateTree implements vscode.TreeDataProvider<Row> {
  readonly #tree = Promise.withResolvers<RowTree>();
  readonly #changed = new vscode.EventEmitter<Row | undefined>();
  #loaded: RowTree | undefined;
  readonly onDidChangeTreeData: vscode.Event<Row | undefined> = this.#changed.event;

  load(tree: RowTree): void {
    this.#loaded = tree;
    tree.onDidChangeTreeData((row) => this.#changed.fire(row));
    this.#tree.resolve(tree);
  }

  async getChildren(row?: Row): Promise<Row[]> {
    return await (await this.#tree.promise).getChildren(row);
  }

  getTreeItem(row: Row): vscode.TreeItem {
    // A row comes from `getChildren`, which only a loaded tree answers.
    return this.#loaded === undefined ? new vscode.TreeItem('') : this.#loaded.getTreeItem(row);
  }

  getParent(row: Row): Row | undefined {
    return row.parent;
  }
}
