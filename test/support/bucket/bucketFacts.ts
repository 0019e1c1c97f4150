import type {
  BucketEncryption,
  BucketFacts,
  FactOptions,
  LifecycleRule,
  ObjectLockSetting,
  Versioning,
} from '../../../daemon/locations/bucketFacts.ts';
import type { MemoryBucket } from './memoryBucket.ts';
import { call } from './refusedCalls.ts';

const ask = async <Result>(what: string, options: FactOptions | undefined, act: () => Result): Promise<Result> =>
  await call(`read the ${what} of the bucket`, options?.signal, act);

/** What a bucket in memory is set to, asked as the daemon asks. */
export function bucketFacts(bucket: MemoryBucket): BucketFacts {
  return {
    region: async (options): Promise<string> =>
      await call('find the bucket', options?.signal, () => bucket.headBucket(), { NoSuchBucket: 'objectMissing' }),
    versioning: async (options): Promise<Versioning> => await ask('versioning', options, () => bucket.getVersioning()),
    objectLock: async (options): Promise<ObjectLockSetting | null> =>
      await ask('Object Lock setting', options, () => bucket.getObjectLock()),
    lifecycle: async (options): Promise<readonly LifecycleRule[]> => await ask('lifecycle rules', options, () => bucket.getLifecycle()),
    encryption: async (options): Promise<BucketEncryption | null> => await ask('encryption', options, () => bucket.getEncryption()),
  };
}
