import * as vscode from 'vscode';

export interface Confirmation {
  readonly question: string;
  /** What will be lost. */
  readonly detail: string;
  /** The button's text: the act itself, never "OK". */
  readonly act: string;
}

/** Asks in a modal before what cannot be undone. */
export async function confirmed({ question, detail, act }: Confirmation): Promise<boolean> {
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, act)) === act;
}
