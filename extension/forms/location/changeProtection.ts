import * as vscode from 'vscode';
import { type Location, locationEdit, type LocationSaved } from '../../../protocol/methods/locations.ts';
import { ask } from '../../connection/asking.ts';
import type { Services } from '../../services.ts';
import { daysText } from '../../ui/daysText.ts';
import { plainText } from '../../ui/plainText.ts';
import { tellQuietly } from '../../ui/tellQuietly.ts';
import { askPick } from '../quickInputs.ts';
import { twoLines } from '../sentences.ts';
import { runSteps, type StepOutcome, type StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { checkChoices, verdictOf } from './checkChoices.ts';
import { readLockFacts } from './lockFacts.ts';
import { offeredDays, periodCost, periodHold, periodMeaning, type Protection, usualProtection } from './protection.ts';
import { type AskedProtection, protectionSteps } from './protectionSteps.ts';

/** Asks for how long a location is protected from now on, and changes it. Switches immutability on where it is off. */
export async function askNewProtection(services: Services, location: Location): Promise<void> {
  const { name, protectionPeriodDays: before, lockMode, s3 } = location;
  const locks = await whileUnlocked(services, async () => await readLockFacts(services.daemon));
  const isOff = before === null;
  const initial: AskedProtection = { ...protectionOf(location), isSealed: isOff && s3?.credentials.source === 'sealed' };
  const title = vscode.l10n.t('Protection Period of {0}', plainText(name));
  const steps = [
    ...protectionSteps({ ...locks, mayBeOff: false, asksMode: isOff }),
    { ask: (asked: AskedProtection, place: StepPlace) => askToChange(asked, before, place, locks.longestAbsenceDays) },
  ];
  const asked = await runSteps(title, steps, initial);
  if (asked === undefined || asked.days === null || (asked.days === before && asked.mode === lockMode)) return;
  const { days, mode } = asked;
  const saved = await vscode.window.withProgress(
    { location: { viewId: 'holdfast.locations' } },
    async () =>
      await ask(services.daemon, locationEdit, title, () => ({
        location: location.locationId,
        protectionPeriodDays: days,
        ...(isOff ? { lockMode: mode } : {}),
      })),
  );
  if (saved !== undefined) await tellSaved(saved, name, days);
}

function protectionOf({ protectionPeriodDays, lockMode }: Location): Protection {
  if (protectionPeriodDays === null) return usualProtection;
  return { days: protectionPeriodDays, isOther: !offeredDays.includes(protectionPeriodDays), mode: lockMode ?? usualProtection.mode };
}

async function askToChange(
  asked: AskedProtection,
  before: number | null,
  place: StepPlace,
  longestAbsenceDays: number,
): Promise<StepOutcome<AskedProtection>> {
  const days = asked.days ?? 0;
  for (;;) {
    const outcome = await askPick<boolean, boolean>(place, {
      placeholder: vscode.l10n.t('Is this right? Go back to change it.'),
      choices: [
        { label: vscode.l10n.t('Protect for {0}', daysText(days)), icon: 'check', value: true },
        { ...twoLines(changeText(days, before)), icon: 'info', value: false },
        { ...twoLines(periodMeaning(days)), icon: 'info', value: false },
        { ...twoLines(periodHold(days, longestAbsenceDays)), icon: 'info', value: false },
        { label: vscode.l10n.t('Cost'), description: periodCost(days, longestAbsenceDays), value: false },
      ],
      next: (isAct) => isAct,
    });
    if (outcome.kind !== 'next') return { kind: outcome.kind };
    if (outcome.values) return { kind: 'next', values: asked };
  }
}

/** What becomes of the locks that are there. */
export function changeText(days: number, before: number | null): string {
  if (before === null) return vscode.l10n.t('What is stored there already is locked too. It can not be switched off again.');
  if (days > before) {
    return vscode.l10n.t('What is promised today, {0}, holds until everything is locked for {1}.', daysText(before), daysText(days));
  }
  if (days < before) return vscode.l10n.t('Locks that are there run out as they are; only new ones are shorter.');
  return vscode.l10n.t('It stays as it is.');
}

async function tellSaved({ location, checks }: LocationSaved, name: string, days: number): Promise<void> {
  if (location !== null) {
    tellQuietly(vscode.l10n.t('{0} is protected for {1}', name, daysText(days)));
    return;
  }
  await askPick<undefined, undefined>(
    { title: vscode.l10n.t('Location {0}: {1}', plainText(name), verdictOf(checks)), step: undefined, of: undefined, canGoBack: false },
    {
      placeholder: vscode.l10n.t('Nothing was changed. What was looked at:'),
      choices: checkChoices(checks, undefined),
      next: () => undefined,
    },
  );
}
