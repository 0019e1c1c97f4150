import type { Step } from './steps.ts';

/** Where the answers of some steps lie in those of the whole form. */
export interface Part<Whole, Values> {
  /** Whether the questions are asked at all. */
  readonly isPart: (whole: Whole) => boolean;
  readonly part: (whole: Whole) => Values;
  readonly whole: (before: Whole, values: Values) => Whole;
}

/** A step that knows a part of the answers, as a step of the whole form. */
export function partOf<Whole, Values>(step: Step<Values>, { isPart, part, whole }: Part<Whole, Values>): Step<Whole> {
  return {
    isNeeded: (draft) => isPart(draft) && (step.isNeeded?.(part(draft)) ?? true),
    ask: async (draft, place) => {
      const outcome = await step.ask(part(draft), place);
      switch (outcome.kind) {
        case 'next':
          return { kind: 'next', values: whole(draft, outcome.values) };
        case 'back':
          return outcome.values === undefined ? { kind: 'back' } : { kind: 'back', values: whole(draft, outcome.values) };
        case 'cancelled':
          return outcome;
      }
    },
  };
}
