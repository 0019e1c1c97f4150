import type { LockAttempts } from '../../../daemon/locations/lockAttempts.ts';
import type { LockUntil } from '../../../daemon/locations/objectStore.ts';
import { versionIdOf } from './bucketVersion.ts';
import type { MemoryBucket } from './memoryBucket.ts';
import { call } from './refusedCalls.ts';

/** A permission that is missing refuses an attempt as a lock does, and so does a request that the store takes for nonsense (a date that is past). */
const refused = { AccessDenied: 'lockRefused', InvalidArgument: 'lockRefused', InvalidRequest: 'lockRefused' } as const;

/** The acts of the lock proof on a bucket in memory. */
export function bucketLockAttempts(bucket: MemoryBucket, below: string): LockAttempts {
  const idGiven = (id: string): string | null => (bucket.behaviour.givesVersionIds ? id : null);
  return {
    deleteVersion: async (key, versionId, options): Promise<void> =>
      await call(`delete a version of ${key}`, options?.signal, () => bucket.deleteVersion(below + key, versionId), refused),
    deleteVersionWithBypass: async (key, versionId, options): Promise<void> =>
      await call(
        `delete a version of ${key}`,
        options?.signal,
        () => bucket.deleteVersion(below + key, versionId, { bypass: true }),
        refused,
      ),
    setLock: async (key, versionId, lock: LockUntil, options): Promise<void> => {
      const retention = { mode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE', until: lock.until.getTime() / 1000 } as const;
      const act = (): void => bucket.setRetention(below + key, versionId, retention, { bypass: options?.bypass ?? false });
      await call(`set the lock of ${key}`, options?.signal, act, refused);
    },
    overwrite: async (key, body, options): Promise<string | null> =>
      await call(`overwrite ${key}`, options?.signal, () => idGiven(versionIdOf(bucket.put(below + key, body))), refused),
    putDeleteMarker: async (key, options): Promise<string | null> =>
      await call(
        `put a delete marker over ${key}`,
        options?.signal,
        () => {
          const marker = bucket.putDeleteMarker(below + key);
          return marker === undefined ? null : idGiven(versionIdOf(marker));
        },
        refused,
      ),
  };
}
