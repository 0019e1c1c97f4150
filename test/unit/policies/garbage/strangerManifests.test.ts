import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import type { GetOptions, ObjectBody, ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { StoredReach } from '../../../../daemon/policies/garbage/storedReach.ts';
import { type ListedManifest, StrangerManifests } from '../../../../daemon/policies/garbage/strangerManifests.ts';
import { keySourceOf } from '../../../../daemon/repository/keySource.ts';
import { openManifest, restorePointIdOf } from '../../../../daemon/repository/manifest.ts';
import { restorePointKey } from '../../../../daemon/repository/names.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { somePoint } from '../../../support/catalog.ts';
import { CountingStore } from '../../../support/countingStore.ts';
import { type FixtureManifest, FixtureRepository } from '../../../support/fixtureRepository.ts';
import { MemoryStore } from '../../../support/memoryStore.ts';
import { keysNamed } from '../../../support/repositoryKeys.ts';
import { bytesOf } from '../../../support/sampleRepository.ts';

const keys = keysNamed('strangers');
const keySource = keySourceOf(keys);
const { policyId } = keys;
const { signal } = new AbortController();

interface World {
  readonly store: MemoryStore;
  readonly written: readonly (FixtureManifest & { readonly bytes: Uint8Array })[];
  readonly packs: readonly string[];
}

/** Three restore points, the last of them in many segments. */
async function world(): Promise<World> {
  const store = new MemoryStore();
  const fixture = new FixtureRepository(store, keys);
  const written: World['written'][number][] = [];
  for (const sequence of [1, 2, 3]) {
    const previous = sequence === 1 ? null : bytesOf(sequence, 32);
    const warnings = sequence === 3 ? Array.from({ length: 4000 }, (_, at) => randomBytes(150).toString('hex') + at) : [];
    const source = fixture.source([
      { name: Buffer.from('a'), kind: 'file', mode: 0o644, size: 5, content: fixture.ids(Buffer.from(`data${sequence}`)) },
    ]);
    const one = await fixture.commit([source], { sequence, previous, warnings });
    written.push({ ...one, bytes: (await store.get(one.key))?.body ?? assert.fail() });
  }
  return { store, written, packs: fixture.packKeys };
}

/** In key order, as buckets list: a copy under an earlier time comes first. */
const listed = (store: MemoryStore): readonly ListedManifest[] =>
  [...store.objects.keys()]
    .filter((key) => key.includes('/restore-points/'))
    .toSorted()
    .map((key) => ({ key, versionId: null }));

/** As it is told by reading all of it. */
async function isAuthentic(store: ObjectStore, key: string): Promise<boolean> {
  const stored = await store.get(key);
  try {
    openManifest(stored?.body ?? new Uint8Array(0), keySource, { key, policyId, storeId: store.storeId }, key);
    return true;
  } catch (error) {
    assert.ok(HoldfastError.is(error));
    return false;
  }
}

async function found(store: ObjectStore, all: readonly ListedManifest[]): Promise<readonly string[]> {
  const opened = await new StrangerManifests({ store, policyId, keys: keySource }).open(all, signal);
  const { installationId } = keys;
  return opened
    .map(({ manifest, header }) => restorePointKey(installationId, policyId, manifest.sequence, manifest.claimed.finished, header.objectId))
    .toSorted();
}

const keyAt = ({ manifest, objectId }: FixtureManifest, minute: number): string =>
  restorePointKey(keys.installationId, policyId, manifest.sequence, new Date(Date.UTC(2025, 0, 1, 0, minute)).toISOString(), objectId);

describe('manifests that nobody here knows', function () {
  this.timeout(60_000);

  it('C5 R2: are told from junk by few bytes as by all of them: no authentic one is passed by, whatever lies beside it', async () => {
    const { store, written } = await world();
    const original = new Map(store.objects);
    const plant = fc.record({
      of: fc.nat(2),
      kind: fc.constantFrom('junk', 'copy', 'ownName', 'cut', 'longer', 'flipped', 'header', 'firstSegment', 'gone'),
      at: fc.nat(1_000_000),
      size: fc.nat(400_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(plant, { maxLength: 12 }), async (plants) => {
        store.objects.clear();
        for (const [key, versions] of original) store.objects.set(key, versions);
        for (const [number, { of, kind, at, size }] of plants.entries()) {
          const one = written[of] ?? assert.fail();
          const { bytes } = one;
          const own = kind === 'ownName' || kind === 'gone';
          const key = own ? one.key : keyAt(one, number);
          const flipped = Uint8Array.from(bytes);
          flipped[at % bytes.length] = (flipped[at % bytes.length] ?? 0) ^ 1;
          const cut = bytes.subarray(0, Math.max(1, at % bytes.length));
          const body = {
            junk: randomBytes(size + 1),
            copy: bytes,
            ownName: flipped,
            cut,
            longer: Buffer.concat([bytes, randomBytes(size + 1)]),
            flipped,
            header: Buffer.concat([bytes.subarray(0, 192), randomBytes(size)]),
            firstSegment: Buffer.concat([bytes.subarray(0, 192 + 131_088), randomBytes(size)]),
            gone: cut,
          }[kind];
          store.objects.delete(key);
          store.plant(key, body);
        }
        const all = listed(store);
        const authentic: string[] = [];
        for (const { key } of all) if (await isAuthentic(store, key)) authentic.push(key);
        assert.deepEqual(await found(store, all), authentic.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  it('C5: cost their header where they are junk of any size, and two steps where the header was copied', async () => {
    const { store, written } = await world();
    const [one] = written;
    assert.ok(one !== undefined);
    for (let number = 0; number < 40; number += 1) {
      const unknown = { ...one, objectId: randomBytes(16) };
      store.plant(keyAt(unknown, number), randomBytes(200_000));
    }
    const counted = new CountingStore(store);
    assert.equal((await found(counted, listed(store))).length, 3);
    const own = written.reduce((sum, { bytes }) => sum + bytes.length + 192, 0);
    assert.ok(counted.bytesOf('get') <= 40 * 2 * 192 + own, `${counted.bytesOf('get')} bytes`);
    store.objects.delete(one.key);
    store.plant(one.key, Buffer.concat([one.bytes.subarray(0, 192), Buffer.alloc(8_000_000)]));
    const again = new CountingStore(store);
    assert.equal((await found(again, listed(store))).length, 2);
    assert.ok(again.bytesOf('get') < 40 * 2 * 192 + own + 300_000, `${again.bytesOf('get')} bytes`);
  });

  it('S5: are found where an answer was wrong once', async () => {
    const { store, written } = await world();
    for (let wrong = 1; wrong <= 8; wrong += 1) {
      let reads = 0;
      const lying = new Proxy(store, {
        get: (target, name) => {
          if (name !== 'get') {
            const value: unknown = Reflect.get(target, name);
            return typeof value === 'function' ? value.bind(target) : value;
          }
          return async (key: string, options?: GetOptions): Promise<ObjectBody | undefined> => {
            const answer = await target.get(key, options);
            reads += 1;
            return reads === wrong && answer !== undefined ? { ...answer, body: randomBytes(answer.body.length) } : answer;
          };
        },
      });
      assert.equal((await found(lying, listed(store))).length, written.length);
    }
  });

  it('C5 R2: are read where the catalog knows another store by that id, are not where it knows this one by another name, and stop nothing', async () => {
    const { store, written, packs } = await world();
    const [first, second, third] = written;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const known = somePoint(policyId, 1, {
      id: restorePointIdOf(first.objectId),
      manifestKey: first.key,
      storeId: store.storeId,
      sha256: first.sha256,
    });
    const elsewhere = somePoint(policyId, 2, { id: restorePointIdOf(second.objectId), manifestKey: second.key, sha256: randomBytes(32) });
    const points = new Map([known, elsewhere].map((point) => [point.id, point]));
    const copy = keyAt(first, 7);
    store.plant(copy, Buffer.concat([first.bytes.subarray(0, 192), Buffer.alloc(1000)]));
    const counted = new CountingStore(store);
    const catalog = { restorePoints: { get: (id: typeof known.id) => points.get(id) } };
    const reach = new StoredReach({ catalog, store: counted, policyId, keys: keySource, hasLocks: true });
    await reach.add(listed(store), signal);
    const reached = await reach.reached(signal);
    for (const pack of packs) assert.ok(reached.has('pack', Buffer.from(pack.slice(-32), 'hex')), pack);
    assert.deepEqual(
      counted.calls.filter(({ key }) => key === copy),
      [],
    );
  });
});
