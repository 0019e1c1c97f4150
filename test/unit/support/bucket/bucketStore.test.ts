import { MemoryBucket } from '../../../support/bucket/memoryBucket.ts';
import { openBucketStore } from '../../../support/bucket/bucketStore.ts';
import { describeStore } from '../../../support/storeConformance.ts';

describeStore('bucket in memory', () =>
  Promise.resolve({ store: openBucketStore(new MemoryBucket({ pageLength: 3 })).store, dispose: () => Promise.resolve() }),
);
describeStore('bucket in memory, below a prefix', () =>
  Promise.resolve({
    store: openBucketStore(new MemoryBucket({ pageLength: 2 }), { prefix: 'team/a' }).store,
    dispose: () => Promise.resolve(),
  }),
);
