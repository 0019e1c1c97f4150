import * as vscode from 'vscode';

export interface SecretQuestion {
  readonly title: string;
  readonly prompt: string;
  /** A button beside the box that asks something else first; answers the prompt from then on, or `null`: the box is left. */
  readonly aside?: { readonly icon: string; readonly tooltip: string; readonly ask: () => Promise<string | null | undefined> };
  /** Tries the secret; a sentence says why it will not do and leaves the box open. The bytes are overwritten afterwards. */
  readonly use: (secret: Uint8Array) => Promise<string | undefined>;
}

/** Asks for a secret in a box that hides it. Resolves with whether it was taken; rejects with what `use` rejects with. */
export async function askSecret(question: SecretQuestion): Promise<boolean> {
  const { aside } = question;
  const box = vscode.window.createInputBox();
  box.title = question.title;
  box.prompt = question.prompt;
  box.password = true;
  box.ignoreFocusOut = true;
  if (aside !== undefined) box.buttons = [{ iconPath: new vscode.ThemeIcon(aside.icon), tooltip: aside.tooltip }];
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  let isAside = false;
  let isLeft = false;
  box.onDidHide(() => {
    if (!isAside) resolve(false);
  });
  box.onDidChangeValue(() => {
    box.validationMessage = undefined;
  });
  box.onDidTriggerButton(async () => {
    isAside = true;
    box.hide();
    try {
      const prompt = await aside?.ask();
      if (prompt === null) {
        isLeft = true;
        resolve(false);
      } else box.prompt = prompt ?? box.prompt;
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    } finally {
      isAside = false;
      if (!isLeft) box.show();
    }
  });
  box.onDidAccept(async () => {
    if (box.value === '' || box.busy) return;
    const secret = Buffer.from(box.value, 'utf8');
    box.busy = true;
    box.enabled = false;
    try {
      const problem = await question.use(secret);
      if (problem === undefined) resolve(true);
      else box.validationMessage = problem;
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    } finally {
      secret.fill(0);
      box.busy = false;
      box.enabled = true;
    }
  });
  box.show();
  try {
    return await promise;
  } finally {
    box.dispose();
  }
}
