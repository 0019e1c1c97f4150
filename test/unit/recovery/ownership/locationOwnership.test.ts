import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Catalog } from '../../../../daemon/catalog/catalog.ts';
import { KeptObjects } from '../../../../daemon/immutability/keptObjects.ts';
import { auditLocation } from '../../../../daemon/immutability/tamperAudit.ts';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { catalogMemories, markRestored } from '../../../../daemon/recovery/ownership/catalogMemories.ts';
import { LocationOwnership, type OwnedLocation } from '../../../../daemon/recovery/ownership/locationOwnership.ts';
import { ownershipState } from '../../../../daemon/recovery/ownership/ownershipMemory.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { InstallationId, StoreId } from '../../../../protocol/ids.ts';
import { openBucketStore, type VersionedStore } from '../../../support/bucket/bucketStore.ts';
import { MemoryBucket } from '../../../support/bucket/memoryBucket.ts';
import { CatalogFolder, someLocation, timeAt } from '../../../support/catalog.ts';
import { newId } from '../../../support/ids.ts';

const signal = new AbortController().signal;

/** One machine of an installation, with a catalog on the disk. */
class Machine implements Disposable {
  readonly folder = new CatalogFolder();
  readonly catalog: Catalog = this.folder.open();
  readonly location: OwnedLocation;
  readonly ownership: LocationOwnership;
  readonly seen: number[] = [];

  constructor(masterKey: MasterKey, store: VersionedStore) {
    const { installationId, masterKeyId, keyEpoch } = masterKey;
    this.catalog.installation.create({ installationId, masterKeyId, keyEpoch, createdAt: timeAt(0) });
    const record = someLocation({ storeId: store.storeId, kind: 's3', lockMode: 'compliance', protectionPeriodDays: 7 });
    this.catalog.locations.add(record);
    this.location = { record, store };
    this.ownership = new LocationOwnership({
      catalog: this.catalog,
      keys: { masterKey },
      now: () => new Date('2026-01-01T00:00:00Z'),
      sleep: () => Promise.resolve(),
      machineId: () => newId(),
      onSeen: (_location, { findingsCount }) => this.seen.push(findingsCount),
    });
  }

  async take(): Promise<string> {
    const { state, term } = await this.ownership.take(this.location, { bundle: null, isConfirmed: false }, signal);
    return `${state} ${term.n}`;
  }

  async check(): Promise<void> {
    await this.ownership.check(this.location, 'back up', signal);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

const refused = (state: string) => (error: unknown) => HoldfastError.is(error, 'refusedByRule') && error.details?.['ownership'] === state;

describe('ownership of the locations of an installation', () => {
  let masterKey: MasterKey;
  let bucket: MemoryBucket;
  let store: VersionedStore;
  let first: Machine;
  let second: Machine;

  beforeEach(() => {
    masterKey = MasterKey.generate(newId<InstallationId>());
    bucket = new MemoryBucket();
    ({ store } = openBucketStore(bucket, { storeId: newId<StoreId>() }));
    first = new Machine(masterKey, store);
    second = new Machine(masterKey, store);
  });

  afterEach(() => {
    for (const machine of [first, second]) machine[Symbol.dispose]();
    masterKey[Symbol.dispose]();
  });

  it('refuses what only an owner may do, and says what it knows without a key and without asking', async () => {
    const { storeId } = store;
    await first.check();
    assert.deepEqual([first.ownership.state(storeId), first.ownership.highest(storeId)], ['unclaimed', null]);
    assert.equal(await first.take(), 'owner 1');
    await first.check();
    await assert.rejects(second.check(), refused('superseded'));
    assert.equal(await second.take(), 'owner 2');
    await assert.rejects(first.check(), refused('superseded'));
    const keyed = new Machine(masterKey, store);
    masterKey[Symbol.dispose]();
    assert.deepEqual(
      [first.ownership.state(storeId), second.ownership.state(storeId), keyed.ownership.state(storeId)],
      ['superseded', 'owner', 'unclaimed'],
    );
    assert.equal(first.ownership.highest(storeId)?.n, 2);
    await assert.rejects(keyed.check(), (error: unknown) => HoldfastError.is(error, 'locked'));
    keyed[Symbol.dispose]();
  });

  it('remembers in the catalog, also over a restart and a location that is removed and added again', async () => {
    await first.take();
    const { storeId } = store;
    const memory = catalogMemories(first.catalog.ownerships, storeId).get();
    first.catalog.forgetLocation(first.location.record.locationId);
    first.catalog.close();
    const anew = first.folder.open();
    assert.deepEqual(catalogMemories(anew.ownerships, storeId).get(), memory);
    assert.equal(ownershipState(memory), 'owner');
    assert.equal(ownershipState(catalogMemories(anew.ownerships, newId<StoreId>()).get()), 'unclaimed');
  });

  it('makes a catalog out of a bundle own nothing, where terms are and where none are', async () => {
    await first.take();
    const { storeId } = store;
    const other = newId<StoreId>();
    markRestored(first.catalog.ownerships, [storeId, other]);
    assert.deepEqual([first.ownership.state(storeId), first.ownership.state(other)], ['restored', 'restored']);
    await assert.rejects(first.check(), refused('restored'));
    assert.equal(await first.take(), 'owner 2');
    await first.check();
  });

  it('has every term that counts in the ledger, keeps the highest one locked, and lets no audit take it for a stranger’s', async () => {
    await first.take();
    await second.take();
    await assert.rejects(first.check(), refused('superseded'));
    for (const { catalog, location } of [first, second]) {
      const { items } = catalog.objects.list({ locationId: location.record.locationId, kind: 'term' });
      const kept = new KeptObjects(catalog, location.record);
      assert.deepEqual([items.at(-1)?.sha256, items.at(-1)?.size], [catalog.ownerships.get(store.storeId)?.highestSha256, 65_536]);
      assert.deepEqual(
        items.map((item) => kept.isPromised(item)),
        items.map((_item, at) => at === items.length - 1),
      );
      assert.equal(bucket.history(items.at(-1)?.objectKey ?? '').length, 1);
    }
    assert.equal(first.catalog.objects.list({ locationId: first.location.record.locationId, kind: 'term' }).items.length, 2);
    const { catalog, location } = first;
    const audit = {
      catalog,
      location: location.record,
      installationId: masterKey.installationId,
      store,
      wallClock: () => new Date('2026-01-01T00:00:00Z'),
      signal,
    };
    assert.deepEqual((await auditLocation(audit)).findings, []);
  });

  it('R1: tells what lies about that is no term', async () => {
    await first.take();
    bucket.putDeleteMarker(
      first.catalog.objects.list({ locationId: first.location.record.locationId, kind: 'term' }).items[0]?.objectKey ?? '',
    );
    bucket.put(`${masterKey.installationId}/terms/junk`, randomBytes(10));
    await first.check();
    assert.deepEqual(first.seen, [0, 2]);
  });

  it('changes nothing in the catalog by looks that see nothing new', async () => {
    await first.take();
    await first.check();
    const { locationId } = first.location.record;
    const [row] = first.catalog.objects.list({ locationId, kind: 'term' }).items;
    first.catalog.objects.change(locationId, row?.objectKey ?? '', { retainUntil: timeAt(9), lockReadAt: timeAt(1) });
    await first.ownership.look(first.location, signal, { isThorough: true });
    assert.equal(first.catalog.objects.list({ locationId, kind: 'term' }).items[0]?.retainUntil, timeAt(9));
  });
});
