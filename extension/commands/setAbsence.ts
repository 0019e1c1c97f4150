import * as vscode from 'vscode';
import { immutabilityAbsence, immutabilityStatus } from '../../protocol/methods/immutability.ts';
import { ask } from '../connection/asking.ts';
import { absenceChoices } from '../forms/location/absence.ts';
import { daysText } from '../ui/daysText.ts';
import { askPick } from '../forms/quickInputs.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';

/** How long the daemon may be away before a lock can fall below its promise: for all locations, and at what cost. */
export async function setAbsence(services: Services): Promise<void> {
  if (!(await isReady(services))) return;
  const { daemon } = services;
  const { longestAbsenceDays, locations } = await daemon.call(immutabilityStatus, {});
  const title = vscode.l10n.t('Set Longest Absence…');
  const outcome = await askPick<number, number>(
    { title, step: undefined, of: undefined, canGoBack: false },
    {
      placeholder: vscode.l10n.t('How long can this machine be off, asleep or without a network?'),
      choices: absenceChoices(longestAbsenceDays, locations),
      current: longestAbsenceDays,
      next: (days) => days,
    },
  );
  if (outcome.kind !== 'next' || outcome.values === longestAbsenceDays) return;
  const saved = await ask(daemon, immutabilityAbsence, title, () => ({ days: outcome.values }));
  if (saved === undefined) return;
  tellQuietly(vscode.l10n.t('{0} without the daemon are reckoned with from now on', daysText(saved.longestAbsenceDays)));
}
