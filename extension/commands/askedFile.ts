import * as vscode from 'vscode';
import { activeDiff } from '../files/activeDiff.ts';
import { fileOf } from './argument.ts';

/** The file that a command is about: given by a menu, compared in the diff in front, open in the active editor, or else picked. `undefined` when the user left. */
export async function askedFile(args: readonly unknown[]): Promise<vscode.Uri | undefined> {
  const given = args[0] instanceof vscode.Uri ? fileOf(args) : (activeDiff()?.file ?? fileOf(args));
  if (given !== undefined) return given;
  const [picked] = (await vscode.window.showOpenDialog({ canSelectFiles: true, canSelectMany: false })) ?? [];
  return picked;
}
