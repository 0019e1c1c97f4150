import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IndexedPack } from '../../../../daemon/catalog/copy/expectedPacks.ts';
import { buffersOf, inBatches, packsOf } from '../../../../daemon/catalog/copy/packBatch.ts';

function somePack(policyId: string, changes: Partial<IndexedPack> = {}): IndexedPack {
  const versionId = randomBytes(6).toString('base64url');
  return { locationId: 'place', policyId, objectId: randomBytes(16), versionId, size: 2 ** 28 - 1, sha256: randomBytes(32), ...changes };
}

function asBuffers(pack: IndexedPack): unknown {
  return { ...pack, objectId: Buffer.from(pack.objectId), sha256: Buffer.from(pack.sha256) };
}

async function* each(packs: readonly IndexedPack[]): AsyncGenerator<IndexedPack> {
  for (const pack of packs) yield await Promise.resolve(pack);
}

describe('packs on their way to another thread', () => {
  it('come out as they went in, a policy at a time and never too many together', async () => {
    const packs = [
      ...Array.from({ length: 4100 }, () => somePack('one')),
      somePack('two', { versionId: null }),
      somePack('two', { locationId: 'elsewhere' }),
      somePack('one'),
    ];
    const sizes: number[] = [];
    const out: IndexedPack[] = [];
    for await (const batch of inBatches(each(packs))) {
      const moved = structuredClone(batch, { transfer: [...buffersOf(batch)] });
      sizes.push(moved.versionIds.length);
      out.push(...packsOf(moved));
    }
    assert.deepEqual(sizes, [2000, 2000, 100, 1, 1, 1]);

    assert.deepEqual(
      out.map((pack) => asBuffers(pack)),
      packs.map((pack) => asBuffers(pack)),
    );
  });

  it('are refused where an id or a hash has another length', async () => {
    for (const changes of [{ objectId: randomBytes(15) }, { sha256: randomBytes(0) }]) {
      await assert.rejects(async () => await inBatches(each([somePack('one', changes)])).next(), RangeError);
    }
  });
});
