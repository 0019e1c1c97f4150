import * as vscode from 'vscode';
import { plainText } from './plainText.ts';

/** So long, in milliseconds, a message stays that asks for nothing. */
const quietTime = 8000;

/** Says that something was done, in the status bar. */
export function tellQuietly(sentence: string): void {
  vscode.window.setStatusBarMessage(`$(check) ${plainText(sentence)}`, quietTime);
}
