import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import { type Retention, retentionMost } from '../../../protocol/methods/policies.ts';
import { retentionUnits, usualRetention } from '../../../protocol/methods/retention.ts';
import type { PolicyDraft } from '../policyDraft.ts';
import { askInput, askPick } from '../quickInputs.ts';
import { retentionWords, unitQuestion } from '../retentionWords.ts';
import { type StepOutcome, type StepPlace, subSteps } from '../steps.ts';
import { wholeNumberOf } from '../typedValues.ts';
import { capital } from './askSchedule.ts';

type Choice = 'usual' | 'all' | 'own';

interface Answers {
  readonly choice: Choice;
  readonly keep: Retention;
}

/** The usual rules, everything, or a number for each unit. */
export async function askKeep(draft: PolicyDraft, place: StepPlace): Promise<StepOutcome<PolicyDraft>> {
  const initial: Answers = { choice: choiceOf(draft.keep), keep: draft.keep ?? usualRetention };
  const outcome = await subSteps<Answers>(
    place,
    [
      { ask: pickRules },
      ...retentionUnits.map((unit) => ({
        isNeeded: ({ choice }: Answers) => choice === 'own',
        ask: (answers: Answers, at: StepPlace) =>
          askInput(at, {
            prompt: unitQuestion(unit, vscode.l10n),
            value: String(answers.keep[unit]),
            problem: (typed) =>
              typed !== '' && wholeNumberOf(typed, retentionMost) === undefined
                ? vscode.l10n.t('A whole number from 0 to {0}.', retentionMost)
                : undefined,
            isComplete: (typed) => typed !== '',
            next: (typed) => ({ ...answers, keep: { ...answers.keep, [unit]: wholeNumberOf(typed, retentionMost) ?? answers.keep[unit] } }),
          }),
      })),
    ],
    initial,
  );
  if (outcome.kind !== 'next') return { kind: outcome.kind };
  const { choice, keep } = outcome.values;
  return { kind: 'next', values: { ...draft, keep: choice === 'all' ? null : choice === 'usual' ? usualRetention : keep } };
}

function choiceOf(keep: Retention | null): Choice {
  if (keep === null) return 'all';
  return isDeepStrictEqual(keep, usualRetention) ? 'usual' : 'own';
}

async function pickRules(answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  return await askPick<Answers, Choice>(place, {
    placeholder: vscode.l10n.t('Which restore points stay? The others are retired after each backup; the newest always stays.'),
    choices: [
      {
        label: vscode.l10n.t('The usual ones'),
        detail: capital(retentionWords(usualRetention, vscode.l10n)),
        icon: 'history',
        value: 'usual',
      },
      {
        label: vscode.l10n.t('All of them'),
        detail: vscode.l10n.t('Nothing is retired by itself; the location fills up in time.'),
        icon: 'archive',
        value: 'all',
      },
      {
        label: vscode.l10n.t('A number of each…'),
        ...(answers.choice === 'own' ? { detail: capital(retentionWords(answers.keep, vscode.l10n)) } : {}),
        icon: 'edit',
        value: 'own',
      },
    ],
    current: answers.choice,
    next: (choice) => ({ ...answers, choice }),
  });
}
