import * as vscode from 'vscode';
import { size } from '../../../client/shown/units.ts';
import { bytesOf } from '../../../client/typedUnits.ts';
import type { PolicyDraft } from '../policyDraft.ts';
import { askInput, askPick } from '../quickInputs.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import { typedBytes } from '../typedValues.ts';

/** A number of bytes, or none. */
async function askBytes(
  place: StepPlace,
  question: {
    readonly prompt: string;
    readonly value: number | null;
    readonly least: number;
    readonly next: (bytes: number | null) => PolicyDraft;
  },
): Promise<StepOutcome<PolicyDraft>> {
  return await askInput(place, {
    prompt: question.prompt,
    placeholder: vscode.l10n.t('500 MiB; empty for no limit'),
    value: question.value === null ? '' : typedBytes(question.value),
    problem: (typed) => {
      if (typed.trim() === '') return undefined;
      const bytes = bytesOf(typed.trim());
      if (bytes === undefined) return vscode.l10n.t('A size such as 1048576 or 500 MiB.');
      return bytes < question.least ? vscode.l10n.t('At least {0}.', size(question.least)) : undefined;
    },
    hint: (typed) => {
      const bytes = bytesOf(typed.trim());
      return bytes === undefined ? undefined : `${question.prompt}: ${size(bytes)}`;
    },
    next: (typed) => question.next(typed.trim() === '' ? null : (bytesOf(typed.trim()) ?? null)),
  });
}

export async function askMaxFileSize(draft: PolicyDraft, place: StepPlace): Promise<StepOutcome<PolicyDraft>> {
  return await askBytes(place, {
    prompt: vscode.l10n.t('Larger files are left out'),
    value: draft.maxFileSize,
    least: 0,
    next: (maxFileSize) => ({ ...draft, maxFileSize }),
  });
}

export async function askReadLimit(draft: PolicyDraft, place: StepPlace): Promise<StepOutcome<PolicyDraft>> {
  return await askBytes(place, {
    prompt: vscode.l10n.t('Bytes a second that are read from the sources at most'),
    value: draft.readLimit,
    least: 1,
    next: (readLimit) => ({ ...draft, readLimit }),
  });
}

type Switch = 'oneFileSystem' | 'includeCaches' | 'lowPriority';

/** Two sentences, one of which holds. */
export async function askSwitch(draft: PolicyDraft, place: StepPlace, field: Switch): Promise<StepOutcome<PolicyDraft>> {
  const { question, off, on } = switchWords(field);
  return await askPick(place, {
    placeholder: question,
    choices: [
      { label: off, value: false },
      { label: on, value: true },
    ],
    current: draft[field],
    next: (value) => ({ ...draft, [field]: value }),
  });
}

export function switchWords(field: Switch): { readonly question: string; readonly off: string; readonly on: string } {
  switch (field) {
    case 'oneFileSystem':
      return {
        question: vscode.l10n.t('What of other file systems that are mounted below a source?'),
        off: vscode.l10n.t('backed up too'),
        on: vscode.l10n.t('left out'),
      };
    case 'includeCaches':
      return {
        question: vscode.l10n.t('What of folders that a CACHEDIR.TAG marks as caches?'),
        off: vscode.l10n.t('left out'),
        on: vscode.l10n.t('backed up too'),
      };
    case 'lowPriority':
      return {
        question: vscode.l10n.t('How much of the processor and the disk does a backup take?'),
        off: vscode.l10n.t('as any other program'),
        on: vscode.l10n.t('only what others leave'),
      };
  }
}
