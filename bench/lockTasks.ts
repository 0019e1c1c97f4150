import type { BucketVerb } from '../test/support/bucket/memoryBucket.ts';

export interface LockTask {
  readonly title: string;
  readonly work: 'refresh' | 'audit';
  readonly objects: number;
  /** Every so many objects one has a lock that is short; 0: none has. */
  readonly shortEvery: number;
}

export interface LockFigures {
  readonly seconds: number;
  /** Objects whose locks were extended, or findings. */
  readonly result: number;
  /** Peak resident memory above what the process held when it began, bytes. */
  readonly addedBytes: number;
  readonly calls: Readonly<Partial<Record<BucketVerb, number>>>;
}

export const lockTasks: readonly LockTask[] = [
  { title: 'refresh, no lock is short', work: 'refresh', objects: 100_000, shortEvery: 0 },
  { title: 'refresh, one lock of a hundred is short', work: 'refresh', objects: 100_000, shortEvery: 100 },
  { title: 'refresh, all locks are short', work: 'refresh', objects: 100_000, shortEvery: 1 },
  { title: 'audit', work: 'audit', objects: 100_000, shortEvery: 0 },
  { title: 'audit', work: 'audit', objects: 1_000_000, shortEvery: 0 },
];
