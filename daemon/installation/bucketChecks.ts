import type { Preflight } from './placeChecks.ts';

/** The checks of a bucket. */
export const checkBucket: Preflight = async () => ({
  checks: [{ check: 'kind', result: 'fail', detail: 'Buckets are not in this version yet.', fix: 'Use a location of kind "filesystem".' }],
  canBeImmutable: false,
  validated: null,
});
