import * as vscode from 'vscode';

export interface SecretQuestion {
  readonly title: string;
  readonly prompt: string;
  readonly step?: { readonly step: number; readonly of: number };
  /** Tries the secret; a sentence says why it will not do and leaves the box open. The bytes are overwritten afterwards. */
  readonly use: (secret: Uint8Array) => Promise<string | undefined>;
}

/** Asks for a secret in a box that hides it. Resolves with whether it was taken; rejects with what `use` rejects with. */
export async function askSecret(question: SecretQuestion): Promise<boolean> {
  const box = vscode.window.createInputBox();
  box.title = question.title;
  box.prompt = question.prompt;
  box.password = true;
  box.ignoreFocusOut = true;
  if (question.step !== undefined) {
    box.step = question.step.step;
    box.totalSteps = question.step.of;
  }
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  box.onDidHide(() => resolve(false));
  box.onDidChangeValue(() => {
    box.validationMessage = undefined;
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
