import { l10n } from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { duration, number } from '../../client/shown/units.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { auditDocument, lockProofDocument, refreshDocument, type TamperFinding } from '../../protocol/methods/immutability.ts';
import type { LockVerdict } from '../../protocol/methods/locations.ts';
import { fullTime } from '../ui/shownTime.ts';
import type { Section } from './reportSection.ts';

/** What actions on locks did, for their report; nothing for other actions. */
export function immutabilityNumbers(result: ActionWithResult['result']): readonly (readonly [string, string])[] {
  const refreshed = refreshDocument.safeParse(result);
  if (refreshed.success) {
    return [
      [l10n.t('Locks extended'), number(refreshed.data.extended)],
      [l10n.t('Took'), duration(refreshed.data.seconds)],
    ];
  }
  const audited = auditDocument.safeParse(result);
  if (audited.success) {
    const { versions, findingsCount, tamperedSince, seconds } = audited.data;
    return [
      [l10n.t('Versions'), number(versions)],
      [l10n.t('Findings'), number(findingsCount)],
      ...(tamperedSince === null ? [] : [[l10n.t('Tampered since'), fullTime(tamperedSince)] as const]),
      [l10n.t('Took'), duration(seconds)],
    ];
  }
  const proved = lockProofDocument.safeParse(result);
  if (!proved.success) return [];
  const { verdict, at, reason } = proved.data;
  return [
    [l10n.t('Verdict'), verdictText(verdict)],
    [l10n.t('At'), fullTime(at)],
    ...(reason === null ? [] : [[l10n.t('Reason'), escaped(reason)] as const]),
  ];
}

export function immutabilitySections(result: ActionWithResult['result']): readonly Section[] {
  const refreshed = refreshDocument.safeParse(result);
  if (refreshed.success) {
    return refreshed.data.locations.flatMap(({ location, missing, refused, error }) => [
      section(l10n.t('{0}: not in the store any more', escaped(location)), missing.map(escaped)),
      section(l10n.t('{0}: lock not extended', escaped(location)), refused.map(escaped)),
      section(l10n.t('{0}: failed', escaped(location)), error === null ? [] : [escaped(error)]),
    ]);
  }
  const audited = auditDocument.safeParse(result);
  if (audited.success) {
    const { findings, findingsCount } = audited.data;
    return [{ title: l10n.t('Findings'), lines: findings.flatMap(findingLines), total: findingsCount === 0 ? 0 : 1 }];
  }
  const proved = lockProofDocument.safeParse(result);
  if (!proved.success) return [];
  const lines = proved.data.attempts.map(({ attempt, expected, got }) =>
    expected === got
      ? `${escaped(attempt)}: ${escaped(got)}`
      : l10n.t('{0}: {1}, and should have been {2}', escaped(attempt), escaped(got), escaped(expected)),
  );
  return [section(l10n.t('What was tried'), lines)];
}

/** Verdicts as people say them: `immutable` is in none, since that is the location's to say. */
export function verdictText(verdict: LockVerdict): string {
  switch (verdict) {
    case 'enforced':
      return l10n.t('proved');
    case 'bypassable':
      return l10n.t('bypassable');
    case 'notEnforced':
      return l10n.t('not enforced');
    case 'inconclusive':
      return l10n.t('not proved');
  }
}

function findingLines({ kind, key, versionId, firstSeen, storeTime, detail, location }: TamperFinding): readonly string[] {
  return [
    `${escaped(location)}: ${findingText(kind)}: ${escaped(key)}`,
    `  ${escaped(detail)}`,
    `  ${[
      ...(storeTime === null ? [] : [l10n.t('happened {0}', fullTime(storeTime))]),
      l10n.t('first seen {0}', fullTime(firstSeen)),
      ...(versionId === null ? [] : [l10n.t('version {0}', escaped(versionId))]),
    ].join(' · ')}`,
  ];
}

/** Kinds of a newer daemon are called by their own word. */
function findingText(kind: string): string {
  switch (kind) {
    case 'deleteMarker':
      return l10n.t('a delete marker');
    case 'foreignVersion':
      return l10n.t('a version that Holdfast did not write');
    case 'missingVersion':
      return l10n.t('a version is gone');
    case 'differentSize':
      return l10n.t('another size');
    case 'unknownObject':
      return l10n.t('an object that Holdfast does not know');
    case 'missingLock':
      return l10n.t('no lock');
    case 'shortenedLock':
      return l10n.t('a lock that was shortened');
    case 'prolongedLock':
      return l10n.t('a lock that is much too long');
    default:
      return escaped(kind);
  }
}

function section(title: string, lines: readonly string[]): Section {
  return { title, lines, total: lines.length };
}
