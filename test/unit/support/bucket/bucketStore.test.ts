import { likeSeaweed } from '../../../support/bucket/behaviour.ts';
import { openBucketStore } from '../../../support/bucket/bucketStore.ts';
import { describeBucket } from '../../../support/bucket/conformance.ts';
import { faultyStore } from '../../../support/bucket/faultyStore.ts';
import { MemoryBucket } from '../../../support/bucket/memoryBucket.ts';
import { describeStore } from '../../../support/storeConformance.ts';

const nothing = (): Promise<void> => Promise.resolve();

for (const [name, pageLength, prefix, behaviour] of [
  ['in memory', 3, '', {}],
  ['in memory, below a prefix', 1000, 'team/a', {}],
  ['in memory, an entry a page', 1, 'x', {}],
  ['in memory, as SeaweedFS has it', 10, 'x', likeSeaweed],
] as const) {
  describeStore(`bucket ${name}`, () =>
    Promise.resolve({ store: openBucketStore(new MemoryBucket({ pageLength, behaviour }), { prefix }).store, dispose: nothing }),
  );

  describeBucket(name, {
    pageLength,
    ...behaviour,
    open: (_context, { objectLock }) => {
      const bucket = new MemoryBucket({ pageLength, objectLock, behaviour });
      const waitUntil = (time: Date): Promise<void> => {
        bucket.setTime(time);
        return nothing();
      };
      return Promise.resolve({ ...openBucketStore(bucket, { prefix }), waitUntil, dispose: nothing });
    },
  });
}

describeStore('store with faults, without any', () =>
  Promise.resolve({ store: faultyStore(openBucketStore(new MemoryBucket()).store, { seed: 1 }), dispose: nothing }),
);
