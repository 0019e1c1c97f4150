import * as vscode from 'vscode';
import { usualProtectionPeriod } from '../../../protocol/methods/locations.ts';
import { daysText } from '../../ui/daysText.ts';
import { askInput, askPick, type Choice } from '../quickInputs.ts';
import type { LockFacts } from './lockFacts.ts';
import type { Step, StepOutcome, StepPlace } from '../steps.ts';
import { daysOf, daysProblem, isLong, offeredDays, periodCost, periodHold, periodMeaning, type Protection } from './protection.ts';

/** The answers, beside what decides about the questions. */
export interface AskedProtection extends Protection {
  /** The credentials lie sealed in the catalog. */
  readonly isSealed: boolean;
}

/** What the questions need to know of the daemon. */
export interface ProtectionFacts extends LockFacts {
  /** Whether locks can be left out: not where they are switched on already. */
  readonly mayBeOff: boolean;
  /** Whether the mode is still to be chosen. */
  readonly asksMode: boolean;
}

/** The questions that switch immutability on, or change for how long. */
export function protectionSteps(facts: ProtectionFacts): readonly Step<AskedProtection>[] {
  const { asksMode, waitsForPassphrase } = facts;
  return [
    { ask: (protection, place) => askPeriod(protection, place, facts) },
    { isNeeded: ({ isOther }) => isOther, ask: (protection, place) => askOther(protection, place, facts) },
    { isNeeded: ({ days }) => isLong(days), ask: (protection, place) => warnOfLong(protection, place, facts) },
    { isNeeded: ({ days }) => days !== null && asksMode, ask: askMode },
    { isNeeded: ({ days, isSealed }) => days !== null && isSealed && waitsForPassphrase, ask: warnOfSealed },
  ];
}

type PeriodChoice = number | 'other' | 'off';

async function askPeriod(protection: AskedProtection, place: StepPlace, facts: ProtectionFacts): Promise<StepOutcome<AskedProtection>> {
  const { longestAbsenceDays, mayBeOff } = facts;
  const choices: readonly Choice<PeriodChoice>[] = [
    ...offeredDays.map(
      (days): Choice<PeriodChoice> => ({
        label: daysText(days),
        description: costOf(days, longestAbsenceDays),
        detail: periodMeaning(days),
        icon: 'lock',
        value: days,
      }),
    ),
    { label: vscode.l10n.t('Another time…'), icon: 'edit', value: 'other' },
    ...(mayBeOff
      ? [
          {
            label: vscode.l10n.t('Not immutable'),
            detail: vscode.l10n.t('Who has the credentials can delete restore points. It can be switched on later.'),
            icon: 'unlock',
            value: 'off' as const,
          },
        ]
      : []),
  ];
  const { days, isOther } = protection;
  return await askPick<AskedProtection, PeriodChoice>(place, {
    placeholder: vscode.l10n.t('How long can everything be got back, whatever an attacker does?'),
    choices,
    current: isOther || (days !== null && !offeredDays.includes(days)) ? 'other' : (days ?? 'off'),
    next: (chosen) => {
      if (chosen === 'off') return { ...protection, days: null, isOther: false };
      return chosen === 'other' ? { ...protection, isOther: true } : { ...protection, days: chosen, isOther: false };
    },
  });
}

function costOf(days: number, longestAbsenceDays: number): string {
  const cost = periodCost(days, longestAbsenceDays);
  return days === usualProtectionPeriod.default ? vscode.l10n.t('usual, {0}', cost) : cost;
}

async function askOther(protection: AskedProtection, place: StepPlace, facts: ProtectionFacts): Promise<StepOutcome<AskedProtection>> {
  const { longestAbsenceDays } = facts;
  return await askInput(place, {
    prompt: vscode.l10n.t('Days for which everything can be got back, whatever an attacker does with the credentials'),
    value: String(protection.days ?? usualProtectionPeriod.default),
    problem: daysProblem,
    hint: (text) => {
      const days = daysOf(text);
      if (days === undefined) return undefined;
      return `${periodMeaning(days)} ${vscode.l10n.t('It costs {0}.', periodCost(days, longestAbsenceDays))}`;
    },
    isComplete: (text) => daysOf(text) !== undefined,
    next: (text) => ({ ...protection, days: daysOf(text) ?? protection.days }),
  });
}

async function warnOfLong(protection: AskedProtection, place: StepPlace, facts: ProtectionFacts): Promise<StepOutcome<AskedProtection>> {
  const days = protection.days ?? 0;
  return await askPick(place, {
    placeholder: vscode.l10n.t('{0} are long. Go back to choose a shorter time.', daysText(days)),
    choices: [
      {
        label: vscode.l10n.t('Lock for {0}', daysText(days)),
        detail: periodHold(days, facts.longestAbsenceDays),
        icon: 'warning',
        value: protection,
      },
    ],
    next: (chosen) => chosen,
  });
}

async function askMode(protection: AskedProtection, place: StepPlace): Promise<StepOutcome<AskedProtection>> {
  return await askPick<AskedProtection, Protection['mode']>(place, {
    placeholder: vscode.l10n.t('Who can end a lock before its time?'),
    choices: [
      {
        label: vscode.l10n.t('Nobody'),
        description: vscode.l10n.t('compliance, usual'),
        detail: vscode.l10n.t('Not even who owns the account: only this is safe from stolen credentials of any kind.'),
        icon: 'lock',
        value: 'compliance',
      },
      {
        label: vscode.l10n.t('Who has the permission'),
        description: vscode.l10n.t('governance'),
        detail: vscode.l10n.t('s3:BypassGovernanceRetention removes locks. For trials: what is locked by mistake can be deleted.'),
        icon: 'unlock',
        value: 'governance',
      },
    ],
    current: protection.mode,
    next: (mode) => ({ ...protection, mode }),
  });
}

async function warnOfSealed(protection: AskedProtection, place: StepPlace): Promise<StepOutcome<AskedProtection>> {
  return await askPick(place, {
    placeholder: vscode.l10n.t('A locked daemon can not extend locks with sealed keys. Go back to choose others.'),
    choices: [
      {
        label: vscode.l10n.t('Use Sealed Keys All the Same'),
        detail: vscode.l10n.t('After a restart locks run out until somebody gives the passphrase; an alert says so at once.'),
        icon: 'warning',
        value: protection,
      },
    ],
    next: (chosen) => chosen,
  });
}
