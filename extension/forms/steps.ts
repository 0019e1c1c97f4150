/** Where a step stands in its form. */
export interface StepPlace {
  readonly title: string;
  /** From 1; `undefined` where the questions are not counted, in what is chosen from a summary. */
  readonly step: number | undefined;
  readonly of: number | undefined;
  readonly canGoBack: boolean;
}

export type StepOutcome<Values> =
  | { readonly kind: 'next'; readonly values: Values }
  /** With what was typed so far, where it will do: it is there again when the user comes back. */
  | { readonly kind: 'back'; readonly values?: Values }
  | { readonly kind: 'cancelled' };

/** One question of a form. It shows what was answered before, so that going back loses nothing. */
export interface Step<Values> {
  /** Whether the answers so far call for it; asked whenever they change. Left out: always. */
  readonly isNeeded?: (values: Values) => boolean;
  readonly ask: (values: Values, place: StepPlace) => Promise<StepOutcome<Values>>;
}

/** Where a form stands inside another one. */
export interface FormPlace {
  readonly title: string;
  /** Whether Back at the first step leads out of the form: to what asked for it. */
  readonly canLeave: boolean;
  /** The step of another form that these are the questions of: its place is shown for all of them. */
  readonly within?: StepPlace;
}

/**
 * Walks a form forwards and back. Back leads to the step that was asked before, whatever else is needed by then; at the first step of a form that can be left
 * it is the outcome of the whole, as in a step.
 */
export async function walkSteps<Values>(
  { title, canLeave, within }: FormPlace,
  steps: readonly Step<Values>[],
  initial: Values,
): Promise<StepOutcome<Values>> {
  const asked: number[] = [];
  let values = initial;
  let from = 0;
  for (;;) {
    const needed = steps.flatMap(({ isNeeded }, index) => (isNeeded === undefined || isNeeded(values) ? [index] : []));
    const current = needed.find((index) => index >= from);
    const step = current === undefined ? undefined : steps[current];
    if (current === undefined || step === undefined) return { kind: 'next', values };
    const outcome = await step.ask(values, {
      title,
      step: within === undefined ? needed.indexOf(current) + 1 : within.step,
      of: within === undefined ? needed.length : within.of,
      canGoBack: canLeave || asked.length > 0,
    });
    switch (outcome.kind) {
      case 'next':
        values = outcome.values;
        asked.push(current);
        from = current + 1;
        break;
      case 'back': {
        values = outcome.values ?? values;
        const before = asked.pop();
        if (before === undefined) return { kind: 'back', values };
        from = before;
        break;
      }
      case 'cancelled':
        return outcome;
    }
  }
}

/** Walks a form that stands for itself. `undefined` when the user left it. */
export async function runSteps<Values>(title: string, steps: readonly Step<Values>[], initial: Values): Promise<Values | undefined> {
  const outcome = await walkSteps({ title, canLeave: false }, steps, initial);
  return outcome.kind === 'next' ? outcome.values : undefined;
}

/** Several questions that are one step of a form. */
export async function subSteps<Values>(place: StepPlace, steps: readonly Step<Values>[], values: Values): Promise<StepOutcome<Values>> {
  return await walkSteps({ title: place.title, canLeave: place.canGoBack, within: place }, steps, values);
}
