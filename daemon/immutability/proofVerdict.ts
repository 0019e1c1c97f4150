import type { LockVerdict } from '../../protocol/methods/locations.ts';
import type { LockUntil } from '../locations/objectStore.ts';

/** What a lock proof tries, in this order; the last one is what the lock is when all is done. */
export type AttemptName =
  | 'putLocked'
  | 'readLock'
  | 'deleteUnlocked'
  | 'extend'
  | 'shorten'
  | 'downgrade'
  | 'endLock'
  | 'shortenWithBypass'
  | 'downgradeWithBypass'
  | 'overwrite'
  | 'deleteMarker'
  | 'deleteVersion'
  | 'deleteVersionWithBypass'
  | 'lockAfterwards';

export type Expected = 'accepted' | 'refused' | 'locked' | 'goodVersionReadable';

export type Got =
  | Expected
  /** The store said yes, and what it was about is as before. */
  | 'acceptedWithoutEffect'
  | 'noLock'
  /** A lock of another mode, or with an earlier end. */
  | 'weakerLock'
  | 'goodVersionLost'
  /** The store names no version, or what was locked is not there any more. */
  | 'noVersion'
  /** The store failed, or was away. */
  | 'noAnswer'
  | 'notTried';

export interface LockAttempt {
  readonly attempt: AttemptName;
  readonly expected: Expected;
  readonly got: Got;
  /** Why, where that is not plain. */
  readonly detail: string | null;
}

export interface Judgement {
  readonly verdict: LockVerdict;
  /** One sentence why it is not `enforced`. */
  readonly explanation: string | null;
}

const broken: ReadonlySet<Got> = new Set(['noLock', 'weakerLock', 'goodVersionLost', 'noVersion']);
const byBypass: ReadonlySet<AttemptName> = new Set(['shortenWithBypass', 'downgradeWithBypass', 'deleteVersionWithBypass']);

/** The permission for want of which an attempt that must succeed is refused. Without it no lock has spoken. */
const needed: Readonly<Partial<Record<AttemptName, string>>> = {
  deleteUnlocked: 's3:DeleteObjectVersion',
  extend: 's3:PutObjectRetention',
};

/** What the attempts say together: a lock is `enforced` only where every one of them went as expected. */
export function judge(attempts: readonly LockAttempt[], mode: LockUntil['mode']): Judgement {
  const done = attempts.filter(({ expected, got }) => broken.has(got) || (expected === 'refused' && got === 'accepted'));
  if (done.length > 0) {
    const names = done.map(({ attempt }) => attempt).join(', ');
    if (mode === 'governance' && done.every(({ attempt }) => byBypass.has(attempt))) {
      return {
        verdict: 'bypassable',
        explanation: `These credentials can bypass governance (${names}): whoever gets hold of them can delete what is locked.`,
      };
    }
    return { verdict: 'notEnforced', explanation: `The store does not keep its locks (${names}).` };
  }
  const open = attempts.find(({ expected, got }) => got !== expected);
  return open === undefined ? { verdict: 'enforced', explanation: null } : { verdict: 'inconclusive', explanation: reasonOf(open) };
}

function reasonOf({ attempt, got, detail }: LockAttempt): string {
  const permission = needed[attempt];
  if (attempt === 'putLocked' && got === 'refused') return `The store takes no object with a lock.${detail === null ? '' : ` ${detail}`}`;
  const because = detail === null ? '' : ` ${detail}`;
  if (got === 'refused' && permission !== undefined) {
    return `The credentials may not do what has to be refused by a lock alone (${permission}): nothing is shown of the lock.${because}`;
  }
  if (got === 'acceptedWithoutEffect') return `The store says that it did what a lock forbids (${attempt}), although nothing changed.`;
  return `The proof did not come to its end (${attempt}).${because}`;
}
