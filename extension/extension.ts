import type * as vscode from 'vscode';
import { commands, window } from 'vscode';
import type { App } from './app.ts';
import { commandIds } from './commandIds.ts';
import { LateFiles } from './files/lateFiles.ts';
import { LateTree } from './views/lateTree.ts';
import { viewIds } from './viewIds.ts';

/**
 * Registers what the editor has to know of and nothing more: all that costs time (schemas, the socket, the views' contents) is loaded behind it and not
 * waited for. What the user does meanwhile waits for it.
 */
export function activate(context: vscode.ExtensionContext): void {
  const trees = viewIds.map((id) => ({ id, tree: new LateTree() }));
  const views = trees.map(({ id, tree }) => ({
    id,
    tree,
    view: window.createTreeView(id, { treeDataProvider: tree, showCollapseAll: true }),
  }));
  const files = new LateFiles();
  context.subscriptions.push(...views.map(({ view }) => view), files.register());
  const app = loadApp(context, { views, files });
  for (const id of commandIds) {
    context.subscriptions.push(commands.registerCommand(id, async (...args: unknown[]) => (await app).commands.run(id, args)));
  }
}

async function loadApp(context: vscode.ExtensionContext, shells: Parameters<typeof App.start>[1]): Promise<App> {
  try {
    const { App } = await import('./app.ts');
    const app = App.start(context, shells);
    context.subscriptions.push(app);
    return app;
  } catch (error) {
    void window.showErrorMessage(`Holdfast: ${error instanceof Error ? error.message : String(error)}`);
    throw error;
  }
}
