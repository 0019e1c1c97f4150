import * as vscode from 'vscode';
import type { ContextKeys } from '../contextKeys.ts';
import { fileScheme } from './lateFiles.ts';

/** A file of a restore point beside the file of this machine that it belongs to. */
export interface FileDiff {
  readonly version: vscode.Uri;
  readonly file: vscode.Uri;
}

/** The diff in front, where it is one of those. */
export function activeDiff(): FileDiff | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (!(input instanceof vscode.TabInputTextDiff) || input.original.scheme !== fileScheme) return undefined;
  // A file that is gone stands as an empty document of its path.
  const { modified } = input;
  if (modified.scheme !== 'file' && modified.scheme !== 'untitled') return undefined;
  return { version: input.original, file: modified.with({ scheme: 'file' }) };
}

/** Keeps the context key by which such a diff has its buttons. */
export function watchDiffs(contextKeys: ContextKeys): vscode.Disposable {
  const update = (): void => contextKeys.set('holdfast.comparesFile', activeDiff() !== undefined);
  update();
  return vscode.Disposable.from(vscode.window.tabGroups.onDidChangeTabs(update), vscode.window.tabGroups.onDidChangeTabGroups(update));
}
