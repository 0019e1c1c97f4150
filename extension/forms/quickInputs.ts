import * as vscode from 'vscode';
import { plainText } from '../ui/plainText.ts';
import type { StepOutcome, StepPlace } from './steps.ts';

/** One choice of a pick. */
export interface Choice<Value> {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** A product icon. */
  readonly icon?: string;
  /** A heading above it and those of the same group behind it. */
  readonly group?: string;
  readonly value: Value;
}

export interface PickQuestion<Values, Value> {
  readonly placeholder: string;
  readonly choices: readonly Choice<Value>[];
  /** The choice that is marked when the step is shown. */
  readonly current?: Value;
  readonly next: (value: Value) => Values;
}

export interface ChoiceItem<Value> extends vscode.QuickPickItem {
  /** `undefined` in a heading, which nobody can choose. */
  readonly choice?: Choice<Value>;
}

/** A step that picks one of several. */
export async function askPick<Values, Value>(place: StepPlace, question: PickQuestion<Values, Value>): Promise<StepOutcome<Values>> {
  const pick = vscode.window.createQuickPick<ChoiceItem<Value>>();
  pick.placeholder = question.placeholder;
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.items = itemsOf(question.choices);
  const current = pick.items.find(({ choice }) => choice !== undefined && choice.value === question.current);
  if (current !== undefined) pick.activeItems = [current];
  return await shown(pick, place, (accept) => {
    pick.onDidAccept(() => {
      const choice = pick.selectedItems[0]?.choice;
      if (choice !== undefined) accept(question.next(choice.value));
    });
  });
}

export interface ManyQuestion<Values> {
  readonly placeholder: string;
  /** In this order; those that are chosen already are marked. */
  readonly choices: readonly Choice<string>[];
  readonly chosen: readonly string[];
  /** What is typed and no choice can be added as one: why not, as a sentence, or `undefined` where it will do. */
  readonly problem: (typed: string) => string | undefined;
  readonly next: (chosen: readonly string[]) => Values;
}

/**
 * A step that picks several, and takes others that are typed: Enter takes a choice or gives it back, adds what is typed, or goes on. The editor's own pick of
 * several is left alone: it tells of a selection also where the choices were replaced under it, and what was chosen can be lost by that.
 */
export async function askMany<Values>(place: StepPlace, question: ManyQuestion<Values>): Promise<StepOutcome<Values>> {
  const pick = vscode.window.createQuickPick<ChoiceItem<string>>();
  pick.placeholder = question.placeholder;
  const known: Choice<string>[] = [...question.choices];
  let chosen: readonly string[] = question.chosen;
  const result = (): Values => question.next(known.map(({ value }) => value).filter((value) => chosen.includes(value)));
  const show = (typed: string, active?: string): void => {
    const isNew = typed !== '' && !known.some(({ value }) => value === typed);
    const problem = isNew ? question.problem(typed) : undefined;
    const added: Choice<string> = {
      label: typed,
      description: problem ?? vscode.l10n.t('Enter adds it'),
      icon: problem === undefined ? 'add' : 'error',
      value: typed,
    };
    const goOn: Choice<string> = { label: vscode.l10n.t('Go On'), icon: 'arrow-right', value: '' };
    const marked = known.map((choice) => {
      const isChosen = chosen.includes(choice.value);
      return { ...choice, icon: isChosen ? 'check' : 'circle-outline', ...(isChosen ? { description: vscode.l10n.t('chosen') } : {}) };
    });
    pick.items = [...(isNew ? [{ ...itemOf(added), alwaysShow: true }] : []), ...itemsOf([goOn, ...marked])];
    const current = pick.items.find(({ choice }) => choice?.value === active);
    if (current !== undefined) pick.activeItems = [current];
  };
  show('', '');
  return await shown(
    pick,
    place,
    (accept) => {
      pick.onDidChangeValue((typed) => show(typed));
      pick.onDidAccept(() => {
        const value = pick.selectedItems[0]?.choice?.value;
        if (value === undefined) return;
        if (value === '') {
          accept(result());
          return;
        }
        const isNew = known.every((choice) => choice.value !== value);
        if (isNew && question.problem(value) !== undefined) return;
        if (isNew) known.push({ label: value, value });
        chosen = chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
        pick.value = '';
        show('', isNew ? '' : value);
      });
    },
    result,
  );
}

export interface InputQuestion<Values> {
  readonly prompt: string;
  readonly placeholder?: string;
  readonly value?: string;
  readonly isSecret?: boolean;
  /** A sentence where the text will not do; asked while typing. */
  readonly problem?: (text: string) => string | undefined;
  /** What takes a look elsewhere, for a text that is no problem: asked when typing rests, and before it is taken. */
  readonly check?: (text: string) => Promise<string | undefined>;
  /** What stands below the box instead of the prompt while the text is no problem. */
  readonly hint?: (text: string) => string | undefined;
  /** Whether Enter may go on, for a text that is no problem but not whole yet. Left out: always. */
  readonly isComplete?: (text: string) => boolean;
  /** A button that finds the text elsewhere. */
  readonly browse?: { readonly icon: string; readonly tooltip: string; readonly find: (text: string) => Promise<string | undefined> };
  readonly next: (text: string) => Values;
}

/** Milliseconds without a key before a check that takes a look elsewhere begins. */
const restBeforeCheck = 250;

