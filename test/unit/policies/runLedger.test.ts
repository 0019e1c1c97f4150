import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { passCommitGate } from '../../../daemon/policies/commitGate.ts';
import { CatalogRunLedger } from '../../../daemon/policies/runLedger.ts';
import type { UploadedObject } from '../../../daemon/engine/jobs.ts';
import { packKey } from '../../../daemon/repository/names.ts';
import { IdSet } from '../../../daemon/repository/idSet.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ActionId, InstallationId, PolicyId } from '../../../protocol/ids.ts';
import { CatalogFolder, someAction, someLocation, somePolicy, timeAt } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';
import { MemoryStore } from '../../support/memoryStore.ts';

class Bench implements Disposable {
  readonly folder: CatalogFolder = new CatalogFolder();
  readonly catalog = this.folder.open();
  readonly store: MemoryStore = new MemoryStore();
  readonly location = someLocation({ storeId: this.store.storeId });
  readonly installationId: InstallationId = newId();
  readonly policyId: PolicyId;
  readonly actionId: ActionId = newId();
  readonly ledger: CatalogRunLedger;

  constructor() {
    this.catalog.locations.add(this.location);
    const policy = somePolicy(this.location.locationId);
    this.catalog.policies.add(policy);
    this.policyId = policy.policyId;
    this.catalog.actions.insert(someAction({ actionId: this.actionId }), newId());
    this.ledger = new CatalogRunLedger({ ...this.ids, wallClock: () => new Date(timeAt(1)), actionId: this.actionId });
  }

  get ids(): {
    catalog: Bench['catalog'];
    installationId: InstallationId;
    locationId: Bench['location']['locationId'];
    policyId: PolicyId;
  } {
    const { catalog, installationId, policyId } = this;
    return { catalog, installationId, locationId: this.location.locationId, policyId };
  }

  pack(fill: number): UploadedObject {
    const objectId = Buffer.alloc(16, fill);
    const bytes = this.bytes(fill);
    const sha256 = createHash('sha256').update(bytes).digest();
    const key = packKey(this.installationId, this.policyId, objectId);
    return { key, kind: 'pack', objectId, length: bytes.length, sha256, versionId: null };
  }

  bytes(fill: number): Buffer {
    return Buffer.alloc(100, fill);
  }

  async put(fill: number): Promise<UploadedObject> {
    const pack = this.pack(fill);
    await this.ledger.uploading(pack);
    await this.store.put(pack.key, this.bytes(fill));
    await this.ledger.uploaded(pack);
    return pack;
  }

  async gate(
    uploaded: readonly UploadedObject[],
    hits: readonly Uint8Array[] = [],
    condemned: () => Promise<IdSet> = async () => new IdSet(),
  ): Promise<void> {
    const { signal } = new AbortController();
    await passCommitGate(
      { ...this.ids, store: this.store, wallClock: () => new Date(timeAt(9)), condemned, signal },
      { uploaded, hits, indexes: [] },
    );
  }

