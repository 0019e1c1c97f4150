import type { CoverageProblem } from '../../../protocol/methods/disasterRecovery.ts';

/** A policy whose restore points are locked. */
export interface CoveredPolicy {
  readonly name: string;
  /** The longest time between two of its runs, in milliseconds; `null` where it has no schedule. */
  readonly gapMs: number | null;
  readonly protectionPeriodDays: number;
}

export interface RecoveryTerms {
  readonly location: string;
  /** `null` at a location that locks nothing. */
  readonly protectionPeriodDays: number | null;
  readonly gapMs: number;
  readonly afterBackups: boolean;
  /** Milliseconds since 1970: the newest bundle, or since when there should be one. */
  readonly newestAt: number;
  readonly now: number;
}

/** Bundles that backups ask for are so far apart at least. */
export const betweenBackupsMs: number = 15 * 60_000;
/** What is due waits for other work, and for a store that is away for a moment. */
const graceMs = 30 * 60_000;

/**
 * What is wrong with how the catalog is backed up: bundles come at least as often as the most frequent policy that is locked, and are locked at least as long as the
 * longest of them (issue: recovery to any moment of the protection period). Empty where all is well.
 */
export function coverageProblems(terms: RecoveryTerms, policies: readonly CoveredPolicy[]): readonly CoverageProblem[] {
  const { location, protectionPeriodDays, gapMs, afterBackups, newestAt, now } = terms;
  const problems: CoverageProblem[] = [];
  const longest = policies.toSorted((a, b) => b.protectionPeriodDays - a.protectionPeriodDays)[0];
  if (longest !== undefined && protectionPeriodDays === null) {
    problems.push({
      kind: 'softLocation',
      message: `The bundles at ${location} are not locked, while ${longest.name} is protected for ${days(longest.protectionPeriodDays)}.`,
      fix: 'Turn it off and on again with an immutable location: "holdfast dr enable --location L".',
    });
  } else if (longest !== undefined && protectionPeriodDays !== null && protectionPeriodDays < longest.protectionPeriodDays) {
    problems.push({
      kind: 'tooShort',
      message: `The bundles at ${location} are protected for ${days(protectionPeriodDays)}, and ${longest.name} for ${days(longest.protectionPeriodDays)}.`,
      fix: `Raise the protection period of ${location}, or use a location with a longer one.`,
    });
  }
  const frequent = policies.flatMap(({ name, gapMs: gap }) => (gap === null ? [] : [{ name, gap }])).toSorted((a, b) => a.gap - b.gap)[0];
  const isFollowed = frequent !== undefined && afterBackups && frequent.gap >= betweenBackupsMs;
  if (frequent !== undefined && frequent.gap < gapMs && !isFollowed) {
    problems.push({
      kind: 'tooSeldom',
      message: `The catalog is backed up less often than ${frequent.name} runs.`,
      fix: 'Turn it off and on again with a schedule that is as frequent, or with bundles after each backup.',
    });
  }
  if (now - newestAt > 2 * gapMs + graceMs) {
    problems.push({
      kind: 'overdue',
      message: `No bundle was made since ${new Date(newestAt).toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
      fix: 'Run "holdfast dr backup"; "holdfast log" says what is in the way.',
    });
  }
  return problems;
}

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}
