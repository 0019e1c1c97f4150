import assert from 'node:assert/strict';
import type { RestorePointRecord } from '../../../../daemon/catalog/restorePointStore.ts';
import { restorePointRecordOf } from '../../../../daemon/installation/manifestRecord.ts';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { policyKeysOfMigration } from '../../../../daemon/keys/migrationKeys.ts';
import { findImportedPoints, type ImportedPoints } from '../../../../daemon/recovery/migration/importedPoints.ts';
import { decodeImportData, encodeImportData } from '../../../../daemon/recovery/migration/importData.ts';
import { keySourceOf, type PolicyKeySource } from '../../../../daemon/repository/keySource.ts';
import { RestorePointReader } from '../../../../daemon/repository/restorePointReader.ts';
import type { PolicyId } from '../../../../protocol/ids.ts';
import { type FixtureManifest, FixtureRepository } from '../../../support/fixtureRepository.ts';
import { newId } from '../../../support/ids.ts';
import { MemoryStore } from '../../../support/memoryStore.ts';

const masterKey = MasterKey.generate(newId());
const { installationId } = masterKey;
const policyId = newId<PolicyId>();
const otherId = newId<PolicyId>();
const signal = new AbortController().signal;

/** Only what import data carries. */
function importedKeys(storeId: MemoryStore['storeId']): PolicyKeySource {
  const { masterKeyId, keyEpoch } = masterKey;
  const { text } = encodeImportData({
    installationId,
    policyId,
    policy: 'work',
    storeId,
    location: { kind: 'filesystem', path: '/backups' },
    madeAt: '2026-01-02T03:04:05.678Z',
    expiresAt: null,
    keys: [{ masterKeyId, keyEpoch, keyGeneration: 1, policyKey: masterKey.policyKey(policyId, 1) }],
  });
  const { data } = decodeImportData(text);
  return keySourceOf(...policyKeysOfMigration(data, data.keys));
}

interface Kept {
  readonly live: readonly FixtureManifest[];
  readonly sequence: number;
  readonly previous?: FixtureManifest;
}

async function commit(store: MemoryStore, of: PolicyId, { live, sequence, previous }: Kept): Promise<FixtureManifest> {
  const fixture = new FixtureRepository(store, masterKey.policyKeys(of, 1), `${of}/${sequence}/${live.length}`, sequence);
  return await fixture.commit([fixture.source([])], {
    sequence,
    previous: sequence === 1 ? null : (previous?.sha256 ?? Buffer.alloc(32, 1)),
    live: live.map(({ manifest, objectId, sha256 }) => ({ sequence: manifest.sequence, objectId, sha256, versionId: null })),
  });
}

function find(store: MemoryStore, known: readonly RestorePointRecord[] = []): Promise<ImportedPoints> {
  return findImportedPoints({ store, installationId, policyId, keys: importedKeys(store.storeId), known, signal });
}

const sequencesOf = ({ added }: ImportedPoints): readonly number[] => added.map(({ manifest }) => manifest.sequence);

function recordsOf(store: MemoryStore, { added }: ImportedPoints): readonly RestorePointRecord[] {
  return added.map((read) => restorePointRecordOf(read, store.storeId));
}

describe('Restore points of an imported policy', () => {
  it('are those that the newest manifest lists, and itself; what was retired stays away', async () => {
    const store = new MemoryStore();
    const first = await commit(store, policyId, { live: [], sequence: 1 });
    await commit(store, policyId, { live: [first], sequence: 2 });
    await commit(store, policyId, { live: [first], sequence: 3 });
    const points = await find(store);
    assert.deepEqual([sequencesOf(points), points.gone, points.damaged], [[1, 3], [], []]);
    assert.deepEqual((await find(store, recordsOf(store, points))).added, []);
  });

  it('leave the list where their owner has retired them, and not because somebody hides them', async () => {
    const store = new MemoryStore();
    const first = await commit(store, policyId, { live: [], sequence: 1 });
    const second = await commit(store, policyId, { live: [first], sequence: 2 });
    const known = recordsOf(store, await find(store));
    assert.equal(known.length, 2);
    await store.delete(second.key, null);
    const hidden = await find(store, known);
    assert.deepEqual([sequencesOf(hidden), hidden.gone], [[], []], 'what is newer than what is seen');
    await store.delete(first.key, null);
    assert.deepEqual((await find(store, known)).gone, [], 'nothing is seen at all');
    await commit(store, policyId, { live: [second], sequence: 3 });
    const after = await find(store, known);
    assert.deepEqual([sequencesOf(after), after.gone.map(({ sequence }) => sequence)], [[3], [1]]);
  });

  it('are the policy’s own: with its key nothing of another policy opens, wherever somebody puts it', async () => {
    const store = new MemoryStore();
    const keys = importedKeys(store.storeId);
    await commit(store, policyId, { live: [], sequence: 1 });
    const foreign = await commit(store, otherId, { live: [], sequence: 2 });
    assert.deepEqual(sequencesOf(await find(store)), [1]);
    await assert.rejects(RestorePointReader.open(store, foreign.key, keys), { code: 'damaged' });
    for (const [key, versions] of store.objects) {
      if (!key.includes(otherId) || !key.includes('/restore-points/')) continue;
      const body = versions[0]?.body;
      assert.ok(body !== undefined);
      store.plant(key.replace(otherId, policyId), body);
    }
    const points = await find(store);
    assert.deepEqual([sequencesOf(points), points.damaged.length], [[1], 1]);
  });

  it('come although junk lies among them; what can not be used is named', async () => {
    const store = new MemoryStore();
    const first = await commit(store, policyId, { live: [], sequence: 1 });
    const folder = first.key.slice(0, first.key.lastIndexOf('/') + 1);
    store.plant(`${folder}ffffffffffffff00-20260102t030405z-${'ab'.repeat(16)}`, Buffer.alloc(500, 7));
    store.plant(`${folder}junk`, Buffer.alloc(5, 7));
    store.plant(`${folder}.tmp-junk`, Buffer.alloc(5, 7));
    const points = await find(store);
    assert.deepEqual(sequencesOf(points), [1]);
    assert.equal(points.damaged.length, 2);
  });

  it('are all that a fork left of the highest sequence', async () => {
    const store = new MemoryStore();
    const first = await commit(store, policyId, { live: [], sequence: 1 });
    await commit(store, policyId, { live: [first], sequence: 2 });
    await commit(store, policyId, { live: [], sequence: 2 });
    assert.deepEqual(sequencesOf(await find(store)).filter((sequence) => sequence === 2).length, 2);
  });
});
