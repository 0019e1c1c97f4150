import { askFile } from '../../fileStep.ts';
import { keyProblem } from '../../location/bucketDraft.ts';
import { askInput } from '../../quickInputs.ts';
import type { Step } from '../../steps.ts';

/** A draft that has a text under the name of the field. */
type With<Field extends string> = Readonly<Record<Field, string>>;

interface FieldQuestion<Draft> {
  /** Left out: always. */
  readonly isNeeded?: (draft: Draft) => boolean;
  readonly prompt: string;
  readonly mayBeEmpty?: boolean;
}

export interface TextQuestion<Draft, Field> extends FieldQuestion<Draft> {
  readonly placeholder?: string;
  /** Why a text will not do, as a sentence. */
  readonly problem: (field: Field, text: string) => string | undefined;
  /** What it changes besides. */
  readonly next?: (draft: Draft, text: string) => Draft;
}

/** A step that takes one field of a key, checked while it is typed as the daemon will check it. */
export function textStep<Field extends string, Draft extends With<Field>>(field: Field, question: TextQuestion<Draft, Field>): Step<Draft> {
  const { prompt, placeholder, problem, mayBeEmpty = false, next = withField(field) } = question;
  return {
    ...neededBy(question),
    ask: (draft, place) =>
      askInput(place, {
        prompt,
        ...(placeholder === undefined ? {} : { placeholder }),
        value: draft[field],
        problem: (text) => (text.trim() === '' ? undefined : problem(field, text.trim())),
        isComplete: (text) => mayBeEmpty || text.trim() !== '',
        next: (text) => next(draft, text.trim()),
      }),
  };
}

export interface SecretQuestion<Draft> extends FieldQuestion<Draft> {
  /** Characters of the longest that there is. */
  readonly longest: number;
}

/** A step that takes a secret, hidden while it is typed. */
export function secretStep<Field extends string, Draft extends With<Field>>(field: Field, question: SecretQuestion<Draft>): Step<Draft> {
  const { prompt, longest, mayBeEmpty = false } = question;
  return {
    ...neededBy(question),
    ask: (draft, place) =>
      askInput(place, {
        prompt,
        value: draft[field],
        isSecret: true,
        problem: (text) => (text.trim() === '' ? undefined : keyProblem(text.trim(), longest)),
        isComplete: (text) => mayBeEmpty || text.trim() !== '',
        next: (text) => withField<Field, Draft>(field)(draft, text.trim()),
      }),
  };
}

/** A step that takes a file of this machine, which the daemon is going to read. */
export function fileStep<Field extends string, Draft extends With<Field>>(
  field: Field,
  question: FieldQuestion<Draft> & { readonly placeholder: string },
): Step<Draft> {
  const { prompt, placeholder, mayBeEmpty = false } = question;
  return {
    ...neededBy(question),
    ask: (draft, place) =>
      askFile(place, { prompt, placeholder, value: draft[field], mayBeEmpty, next: (file) => withField<Field, Draft>(field)(draft, file) }),
  };
}

function neededBy<Draft>({ isNeeded }: FieldQuestion<Draft>): Pick<Step<Draft>, 'isNeeded'> {
  return isNeeded === undefined ? {} : { isNeeded };
}

function withField<Field extends string, Draft extends With<Field>>(field: Field): (draft: Draft, text: string) => Draft {
  return (draft, text) => ({ ...draft, [field]: text });
}
