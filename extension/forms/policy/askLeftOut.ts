import * as vscode from 'vscode';
import type { PolicyDraft } from '../policyDraft.ts';
import { askMany, askPick } from '../quickInputs.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';

/** What many folders hold that can be made again. */
const proposals = ['node_modules', '.cache', 'dist', 'target', '.venv', '__pycache__', '*.tmp', '*.log'];

const longestPattern = 4096;

/** Patterns by the syntax of `.gitignore`: those there are, proposals, and what is typed. */
export async function askExclude(draft: PolicyDraft, place: StepPlace): Promise<StepOutcome<PolicyDraft>> {
  const more = proposals.filter((pattern) => !draft.exclude.includes(pattern));
  return await askMany(place, {
    placeholder: vscode.l10n.t('What is left out? Choose, or type patterns as in .gitignore'),
    choices: [...draft.exclude, ...more].map((pattern) => ({ label: pattern, value: pattern })),
    chosen: draft.exclude,
    problem: (typed) => {
      if (typed.trim() === '') return vscode.l10n.t('A pattern has more than spaces.');
      return typed.length > longestPattern ? vscode.l10n.t('A pattern has at most {0} characters.', longestPattern) : undefined;
    },
    next: (exclude) => ({ ...draft, exclude }),
  });
}

export async function askGitignore(draft: PolicyDraft, place: StepPlace): Promise<StepOutcome<PolicyDraft>> {
  return await askPick(place, {
    placeholder: vscode.l10n.t('Is what .gitignore files name left out?'),
    choices: [
      {
        label: vscode.l10n.t('Back everything up'),
        detail: vscode.l10n.t('Secrets, databases and results that are kept out of the repository are often what nobody else has.'),
        icon: 'files',
        value: false,
      },
      {
        label: vscode.l10n.t('Leave out what .gitignore files name'),
        detail: vscode.l10n.t('Smaller and faster; what they name cannot be restored.'),
        icon: 'exclude',
        value: true,
      },
    ],
    current: draft.gitignore,
    next: (gitignore) => ({ ...draft, gitignore }),
  });
}
