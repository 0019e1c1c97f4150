/** Where a step stands in its form. */
export interface StepPlace {
  readonly title: string;
  /** From 1. */
  readonly step: number;
  readonly of: number;
  readonly canGoBack: boolean;
}

export type StepOutcome<Values> =
  | { readonly kind: 'next'; readonly values: Values }
  | { readonly kind: 'back' }
  | { readonly kind: 'cancelled' };

/** One question of a form. It shows what was answered before, so that going back loses nothing. */
export interface Step<Values> {
  /** Whether the answers so far call for it; asked whenever they change. Left out: always. */
  readonly isNeeded?: (values: Values) => boolean;
  readonly ask: (values: Values, place: StepPlace) => Promise<StepOutcome<Values>>;
}

/** Walks a form forwards and back. `undefined` when the user left it. */
export async function runSteps<Values>(title: string, steps: readonly Step<Values>[], initial: Values): Promise<Values | undefined> {
  let values = initial;
  let position = 0;
  for (;;) {
    const needed = steps.filter(({ isNeeded }) => isNeeded === undefined || isNeeded(values));
    const step = needed[position];
    if (step === undefined) return values;
    const outcome = await step.ask(values, { title, step: position + 1, of: needed.length, canGoBack: position > 0 });
    switch (outcome.kind) {
      case 'next':
        values = outcome.values;
        position += 1;
        break;
      case 'back':
        position = Math.max(0, position - 1);
        break;
      case 'cancelled':
        return undefined;
    }
  }
}
