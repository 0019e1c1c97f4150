import * as vscode from 'vscode';
import type { PolicyDraft } from '../policyDraft.ts';
import { askInput, askPick } from '../quickInputs.ts';
import { nextRunsWords, offeredSchedules, scheduleProblem, scheduleWords } from '../scheduleWords.ts';
import { type StepOutcome, type StepPlace, subSteps } from '../steps.ts';

interface Answers {
  readonly isTyped: boolean;
  readonly schedule: string | null;
}

/** A schedule by a sentence, or five fields of cron with the runs that come of them. */
export async function askSchedule(draft: PolicyDraft, place: StepPlace): Promise<StepOutcome<PolicyDraft>> {
  const outcome = await subSteps<Answers>(
    place,
    [
      { ask: pickSchedule },
      {
        isNeeded: ({ isTyped }) => isTyped,
        ask: (answers, at) =>
          askInput(at, {
            prompt: vscode.l10n.t('Minute, hour, day of the month, month, day of the week'),
            placeholder: '30 18 * * 1-5',
            value: answers.schedule ?? '',
            problem: (typed) => (typed === '' ? undefined : scheduleProblem(typed, new Date(), vscode.l10n)),
            hint: (typed) => {
              const now = new Date();
              if (scheduleProblem(typed, now, vscode.l10n) !== undefined) return undefined;
              const next = nextRunsWords(typed, now, vscode.l10n);
              return [capital(scheduleWords(typed.trim(), vscode.l10n)), ...(next === undefined ? [] : [next])].join('. ');
            },
            isComplete: (typed) => typed.trim() !== '',
            next: (typed) => ({ ...answers, schedule: typed.trim() }),
          }),
      },
    ],
    { isTyped: !offeredSchedules.includes(draft.schedule), schedule: draft.schedule },
  );
  if (outcome.kind !== 'next') return { kind: outcome.kind };
  return { kind: 'next', values: { ...draft, schedule: outcome.values.schedule } };
}

async function pickSchedule(answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  const now = new Date();
  return await askPick<Answers, string | null | undefined>(place, {
    placeholder: vscode.l10n.t('How often is it backed up?'),
    choices: [
      ...offeredSchedules.map((schedule) => {
        const next = schedule === null ? undefined : nextRunsWords(schedule, now, vscode.l10n);
        return {
          label: capital(scheduleWords(schedule, vscode.l10n)),
          ...(next === undefined ? {} : { detail: next }),
          icon: schedule === null ? 'circle-slash' : 'clock',
          value: schedule,
        };
      }),
      { label: vscode.l10n.t('Another schedule…'), description: vscode.l10n.t('as in cron'), icon: 'edit', value: undefined },
    ],
    ...(answers.isTyped ? {} : { current: answers.schedule }),
    next: (schedule) => (schedule === undefined ? { ...answers, isTyped: true } : { isTyped: false, schedule }),
  });
}

/** A clause as it begins a sentence. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
