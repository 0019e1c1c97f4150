import { counted, size } from '../../../client/shown/units.ts';
import type { Conflict, RestoreDocument } from '../../../protocol/methods/restores.ts';
import type { Words } from '../words.ts';

/** What a restore form knows so far. */
export interface RestorePlan {
  readonly policyId: string | undefined;
  readonly restorePointId: string;
  /** When the restore point was made, as people read it. */
  readonly made: string;
  /** Paths in the restore point; all of it where empty. */
  readonly paths: readonly string[];
  readonly isChosen: boolean;
  readonly where: 'folder' | 'inPlace';
  readonly folder: string;
  /** Whether something is in the folder already. */
  readonly isFilled: boolean;
  readonly conflict: Conflict;
}

/** Whether the user has to say what becomes of what is there: of an empty folder nothing does. */
export function asksConflict({ where, isFilled }: RestorePlan): boolean {
  return where === 'inPlace' || isFilled;
}

/** What the daemon is told. */
export function conflictOf(plan: RestorePlan): Conflict {
  return asksConflict(plan) ? plan.conflict : 'refuse';
}

export interface ConflictChoice {
  readonly value: Conflict;
  readonly label: string;
  /** What is lost by it. */
  readonly detail: string;
}

/** From the one that loses nothing to the one that loses most. */
export function conflictChoices(l10n: Words): readonly ConflictChoice[] {
  return [
    {
      value: 'skip',
      label: l10n.t('Leave it'),
      detail: l10n.t('Only what is missing comes back. Nothing that is there changes; nothing is lost.'),
    },
    {
      value: 'rename',
      label: l10n.t('Put the restored one beside it'),
      detail: l10n.t('What comes back gets a new name where its own is taken. Nothing is lost.'),
    },
    {
      value: 'overwrite',
      label: l10n.t('Replace it'),
      detail: l10n.t('What is there under the same name is lost, unless a restore point has it.'),
    },
  ];
}

/** Where it goes, in a sentence. */
export function whereWords({ where, folder }: RestorePlan, l10n: Words): string {
  return where === 'inPlace' ? l10n.t('to where it came from') : l10n.t('to {0}', folder);
}

/** What a dry run found: `3 files, 12.0 KiB`. */
export function amountWords({ files, bytes }: Pick<RestoreDocument, 'files' | 'bytes'>): string {
  return `${counted(files, 'file')}, ${size(bytes)}`;
}

/** The question before what changes files that are there or could be; `undefined` where nothing of the user's is touched. */
export function confirmationOf(
  plan: RestorePlan,
  dry: Pick<RestoreDocument, 'files' | 'bytes'>,
  l10n: Words,
): { readonly question: string; readonly detail: string; readonly act: string } | undefined {
  const replaces = conflictOf(plan) === 'overwrite';
  if (plan.where !== 'inPlace' && !replaces) return undefined;
  const question = l10n.t('Restore {0} {1}?', amountWords(dry), whereWords(plan, l10n));
  if (replaces) {
    return {
      question,
      detail: l10n.t(
        'What is there now under the same names is replaced by what it was at {0}. It is lost, unless a restore point has it: a backup beforehand makes one.',
        plan.made,
      ),
      act: l10n.t('Restore and Replace'),
    };
  }
  const detail =
    plan.conflict === 'skip'
      ? l10n.t('Files that are missing come back among those of today. Nothing that is there changes.')
      : l10n.t('Files come back among those of today, with a new name where theirs is taken. Nothing that is there changes.');
  return { question, detail, act: l10n.t('Restore') };
}

/** Adds a path, or takes it away; a folder takes the place of what is in it. */
export function toggled(paths: readonly string[], path: string): readonly string[] {
  if (paths.includes(path)) return paths.filter((one) => one !== path);
  return [...paths.filter((one) => !isBelow(one, path)), path];
}

/** Whether a path is taken, itself or by a folder above it. */
export function isTaken(paths: readonly string[], path: string): boolean {
  return paths.some((one) => one === path || isBelow(path, one));
}

function isBelow(inner: string, outer: string): boolean {
  return inner.startsWith(`${outer}/`);
}

/** The folder that a path lies in; `''` is the top. */
export function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}
