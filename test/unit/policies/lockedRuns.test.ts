import assert from 'node:assert/strict';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import { versionIdOf } from '../../support/bucket/bucketVersion.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

/** Does `act` as the next manifest is about to be put. */
function atNextManifest({ bucket }: BucketDaemon, act: () => void): void {
  bucket.beforeCall = (verb, key) => {
    if (verb !== 'PutObject' || parseObjectKey(key)?.type !== 'manifest') return;
    bucket.beforeCall = () => undefined;
    act();
  };
}

function keysOf({ bucket }: BucketDaemon, type: 'pack' | 'index' | 'manifest'): readonly string[] {
  return [...bucket.entries()].map(({ key }) => key).filter((key) => parseObjectKey(key)?.type === type);
}

/** By somebody who may bypass governance. */
function deleteByForce({ bucket }: BucketDaemon, keys: readonly string[]): void {
  for (const key of keys)
    for (const version of bucket.history(key).toReversed()) bucket.deleteVersion(key, versionIdOf(version), { bypass: true });
}

describe('backups at a location with locks', function () {
  this.timeout(60_000);

  it('S9: a manifest that the gate refuses after its put stays locked: the run goes on without it, and so do all later ones', async () => {
    await using world = await BucketDaemon.ready({ lockMode: 'governance' });
    await world.backUp();
    world.changeSource();
    const packs = keysOf(world, 'pack');
    atNextManifest(world, () => deleteByForce(world, packs));
    const second = await world.backUp();
    await world.assertRestores(second);
    world.changeSource();
    const third = await world.backUp();
    await world.assertRestores(third);
    const listed = await world.daemon.restorePoints('files');
    assert.deepEqual([listed[0]?.id, listed[1]?.id, listed.length], [third, second, 3]);
    const sequences = keysOf(world, 'manifest')
      .map((key) => parseObjectKey(key))
      .flatMap((name) => (name?.type === 'manifest' ? [name.sequence] : []));
    assert.deepEqual(sequences, [1, 2, 3, 4], 'the one that was withdrawn keeps its sequence for itself');
  });
});
