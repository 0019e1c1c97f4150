import { keyProblem } from '../../location/bucketDraft.ts';
import { askInput } from '../../quickInputs.ts';
import type { StepOutcome, StepPlace } from '../../steps.ts';

export interface FieldQuestion<Values> {
  readonly prompt: string;
  readonly placeholder?: string;
  readonly value: string;
  /** Why a text will not do, as a sentence. */
  readonly problem: (text: string) => string | undefined;
  readonly mayBeEmpty?: boolean;
  readonly next: (text: string) => Values;
}

/** A step that takes one field of a key, checked while it is typed as the daemon will check it. */
export async function askField<Values>(place: StepPlace, question: FieldQuestion<Values>): Promise<StepOutcome<Values>> {
  const { prompt, placeholder, value, problem, mayBeEmpty = false, next } = question;
  return await askInput(place, {
    prompt,
    ...(placeholder === undefined ? {} : { placeholder }),
    value,
    problem: (text) => (text.trim() === '' ? undefined : problem(text.trim())),
    isComplete: (text) => mayBeEmpty || text.trim() !== '',
    next: (text) => next(text.trim()),
  });
}

export interface CredentialQuestion<Values> {
  readonly prompt: string;
  readonly value: string;
  /** Characters of the longest that there is. */
  readonly longest: number;
  readonly mayBeEmpty?: boolean;
  readonly next: (text: string) => Values;
}

/** A step that takes a secret, hidden while it is typed. */
export async function askCredential<Values>(place: StepPlace, question: CredentialQuestion<Values>): Promise<StepOutcome<Values>> {
  const { prompt, value, longest, mayBeEmpty = false, next } = question;
  return await askInput(place, {
    prompt,
    value,
    isSecret: true,
    problem: (text) => (text.trim() === '' ? undefined : keyProblem(text.trim(), longest)),
    isComplete: (text) => mayBeEmpty || text.trim() !== '',
    next: (text) => next(text.trim()),
  });
}
