import { HoldfastError } from '../../protocol/errors.ts';
import { shellWord } from '../../protocol/wording.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';

/** Why nothing can be said of locks at a location, with the way to some: only buckets have locks, so no period makes a folder immutable. */
export function notImmutable(action: string, { name, kind }: Pick<LocationRecord, 'name' | 'kind'>): HoldfastError {
  if (kind === 's3') {
    return HoldfastError.failedTo('refusedByRule', `${action} ${name}`, 'it is not immutable', {
      fix: `Give it a protection period: "holdfast location edit ${shellWord(name)} --protection-period DAYS".`,
    });
  }
  return HoldfastError.failedTo('refusedByRule', `${action} ${name}`, 'it is a folder, and a folder has no locks', {
    fix: 'For immutable backups add a bucket with Object Lock: "holdfast location add s3 NAME --bucket B --region R --protection-period DAYS".',
  });
}
