import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { adoptKeyrings } from '../../../daemon/immutability/adoptKeyrings.ts';
import { auditLocation } from '../../../daemon/immutability/tamperAudit.ts';
import { encodeKeyring } from '../../../daemon/keys/keyring.ts';
import { keyringName } from '../../../daemon/keys/keyringName.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import type { ObjectStore } from '../../../daemon/locations/objectStore.ts';
import { idOf, type StoreId } from '../../../protocol/ids.ts';
import { retentionOf } from '../../support/bucket/bucketStore.ts';
import { LockBench } from '../../support/lockBench.ts';
import { noHeads } from '../../support/noHeads.ts';
import { vaultSlot } from '../keys/support/keyrings.ts';

const { signal } = new AbortController();
const day = 86_400_000;

interface Made {
  readonly key: string;
  readonly objectId: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A location whose keyrings somebody writes; five sequences were given away. */
class KeyringBench extends LockBench {
  readonly masterKey: MasterKey = MasterKey.generate(this.installationId);

  constructor() {
    super();
    this.catalog.sequences.raise('keyring', 5);
  }

  /** Puts a keyring, locked for so many days; `null`: not locked. */
  write(
    sequence: number,
    {
      masterKey = this.masterKey,
      storeId = this.location.storeId,
      days = 20,
    }: { readonly masterKey?: MasterKey; readonly storeId?: StoreId; readonly days?: number | null } = {},
  ): Made {
    const objectId = randomBytes(16);
    const body = {
      keyEpoch: masterKey.keyEpoch,
      createdAt: new Date(this.clock.storeMs).toISOString(),
      heads: noHeads,
      slots: [vaultSlot],
      unknownSlots: [],
    };
    const bytes = encodeKeyring({ objectId, sequence, storeId }, body, masterKey);
    const key = keyringName({ installationId: this.installationId, sequence, objectId });
    const lock = days === null ? {} : { retention: retentionOf({ mode: this.mode, until: new Date(this.in(days)) }) };
    this.bucket.put(key, bytes, { ifNoneMatch: true, ...lock });
    return { key, objectId, bytes };
  }

  async adopt(wrap: (store: ObjectStore) => ObjectStore = (store) => store): Promise<number> {
    const { catalog, location, installationId, masterKey, clock } = this;
    const store = wrap(this.openLocation().store);
    return await adoptKeyrings({ catalog, location, installationId, masterKey, store, now: () => new Date(clock.storeMs), signal });
  }

  /** What an audit finds, and the ends of the locks of keyrings as the ledger has them afterwards. */
  async audit(): Promise<readonly string[]> {
    const { catalog, location, installationId, clock } = this;
    const { store, locks } = this.openLocation();
    const { versions } = store;
    assert.ok(versions !== undefined && locks !== undefined);
    const { findings } = await auditLocation({
      catalog,
      location: { ...location, createdAt: new Date(clock.storeMs - 365 * day).toISOString() },
      installationId,
      store: { ...store, versions },
      locks: { now: () => locks.clock.now({ signal }), plan: this.plan },
      wallClock: () => new Date(clock.storeMs),
      signal,
    });
    return findings.map(({ key, kind }) => `${kind} ${key}`);
  }

  get copies(): readonly string[] {
    return this.catalog.keyrings.copiesAt(this.locationId).map(({ key }) => key);
  }
}

describe('keyrings whose arrival the ledger does not have', () => {
  it('X2 D3: one that was put before the daemon was killed, and that a later one overtook, is known again, and its lock is read back', async () => {
    await using bench = new KeyringBench();
    const orphan = bench.write(4, { days: 9 });
    bench.catalog.keyrings.add({ sequence: 4, objectId: orphan.objectId, bytes: orphan.bytes, createdAt: bench.location.createdAt });
    // Of a catalog that was rebuilt: it has nothing of it.
    const older = bench.write(2, { days: 3 });
    const newest = bench.write(5, { days: 30 });
    assert.equal(await bench.adopt(), 3);
    assert.deepEqual(bench.copies, [newest.key, orphan.key, older.key]);
    assert.deepEqual(await bench.audit(), []);
    const untilOf = ({ key }: Made): string | null => bench.row(key).retainUntil;
    assert.deepEqual(
      [orphan, older, newest].map((one) => Math.round((Date.parse(untilOf(one) ?? '') - bench.clock.storeMs) / day)),
      [9, 3, 30],
    );
    assert.ok(bench.catalog.keyrings.has(2, older.objectId));
    assert.equal(await bench.adopt(), 0);
  });

  it('the newest of them is kept locked from then on, and no other one', async () => {
    await using bench = new KeyringBench();
    const [first, newest] = [bench.write(4, { days: 9 }), bench.write(5, { days: 9 })];
    await bench.adopt();
    assert.equal((await bench.keep()).extended, 1);
    assert.ok((bench.lockedUntil(newest.key) ?? 0) > bench.in(30));
    assert.ok((bench.lockedUntil(first.key) ?? 0) < bench.in(10));
  });

  it('one that was never locked holds nothing up once that was read', async () => {
    await using bench = new KeyringBench();
    const early = bench.write(1, { days: null });
    bench.write(5);
    await bench.adopt();
    assert.deepEqual([bench.row(early.key).retainUntil, await bench.audit()], [null, []]);
    assert.ok((bench.row(early.key).retainUntil ?? '9') <= new Date(bench.clock.storeMs).toISOString());
  });

  it('C9 D4: what somebody else wrote, what was copied from another location, and what has a sequence that was never given stays a finding', async () => {
    await using bench = new KeyringBench();
    const strangers = [
      bench.write(3, { masterKey: MasterKey.generate(bench.installationId) }),
      bench.write(3, { storeId: idOf<StoreId>('11111111-2222-4333-8444-555555555555') }),
      bench.write(6),
    ];
    const junk = keyringName({ installationId: bench.installationId, sequence: 2, objectId: randomBytes(16) });
    bench.bucket.put(junk, randomBytes(3000));
    assert.equal(await bench.adopt(), 0);
    assert.deepEqual([bench.copies, bench.catalog.keyrings.list()], [[], []]);
    const expected = [...strangers.map(({ key }) => key), junk].map((key) => `unknownObject ${key}`);
    assert.deepEqual((await bench.audit()).toSorted(), expected.toSorted());
  });

  it('R8: thousands of planted ones cost at most a thousand reads, hide none of ours, and fill no catalog', async () => {
    await using bench = new KeyringBench();
    const own = [1, 2, 3, 4].map((sequence) => bench.write(sequence));
    bench.clock.leap(60_000);
    for (let number = 0; number < 4000; number += 1) {
      const sequence = 1 + (number % 7);
      bench.bucket.put(keyringName({ installationId: bench.installationId, sequence, objectId: randomBytes(16) }), randomBytes(200));
    }
    let reads = 0;
    const adopted = await bench.adopt((store) => ({
      ...store,
      get: async (key, options) => {
        reads += 1;
        return await store.get(key, options);
      },
    }));
    assert.equal(adopted, 4);
    assert.deepEqual(bench.copies, own.map(({ key }) => key).toReversed());
    assert.deepEqual([reads, bench.catalog.objects.lastNumber(bench.locationId)], [1000, 4]);
  });
});
