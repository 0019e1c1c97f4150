import assert from 'node:assert/strict';
import { RecoveredKeySource } from '../../../daemon/recovery/storedKeys.ts';
import { readStoredPolicies, type StoredPoliciesRequest } from '../../../daemon/recovery/storedPolicies.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import type { Head, Heads } from '../../../daemon/repository/manifestTypes.ts';
import { restorePointsPrefix } from '../../../daemon/repository/names.ts';
import { type FixtureManifest, FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';

const keys = keysNamed('stored policies');
const hash = (byte: number): Buffer => Buffer.alloc(32, byte);
const noHeads: Heads = { policies: {}, keyring: null, term: null };

function headsOf(...heads: readonly Head[]): Heads[] {
  return heads.map((head) => ({ ...noHeads, policies: { [keys.policyId]: head } }));
}

async function read(store: MemoryStore, more: Partial<StoredPoliciesRequest> = {}): Promise<readonly (readonly [string, string])[]> {
  const { findings } = await readStoredPolicies({
    store,
    installationId: keys.installationId,
    keysOf: () => keySourceOf(keys),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...more,
  });
  return findings.map(({ path, reason }) => [path, reason] as const);
}

/** Restore points 1 to `count`, each naming the one before it and all others as live. */
async function chain(
  store: MemoryStore,
  count: number,
  change: (sequence: number) => object = () => ({}),
): Promise<readonly FixtureManifest[]> {
  const fixture = new FixtureRepository(store, keys);
  const source = fixture.source([]);
  const written: FixtureManifest[] = [];
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const live = written.map(({ manifest, objectId, sha256 }) => ({ sequence: manifest.sequence, objectId, sha256, versionId: null }));
    written.push(await fixture.commit([source], { sequence, previous: written.at(-1)?.sha256 ?? null, live, ...change(sequence) }));
  }
  return written;
}

describe('stored policies', () => {
  it('finds nothing in what is whole, nor in what was collected', async () => {
    const store = new MemoryStore();
    const [first, second] = await chain(store, 3, (sequence) => ({
      heads: { ...noHeads, policies: sequence === 1 ? {} : { [keys.policyId]: { sequence: sequence - 1, sha256: hash(0) } } },
    }));
    assert.ok(first !== undefined && second !== undefined);
    const other = new MemoryStore();
    await chain(other, 3);
    assert.deepEqual(await read(other), []);
    for (const key of other.keys(restorePointsPrefix(keys.installationId, keys.policyId)).slice(0, 2)) await other.delete(key, null);
    const [heads] = headsOf({ sequence: 2, sha256: hash(9) });
    assert.ok(heads !== undefined);
    assert.deepEqual(await read(other, { keyring: { key: 'k', sequence: 4, sha256: hash(1), heads } }), []);
    assert.equal((await read(store)).length, 2);
  });

  it('C8: names a newest restore point that was taken away, whoever names it', async () => {
    const store = new MemoryStore();
    const [, second] = await chain(store, 2);
    assert.ok(second !== undefined);
    const [heads] = headsOf({ sequence: 2, sha256: second.sha256 });
    assert.ok(heads !== undefined);
    const keyring = { key: 'the keyring', sequence: 3, sha256: hash(1), heads };
    assert.deepEqual(await read(store, { keyring }), []);
    await store.delete(second.key, null);
    assert.deepEqual(
      (await read(store, { keyring })).map(([path]) => path),
      ['the keyring'],
    );
    // What cannot be opened is no newer one, whatever its name says.
    store.plant(second.key.replace('0000000000000002', '0000000000000009'), Buffer.alloc(65_536, 1));
    assert.ok((await read(store, { keyring })).some(([path]) => path === 'the keyring'));
  });

  it('C8: names a keyring that is not there, and says nothing of a term, which nobody here could open', async () => {
    const store = new MemoryStore();
    await chain(store, 1, () => ({
      heads: { ...noHeads, keyring: { sequence: 5, sha256: hash(5) }, term: { sequence: 1, sha256: hash(1) } },
    }));
    const reasons = (await read(store)).map(([, reason]) => reason);
    assert.deepEqual([reasons.length, reasons[0]?.includes('keyring 5')], [1, true]);
    const newer = { key: 'k', sequence: 6, sha256: hash(6), heads: noHeads };
    assert.equal((await read(store, { keyring: newer })).length, 0);
    assert.equal((await read(store, { keyring: { ...newer, sequence: 5 } })).length, 1);
  });

  it('C8: names a restore point that lists itself as live, or another one under a known name', async () => {
    const store = new MemoryStore();
    const [first] = await chain(store, 1);
    assert.ok(first !== undefined);
    const fixture = new FixtureRepository(store, keys, 'second');
    const swapped = { sequence: 1, objectId: first.objectId, sha256: hash(7), versionId: null };
    const gone = { sequence: 1, objectId: Buffer.alloc(16, 7), sha256: hash(7), versionId: null };
    const { key } = await fixture.commit([fixture.source([])], { sequence: 2, previous: first.sha256, live: [swapped, gone] });
    assert.deepEqual(
      (await read(store)).map(([path, reason]) => [path, reason.includes('lists as live')]),
      [[key, true]],
    );
  });

  it('C8: names a long list of live restore points that cannot be read', async () => {
    const store = new MemoryStore();
    const [point] = await chain(store, 1, () => ({ live: { id: hash(3), count: 300 } }));
    assert.deepEqual(
      (await read(store)).map(([path]) => path),
      [point?.key],
    );
  });

  it('names strangers among restore points, and ignores names that begin with a dot', async () => {
    const store = new MemoryStore();
    await chain(store, 1);
    const folder = restorePointsPrefix(keys.installationId, keys.policyId);
    store.plant(`${folder}.tmp-1`, Buffer.alloc(9));
    store.plant(`${folder}stranger`, Buffer.alloc(9));
    assert.deepEqual(
      (await read(store)).map(([path]) => path),
      [`${folder}stranger`],
    );
  });
});

describe('recovered keys', () => {
  it('gives every master key of an epoch, and never one in place of the other', () => {
    using one = MasterKey.fromBytes(keys.installationId, 1, Uint8Array.from(hash(1)));
    using two = MasterKey.fromBytes(keys.installationId, 1, Uint8Array.from(hash(2)));
    using later = MasterKey.fromBytes(keys.installationId, 2, Uint8Array.from(hash(3)));
    const source = new RecoveredKeySource([one, two, later], keys.policyId);
    assert.deepEqual(Buffer.from(source.byMasterKeyId(one.masterKeyId, 1)?.masterKeyId ?? []), Buffer.from(one.masterKeyId));
    assert.deepEqual(Buffer.from(source.byMasterKeyId(two.masterKeyId, 1)?.masterKeyId ?? []), Buffer.from(two.masterKeyId));
    assert.deepEqual(
      source.allOfEpoch(1, 1).map(({ masterKeyId }) => Buffer.from(masterKeyId)),
      [one, two].map(({ masterKeyId }) => Buffer.from(masterKeyId)),
    );
    assert.equal(source.allOfEpoch(2, 1).length, 1);
    assert.deepEqual(source.allOfEpoch(3, 1), []);
  });
});
