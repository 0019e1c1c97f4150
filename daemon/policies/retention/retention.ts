import type { Retention } from '../../../protocol/methods/policies.ts';
import { bucketName, clockOf, type LocalTime, type TimeUnit } from './bucketName.ts';

/** What retention looks at of a restore point that is on the list. */
export interface RetentionPoint {
  readonly id: string;
  readonly sequence: number;
  /** RFC 3339: when its run started. */
  readonly startedAt: string;
  readonly pinned: boolean;
  readonly damaged: boolean;
}

/** Why a restore point stays: the rule, and the bucket that it stands for where the rule has any. */
export interface RetentionReason {
  readonly rule: 'everything' | 'newest' | 'pinned' | 'damaged' | 'latest' | TimeUnit;
  readonly bucket: string | null;
}

export interface RetentionDecision {
  readonly id: string;
  readonly sequence: number;
  readonly startedAt: string;
  readonly keep: boolean;
  /** Empty where it does not stay. */
  readonly reasons: readonly RetentionReason[];
}

const timeUnits = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const satisfies readonly TimeUnit[];

/**
 * Decides for the restore points of one policy which stay, newest first. Each unit keeps the newest restore point of each of the buckets that were used
 * last. What is newer is said by the sequence, never by a clock: the time only names the bucket, and no time of today is asked for, so that a clock that
 * jumps retires nothing by itself. The newest sound restore point stays under any rules. Pinned and damaged ones stay and take no place of another.
 * `rules` of `null`: everything stays.
 */
export function applyRetention(points: readonly RetentionPoint[], rules: Retention | null, timeZone: string): readonly RetentionDecision[] {
  const clock = clockOf(timeZone);
  const used = new Map<TimeUnit, Set<string>>(timeUnits.map((unit) => [unit, new Set()]));
  let latest = 0;
  let hasNewest = false;
  return points.toSorted(newestFirst).map((point) => {
    const reasons: RetentionReason[] = [];
    if (rules === null) reasons.push({ rule: 'everything', bucket: null });
    if (point.damaged) reasons.push({ rule: 'damaged', bucket: null });
    else if (!hasNewest) {
      hasNewest = true;
      reasons.push({ rule: 'newest', bucket: null });
    }
    if (point.pinned) reasons.push({ rule: 'pinned', bucket: null });
    else if (!point.damaged && rules !== null) {
      if (latest < rules.latest) {
        latest += 1;
        reasons.push({ rule: 'latest', bucket: String(latest) });
      }
      const local = clock(Date.parse(point.startedAt));
      for (const unit of timeUnits) {
        const bucket = bucketTaken(unit, local, used.get(unit), rules[unit]);
        if (bucket !== undefined) reasons.push({ rule: unit, bucket });
      }
    }
    const { id, sequence, startedAt } = point;
    return { id, sequence, startedAt, keep: reasons.length > 0, reasons };
  });
}

/** A reason as people and programs read it: `newest`, `latest 3`, `daily 2026-10-25`. */
export function reasonText({ rule, bucket }: RetentionReason): string {
  return bucket === null ? rule : `${rule} ${bucket}`;
}

function bucketTaken(unit: TimeUnit, local: LocalTime, used: Set<string> | undefined, most: number): string | undefined {
  if (used === undefined || used.size >= most) return undefined;
  const bucket = bucketName(unit, local);
  if (used.has(bucket)) return undefined;
  used.add(bucket);
  return bucket;
}

/** Two of one sequence are a fork: then the one that started later is newer, then the one of the higher id. */
function newestFirst(one: RetentionPoint, other: RetentionPoint): number {
  return other.sequence - one.sequence || compare(other.startedAt, one.startedAt) || compare(other.id, one.id);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