/** A step that takes a line of text. */
export async function askInput<Values>(place: StepPlace, question: InputQuestion<Values>): Promise<StepOutcome<Values>> {
  const box = vscode.window.createInputBox();
  const state = new InputState(box, question);
  box.placeholder = question.placeholder;
  box.value = question.value ?? '';
  box.password = question.isSecret ?? false;
  const browse = question.browse;
  const button = browse === undefined ? undefined : { iconPath: new vscode.ThemeIcon(browse.icon), tooltip: browse.tooltip };
  state.show();
  const isKept = question.isSecret !== true;
  try {
    return await shown(
      box,
      place,
      (accept, away) => {
        box.onDidChangeValue(() => state.changed());
        box.onDidAccept(async () => {
          if (await state.isGood()) accept(question.next(box.value));
        });
        box.onDidTriggerButton(async (pressed) => {
          if (pressed !== button || browse === undefined) return;
          const found = await away(() => browse.find(box.value));
          if (found !== undefined) box.value = found;
          state.changed();
        });
      },
      () => (isKept && question.problem?.(box.value) === undefined ? question.next(box.value) : undefined),
      button === undefined ? [] : [button],
    );
  } finally {
    state.dispose();
  }
}

/** What a box says of its text, while it is typed and once it is to be taken. */
class InputState implements vscode.Disposable {
  readonly #box: vscode.InputBox;
  readonly #question: Pick<InputQuestion<unknown>, 'prompt' | 'problem' | 'check' | 'hint' | 'isComplete'>;
  #timer: NodeJS.Timeout | undefined;

  constructor(box: vscode.InputBox, question: Pick<InputQuestion<unknown>, 'prompt' | 'problem' | 'check' | 'hint' | 'isComplete'>) {
    this.#box = box;
    this.#question = question;
  }

  /** For a text that nobody has touched: it is not blamed yet. */
  show(): void {
    this.#box.prompt = this.#question.hint?.(this.#box.value) ?? this.#question.prompt;
  }

  changed(): void {
    clearTimeout(this.#timer);
    const problem = this.#question.problem?.(this.#box.value);
    this.#box.validationMessage = problem;
    this.show();
    if (problem === undefined && this.#question.check !== undefined) this.#timer = setTimeout(() => void this.#check(), restBeforeCheck);
  }

  async isGood(): Promise<boolean> {
    clearTimeout(this.#timer);
    const { problem, isComplete } = this.#question;
    this.#box.validationMessage = problem?.(this.#box.value);
    if (this.#box.validationMessage !== undefined || isComplete?.(this.#box.value) === false) return false;
    return await this.#check();
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  async #check(): Promise<boolean> {
    const text = this.#box.value;
    this.#box.busy = true;
    const problem = await this.#question.check?.(text);
    this.#box.busy = false;
    // Typed on meanwhile: what was found is about another text.
    if (this.#box.value !== text) return false;
    this.#box.validationMessage = problem;
    return problem === undefined;
  }
}

type Accept<Values> = (values: Values) => void;
/** Hides the input while something else asks, and shows it again with all that stands in it. */
type Away = <Result>(ask: () => Promise<Result>) => Promise<Result>;

async function shown<Values>(
  input: vscode.QuickPick<vscode.QuickPickItem> | vscode.InputBox,
  place: StepPlace,
  listen: (accept: Accept<Values>, away: Away) => void,
  soFar: () => Values | undefined = () => undefined,
  buttons: readonly vscode.QuickInputButton[] = [],
): Promise<StepOutcome<Values>> {
  const { promise, resolve } = Promise.withResolvers<StepOutcome<Values>>();
  input.title = place.title;
  input.step = place.step;
  input.totalSteps = place.of;
  // Looking something up in another program must not throw away what was typed.
  input.ignoreFocusOut = true;
  input.buttons = [...(place.canGoBack ? [vscode.QuickInputButtons.Back] : []), ...buttons];
  let isAway = false;
  input.onDidTriggerButton((button) => {
    if (button !== vscode.QuickInputButtons.Back) return;
    const values = soFar();
    resolve(values === undefined ? { kind: 'back' } : { kind: 'back', values });
  });
  input.onDidHide(() => {
    if (!isAway) resolve({ kind: 'cancelled' });
  });
  listen(
    (values) => resolve({ kind: 'next', values }),
    async (ask) => {
      isAway = true;
      input.hide();
      try {
        return await ask();
      } finally {
        isAway = false;
        input.show();
      }
    },
  );
  input.show();
  try {
    return await promise;
  } finally {
    input.dispose();
  }
}

/** As the editor takes them. */
export function itemsOf<Value>(choices: readonly Choice<Value>[]): readonly ChoiceItem<Value>[] {
  return choices.flatMap((choice, index) => {
    const isFirst = choice.group !== undefined && choice.group !== choices[index - 1]?.group;
    const heading: ChoiceItem<Value> = { label: choice.group ?? '', kind: vscode.QuickPickItemKind.Separator };
    return isFirst ? [heading, itemOf(choice)] : [itemOf(choice)];
  });
}

function itemOf<Value>(choice: Choice<Value>): ChoiceItem<Value> {
  const { label, description, detail, icon } = choice;
  return {
    label: plainText(label),
    choice,
    ...(description === undefined ? {} : { description: plainText(description) }),
    ...(detail === undefined ? {} : { detail: plainText(detail) }),
    ...(icon === undefined ? {} : { iconPath: new vscode.ThemeIcon(icon) }),
  };
}
