import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { RestoreDocument } from '../../../protocol/methods/restores.ts';
import { confirmed } from '../../ui/confirm.ts';
import { plainText } from '../../ui/plainText.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import { problemChoices } from '../sentences.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import type { DryRuns } from './dryRuns.ts';
import { amountWords, confirmationOf, type RestorePlan, whereWords } from './restorePlan.ts';

type Answer = 'begin' | 'again' | 'note';

/** What would be restored, by a run that writes nothing, and then the user's word. */
export async function askToBegin(plan: RestorePlan, place: StepPlace, dryRuns: DryRuns): Promise<StepOutcome<RestorePlan>> {
  for (;;) {
    const dry = await dryRuns.of(plan);
    if (dry === 'cancelled') return { kind: 'back' };
    const outcome = await askPick<Answer, Answer>(place, {
      placeholder:
        dry instanceof HoldfastError
          ? vscode.l10n.t('This cannot be restored. Go back to change it.')
          : vscode.l10n.t('Look it over; nothing has been written yet'),
      choices:
        dry instanceof HoldfastError
          ? [...problemChoices<Answer>(dry, 'error', 'note'), { label: vscode.l10n.t('Look Again'), icon: 'refresh', value: 'again' }]
          : summaryChoices(plan, dry),
      next: (answer) => answer,
    });
    if (outcome.kind !== 'next') return { kind: outcome.kind };
    if (outcome.values === 'again') dryRuns.forget();
    if (outcome.values !== 'begin' || dry instanceof HoldfastError) continue;
    const question = confirmationOf(plan, dry, vscode.l10n);
    if (question === undefined || (await confirmed({ ...question, question: plainText(question.question) }))) {
      return { kind: 'next', values: plan };
    }
  }
}

function summaryChoices(plan: RestorePlan, dry: RestoreDocument): readonly Choice<Answer>[] {
  const group = vscode.l10n.t('What will not come back as it was');
  const notes = [
    ...dry.damaged.map(({ path: file, reason }): Choice<Answer> => ({ label: file, detail: reason, icon: 'error', group, value: 'note' })),
    ...dry.skipped.map(({ path: file, reason }): Choice<Answer> => ({ label: file, detail: reason, icon: 'info', group, value: 'note' })),
  ];
  const rest = dry.damagedCount + dry.skippedCount - notes.length;
  return [
    {
      label: vscode.l10n.t('Restore {0}', amountWords(dry)),
      icon: 'history',
      value: 'begin',
    },
    {
      label: vscode.l10n.t('What'),
      description: plan.paths.length === 0 ? vscode.l10n.t('everything') : plan.paths.join(', '),
      icon: 'files',
      value: 'note',
    },
    { label: vscode.l10n.t('As of'), description: plan.made, icon: 'clock', value: 'note' },
    { label: vscode.l10n.t('Where'), description: whereWords(plan, vscode.l10n), icon: 'folder', value: 'note' },
    { label: vscode.l10n.t('Look Again'), description: vscode.l10n.t('what would be written'), icon: 'refresh', value: 'again' },
    ...notes,
    ...(rest > 0 ? [{ label: vscode.l10n.t('and {0} more', rest), group, value: 'note' } satisfies Choice<Answer>] : []),
  ];
}
