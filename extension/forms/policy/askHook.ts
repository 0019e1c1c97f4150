import * as vscode from 'vscode';
import { secondsOf } from '../../../client/typedUnits.ts';
import { type Hook, hookTimeLimits } from '../../../protocol/methods/policies.ts';
import type { PolicyDraft } from '../policyDraft.ts';
import { askInput } from '../quickInputs.ts';
import { type StepOutcome, type StepPlace, subSteps } from '../steps.ts';
import { typedSeconds } from '../typedValues.ts';
import { commandProblem } from './askSources.ts';

/** A command and how long it may take; an empty command is none. */
export async function askHook(draft: PolicyDraft, place: StepPlace, field: 'before' | 'after'): Promise<StepOutcome<PolicyDraft>> {
  const initial: Hook = draft[field] ?? { command: '', timeLimit: hookTimeLimits.usual };
  const outcome = await subSteps<Hook>(
    place,
    [
      {
        ask: (hook, at) =>
          askInput(at, {
            prompt:
              field === 'before'
                ? vscode.l10n.t('Command before each backup, in the home folder. Where it fails nothing is backed up')
                : vscode.l10n.t('Command after each backup, in the home folder, whatever became of it'),
            placeholder: vscode.l10n.t('Empty for none'),
            value: hook.command,
            problem: commandProblem,
            next: (typed) => ({ ...hook, command: typed.trim() }),
          }),
      },
      {
        isNeeded: ({ command }) => command !== '',
        ask: (hook, at) =>
          askInput(at, {
            prompt: vscode.l10n.t('How long may it take? Then it is ended and counts as failed'),
            value: typedSeconds(hook.timeLimit),
            problem: (typed) => {
              const seconds = secondsOf(typed.trim());
              if (typed === '') return undefined;
              const fits = seconds !== undefined && seconds >= 1 && seconds <= hookTimeLimits.most;
              return fits ? undefined : vscode.l10n.t('A time such as 90s, 30m or 2h, a day at most.');
            },
            isComplete: (typed) => typed !== '',
            next: (typed) => ({ ...hook, timeLimit: secondsOf(typed.trim()) ?? hook.timeLimit }),
          }),
      },
    ],
    initial,
  );
  if (outcome.kind !== 'next') return { kind: outcome.kind };
  return { kind: 'next', values: { ...draft, [field]: outcome.values.command === '' ? null : outcome.values } };
}
