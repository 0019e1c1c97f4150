import { randomInt } from 'node:crypto';
import * as vscode from 'vscode';
import { generatePassphrase } from '../../protocol/generatedPassphrase.ts';
import { leastCharacters, leastDifferent, passphraseProblem } from '../../protocol/passphraseRule.ts';
import { askInput, askPick, type Choice } from './quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from './steps.ts';

/** A new passphrase as a form asks for it. */
export interface NewPassphrase {
  readonly source: 'generated' | 'own';
  readonly passphrase: string;
}

export const noPassphrase: NewPassphrase = { source: 'generated', passphrase: '' };

/**
 * The steps that end with a passphrase: generated and shown once, before it is used, or typed twice. They belong at the end of a form: whoever was shown a
 * passphrase must not be asked anything behind it.
 */
export function passphraseSteps<Values extends NewPassphrase>(): readonly Step<Values>[] {
  return [{ ask: askSource }, ...knownSourceSteps<Values>()];
}

/** As `passphraseSteps`, where it was said already where the passphrase comes from. */
export function knownSourceSteps<Values extends NewPassphrase>(): readonly Step<Values>[] {
  return [
    {
      isNeeded: isOwn,
      ask: (values, place) =>
        askInput(place, {
          prompt: vscode.l10n.t('Passphrase'),
          isSecret: true,
          problem: (text) => {
            if (text === '') return undefined;
            return problemText(passphraseProblem(Buffer.from(text, 'utf8')));
          },
          isComplete: (text) => text !== '',
          next: (passphrase) => ({ ...values, passphrase }),
        }),
    },
    {
      isNeeded: isOwn,
      ask: (values, place) =>
        askInput(place, {
          prompt: vscode.l10n.t('The same passphrase again'),
          isSecret: true,
          problem: (text) => {
            const isBeginning = values.passphrase.startsWith(text);
            return isBeginning ? undefined : vscode.l10n.t('This is not the passphrase that you typed first.');
          },
          isComplete: (text) => text === values.passphrase,
          next: () => values,
        }),
    },
    { isNeeded: (values) => !isOwn(values), ask: showGenerated },
  ];
}

function problemText(problem: ReturnType<typeof passphraseProblem>): string | undefined {
  switch (problem) {
    case undefined:
      return undefined;
    case 'short':
      return vscode.l10n.t('At least {0} characters.', leastCharacters);
    case 'monotonous':
      return vscode.l10n.t('At least {0} different characters.', leastDifferent);
  }
}

function isOwn({ source }: NewPassphrase): boolean {
  return source === 'own';
}

function askSource<Values extends NewPassphrase>(values: Values, place: StepPlace): Promise<StepOutcome<Values>> {
  return askPick(place, {
    placeholder: vscode.l10n.t('A passphrase opens your backups. Where does it come from?'),
    choices: sourceChoices(),
    current: values.source,
    next: (source) => ({ ...values, ...passphraseFrom(source) }),
  });
}

/** Where a new passphrase can come from. */
export function sourceChoices(): readonly Choice<NewPassphrase['source']>[] {
  return [
    {
      label: vscode.l10n.t('Generate a passphrase'),
      detail: vscode.l10n.t('Seven words, shown once. Recommended: nobody guesses it.'),
      icon: 'sparkle',
      value: 'generated',
    },
    {
      label: vscode.l10n.t('Type my own'),
      detail: vscode.l10n.t('At least {0} characters that are used nowhere else.', leastCharacters),
      icon: 'edit',
      value: 'own',
    },
  ];
}

/** What a form begins with once that is said: a generated one is made now. */
export function passphraseFrom(source: NewPassphrase['source']): NewPassphrase {
  return { source, passphrase: source === 'generated' ? generatePassphrase((below) => randomInt(below)) : '' };
}

async function showGenerated<Values extends NewPassphrase>(values: Values, place: StepPlace): Promise<StepOutcome<Values>> {
  const copy = vscode.l10n.t('Copy and Continue');
  const kept = vscode.l10n.t('I Have Written It Down');
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t('{0}: write this passphrase down', place.title),
    {
      modal: true,
      detail: vscode.l10n.t(
        'Your passphrase, shown this once:\n\n{0}\n\nKeep it somewhere safe, away from this machine. Without it, nothing opens the backups.',
        values.passphrase,
      ),
    },
    copy,
    kept,
  );
  if (chosen === undefined) return { kind: 'back' };
  if (chosen === copy) await vscode.env.clipboard.writeText(values.passphrase);
  return { kind: 'next', values };
}
