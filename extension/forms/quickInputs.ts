import * as vscode from 'vscode';
import type { StepOutcome, StepPlace } from './steps.ts';

/** One choice of a pick. */
export interface Choice<Value> {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly icon?: string;
  readonly value: Value;
}

export interface PickQuestion<Values, Value> {
  readonly placeholder: string;
  readonly choices: readonly Choice<Value>[];
  /** The choice that is marked when the step is shown. */
  readonly current?: Value;
  readonly next: (value: Value) => Values;
}

interface ChoiceItem<Value> extends vscode.QuickPickItem {
  readonly value: Value;
}

/** A step that picks one of several. */
export async function askPick<Values, Value>(place: StepPlace, question: PickQuestion<Values, Value>): Promise<StepOutcome<Values>> {
  const pick = vscode.window.createQuickPick<ChoiceItem<Value>>();
  pick.placeholder = question.placeholder;
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.items = question.choices.map(({ label, description, detail, icon, value }) => ({
    label,
    value,
    ...(description === undefined ? {} : { description }),
    ...(detail === undefined ? {} : { detail }),
    ...(icon === undefined ? {} : { iconPath: new vscode.ThemeIcon(icon) }),
  }));
  const current = pick.items.find(({ value }) => value === question.current);
  if (current !== undefined) pick.activeItems = [current];
  return await shown(pick, place, (accept) => {
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      if (item !== undefined) accept(question.next(item.value));
    });
  });
}

export interface InputQuestion<Values> {
  readonly prompt: string;
  readonly placeholder?: string;
  readonly value?: string;
  readonly isSecret?: boolean;
  /** A sentence where the text will not do; asked while typing. */
  readonly problem?: (text: string) => string | undefined;
  /** Whether Enter may go on, for a text that is no problem but not whole yet. Left out: always. */
  readonly isComplete?: (text: string) => boolean;
  readonly next: (text: string) => Values;
}

/** A step that takes a line of text. */
export async function askInput<Values>(place: StepPlace, question: InputQuestion<Values>): Promise<StepOutcome<Values>> {
  const box = vscode.window.createInputBox();
  box.prompt = question.prompt;
  box.placeholder = question.placeholder;
  box.value = question.value ?? '';
  box.password = question.isSecret ?? false;
  return await shown(box, place, (accept) => {
    box.onDidChangeValue((text) => {
      box.validationMessage = question.problem?.(text);
    });
    box.onDidAccept(() => {
      box.validationMessage = question.problem?.(box.value);
      const isComplete = question.isComplete?.(box.value) ?? true;
      if (box.validationMessage === undefined && isComplete) accept(question.next(box.value));
    });
  });
}

async function shown<Values>(
  input: vscode.QuickPick<vscode.QuickPickItem> | vscode.InputBox,
  place: StepPlace,
  listen: (accept: (values: Values) => void) => void,
): Promise<StepOutcome<Values>> {
  const { promise, resolve } = Promise.withResolvers<StepOutcome<Values>>();
  input.title = place.title;
  input.step = place.step;
  input.totalSteps = place.of;
  // Looking something up in another program must not throw away what was typed.
  input.ignoreFocusOut = true;
  if (place.canGoBack) input.buttons = [vscode.QuickInputButtons.Back];
  input.onDidTriggerButton(() => resolve({ kind: 'back' }));
  input.onDidHide(() => resolve({ kind: 'cancelled' }));
  listen((values) => resolve({ kind: 'next', values }));
  input.show();
  try {
    return await promise;
  } finally {
    input.dispose();
  }
}
