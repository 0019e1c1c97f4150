import * as vscode from 'vscode';
import { plainText } from './plainText.ts';

/** So long, in milliseconds, a message stays that asks for nothing. */
const quietTime = 8000;

/** Says what became of something, in the status bar. `icon` is a product icon. */
export function tellQuietly(sentence: string, icon = 'check'): void {
  vscode.window.setStatusBarMessage(`$(${icon}) ${plainText(sentence)}`, quietTime);
}