  state(pack: UploadedObject): string | undefined {
    return this.catalog.objects.get(this.location.locationId, pack.key)?.state;
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

describe('run ledger and commit gate', () => {
  it('X1: an object is pinned, with its digest and as missing, before its put begins', async () => {
    using bench = new Bench();
    const pack = bench.pack(1);
    await bench.ledger.uploading(pack);
    const { locationId } = bench.location;
    assert.ok(bench.catalog.runPins.isPinned(locationId, pack.key));
    const row = bench.catalog.objects.get(locationId, pack.key);
    assert.deepEqual([row?.state, row?.size, row?.policyId], ['missing', 100, bench.policyId]);
    assert.deepEqual(row?.sha256, Uint8Array.from(pack.sha256));
    await bench.ledger.uploaded({ ...pack, versionId: 'v7' });
    assert.deepEqual([bench.state(pack), bench.catalog.objects.get(locationId, pack.key)?.versionId], ['present', 'v7']);
  });

  it('S9: what is condemned, being deleted or missing is refused as a hit, and named; nobody can condemn what a run has hit', async () => {
    using bench = new Bench();
    const { locationId } = bench.location;
    const packs = await Promise.all([1, 2, 3, 4].map((fill) => bench.put(fill)));
    bench.catalog.runPins.release(bench.actionId);
    const [condemned, deleting, missing, present] = packs;
    assert.ok(bench.catalog.condemn(locationId, condemned?.key ?? ''));
    assert.ok(bench.catalog.condemn(locationId, deleting?.key ?? '') && bench.catalog.beginDelete(locationId, deleting?.key ?? ''));
    bench.catalog.objects.change(locationId, missing?.key ?? '', { state: 'missing' });
    await assert.rejects(bench.ledger.hits(packs.map(({ objectId }) => objectId)), (error) => {
      assert.ok(HoldfastError.is(error, 'objectMissing'));
      assert.deepEqual(
        error.details?.['packs'],
        packs.slice(0, 3).map(({ objectId }) => Buffer.from(objectId).toString('hex')),
      );
      return true;
    });
    assert.equal(bench.catalog.condemn(locationId, present?.key ?? ''), false);
  });

  it('S9: the gate looks at every object itself, whatever the ledger says, and marks what it finds', async () => {
    using bench = new Bench();
    const [one, two] = [await bench.put(1), await bench.put(2)];
    await bench.gate([one], [two.objectId]);
    assert.equal(bench.catalog.objects.get(bench.location.locationId, one.key)?.readBackAt, timeAt(9));
    await bench.store.delete(two.key, null);
    await assert.rejects(bench.gate([one], [two.objectId]), (error) => {
      assert.ok(HoldfastError.is(error, 'objectMissing'));
      assert.deepEqual(error.details?.['packs'], [Buffer.from(two.objectId).toString('hex')]);
      return true;
    });
    assert.deepEqual([bench.state(one), bench.state(two)], ['present', 'missing']);
  });

  it('F3: the gate reads the lists of condemned objects before it looks: what is gone when its list is gone is found missing', async () => {
    using bench = new Bench();
    const [one, two] = [await bench.put(1), await bench.put(2)];
    const gone = async (): Promise<IdSet> => {
      await bench.store.delete(two.key, null);
      return new IdSet();
    };
    await assert.rejects(bench.gate([one], [two.objectId], gone), { code: 'objectMissing' });
    assert.deepEqual([bench.state(one), bench.state(two)], ['present', 'missing']);
  });

  it('F3: the gate refuses what a list names although it is there, and no run hits it from then on', async () => {
    using bench = new Bench();
    const [one, two] = [await bench.put(1), await bench.put(2)];
    const named = async (): Promise<IdSet> => {
      const ids = new IdSet();
      ids.add(two.objectId);
      return ids;
    };
    const packs = [Buffer.from(two.objectId).toString('hex')];
    const isNamed = (error: unknown): boolean => {
      assert.ok(HoldfastError.is(error, 'objectMissing'));
      assert.deepEqual(error.details?.['packs'], packs);
      return true;
    };
    await assert.rejects(bench.gate([one], [two.objectId], named), isNamed);
    assert.equal(bench.state(two), 'condemned');
    await assert.rejects(bench.ledger.hits([two.objectId]), isNamed);
  });

  it('S5: an object of another length than was put does not pass, and no retry without it is offered', async () => {
    using bench = new Bench();
    const pack = await bench.put(1);
    await bench.store.delete(pack.key, null);
    await bench.store.put(pack.key, bench.bytes(1).subarray(1));
    await assert.rejects(bench.gate([pack]), (error) => HoldfastError.is(error, 'objectMissing') && error.details?.['packs'] === undefined);
    assert.equal(bench.state(pack), 'missing');
  });

  it('looks at a hit that the ledger does not know, as after a lost catalog', async () => {
    using bench = new Bench();
    const pack = bench.pack(5);
    await bench.ledger.hits([pack.objectId]);
    await assert.rejects(bench.gate([], [pack.objectId]), { code: 'objectMissing' });
    await bench.store.put(pack.key, bench.bytes(5));
    await bench.gate([], [pack.objectId]);
  });
});
