import { l10n } from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { besideCommands, linesSaid } from '../../client/shown/saidByCommands.ts';
import { duration, number, size } from '../../client/shown/units.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { type BackupDocument, backupDocument, type ProcessReport } from '../../protocol/methods/backups.ts';
import { garbageDocument } from '../../protocol/methods/garbage.ts';
import { verifyDocument } from '../../protocol/methods/restorePoints.ts';
import { restoreDocument } from '../../protocol/methods/restores.ts';
import type { Finding } from '../../protocol/methods/values.ts';
import { fullTime } from '../ui/shownTime.ts';
import { immutabilityNumbers, immutabilitySections } from './immutabilityReport.ts';
import { actionTitle } from './outcomeText.ts';
import type { Section } from './reportSection.ts';

/** All findings of an action's two lists, as far as they were fetched. */
export interface Findings {
  readonly skipped: readonly Finding[];
  readonly damaged: readonly Finding[];
}

/** The report of an action that has ended, as lines to read: what it did, and everything that needs a look. */
export function reportText(action: ActionWithResult, findings: Findings): string {
  const facts: readonly (readonly [string, string])[] = [
    [l10n.t('Outcome'), outcomeWord(action)],
    ...(action.startedAt === null ? [] : [[l10n.t('Started'), fullTime(action.startedAt)] as const]),
    ...(action.finishedAt === null ? [] : [[l10n.t('Finished'), fullTime(action.finishedAt)] as const]),
    ...numbersOf(action),
    [l10n.t('Action'), action.actionId],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    actionTitle(action.kind, action.subject),
    '',
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...(action.error === null
      ? []
      : ['', escaped(action.error.message), ...(action.error.fix === null ? [] : [escaped(action.error.fix)])]),
    ...sectionsOf(action, findings).flatMap(linesOf),
    '',
  ].join('\n');
}

function outcomeWord({ state, error }: ActionWithResult): string {
  switch (state) {
    case 'queued':
    case 'running':
      return l10n.t('under way');
    case 'complete':
      return l10n.t('complete');
    case 'completeWithWarnings':
      return l10n.t('complete, with warnings');
    case 'failed':
      if (error?.code === 'tampered') return l10n.t('somebody tampered');
      return error?.code === 'damaged' ? l10n.t('something is damaged') : l10n.t('failed');
    case 'cancelled':
      return l10n.t('cancelled');
  }
}

function numbersOf({ result }: ActionWithResult): readonly (readonly [string, string])[] {
  const backup = backupDocument.safeParse(result);
  const restored = restoreDocument.safeParse(result);
  const verified = verifyDocument.safeParse(result);
  if (verified.success) {
    return [
      [l10n.t('Objects checked'), number(verified.data.checkedObjects)],
      [l10n.t('Bytes checked'), size(verified.data.checkedBytes)],
    ];
  }
  const collected = garbageDocument.safeParse(result);
  if (collected.success) {
    return [
      [l10n.t('Freed'), size(collected.data.freedBytes)],
      [l10n.t('In use in part'), size(collected.data.partlyUsedBytes)],
    ];
  }
  const document = backup.success ? backup.data : restored.success ? restored.data : undefined;
  if (document === undefined) return immutabilityNumbers(result);
  return [
    [l10n.t('Files'), number(document.files)],
    [l10n.t('Size'), size(document.bytes)],
    ...('addedBytes' in document ? [[l10n.t('Added'), size(document.addedBytes)] as const] : []),
    [l10n.t('Took'), duration(document.seconds)],
  ];
}

function sectionsOf({ result }: ActionWithResult, { skipped, damaged }: Findings): readonly Section[] {
  const backup = backupDocument.safeParse(result);
  const restored = restoreDocument.safeParse(result);
  const verified = verifyDocument.safeParse(result);
  if (backup.success) {
    const { data } = backup;
    const others = besideCommands(skipped, data.commands);
    return [
      ...processSections(data),
      sentences(l10n.t('Warnings'), data.warnings, data.warningsCount),
      findingSection(l10n.t('Not in the restore point'), others, data.skippedCount - (skipped.length - others.length)),
    ];
  }
  if (restored.success) {
    const { data } = restored;
    return [
      findingSection(l10n.t('Damaged'), damaged, data.damagedCount),
      sentences(l10n.t('Warnings'), data.warnings, data.warningsCount),
      findingSection(l10n.t('Not restored'), skipped, data.skippedCount),
    ];
  }
  if (verified.success) {
    const { data } = verified;
    return [findingSection(l10n.t('Damaged'), damaged, data.damagedCount), sentences(l10n.t('Notes'), data.notes, data.notes.length)];
  }
  const collected = garbageDocument.safeParse(result);
  if (collected.success) {
    const { stopped, waiting } = collected.data;
    return [
      textSection(
        l10n.t('Policies of which not all was collected'),
        stopped.map(({ policy, reason }) => `${escaped(policy)}: ${escaped(reason)}`),
      ),
      textSection(
        l10n.t('Goes with a later collection'),
        waiting.map(({ until, bytes }) => l10n.t('{0} from {1}', size(bytes), fullTime(until))),
      ),
    ];
  }
  return immutabilitySections(result);
}

function textSection(title: string, lines: readonly string[]): Section {
  return { title, lines, total: lines.length };
}

function processSections({ commands, hooks }: BackupDocument): readonly Section[] {
  const ran = [
    ...(hooks.before === null ? [] : [{ title: l10n.t('Hook before the run'), report: hooks.before }]),
    ...commands.map((report) => ({ title: l10n.t('Command {0}', escaped(report.name)), report })),
    ...(hooks.after === null ? [] : [{ title: l10n.t('Hook after the run'), report: hooks.after }]),
  ];
  return ran.map(({ title, report }) => {
    return { title, lines: processLines(report) };
  });
}

function processLines({ exitStatus, signal, seconds, problem, standardError }: ProcessReport): readonly string[] {
  const end = signal === null ? l10n.t('exit status {0}', exitStatus ?? '-') : l10n.t('ended by {0}', signal);
  return [
    `${end}, ${duration(seconds)}`,
    ...(problem === null ? [] : [l10n.t('Failed: {0}', escaped(problem))]),
    ...linesSaid(standardError).map((line) => `> ${line}`),
  ];
}

function sentences(title: string, texts: readonly string[], total: number): Section {
  return { title, lines: texts.map(escaped), total };
}

function findingSection(title: string, findings: readonly Finding[], total: number): Section {
  return { title, lines: findings.map(({ path, reason }) => `${escaped(path)}: ${escaped(reason)}`), total };
}

function linesOf({ title, lines, total = lines.length === 0 ? 0 : 1 }: Section): readonly string[] {
  if (total === 0) return [];
  const rest = total - lines.length;
  return [
    '',
    total === 1 ? title : `${title} (${number(total)})`,
    ...lines.map((line) => `  ${line}`),
    ...(rest > 0 ? [`  ${l10n.t('and {0} more', number(rest))}`] : []),
  ];
}
