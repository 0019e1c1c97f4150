import * as vscode from 'vscode';
import { nameProblem } from '../../protocol/methods/values.ts';
import { askInput } from './quickInputs.ts';
import type { StepOutcome, StepPlace } from './steps.ts';

export interface NameQuestion<Values> {
  readonly prompt: string;
  readonly value: string;
  /** Names of others of the same kind. */
  readonly taken: readonly string[];
  readonly next: (name: string) => Values;
}

/** A step that takes a name as the daemon will take it. */
export async function askName<Values>(place: StepPlace, question: NameQuestion<Values>): Promise<StepOutcome<Values>> {
  return await askInput(place, {
    prompt: question.prompt,
    value: question.value,
    problem: (typed) => (typed === '' ? undefined : problemOf(typed.trim(), question.taken)),
    isComplete: (typed) => typed.trim() !== '',
    next: (typed) => question.next(typed.trim()),
  });
}

function problemOf(name: string, taken: readonly string[]): string | undefined {
  const problem = nameProblem(name);
  if (problem !== undefined) return `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`;
  return taken.includes(name) ? vscode.l10n.t('This name is taken already.') : undefined;
}
