import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import { openCatalog } from '../../../daemon/catalog/openCatalog.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { isEnded } from '../../../protocol/methods/actions.ts';
import { immutabilityAudit, immutabilityStatus } from '../../../protocol/methods/immutability.ts';
import { passkeyGate, passkeyList, passkeyRotate } from '../../../protocol/methods/passkeys.ts';
import { recoveryImportStored } from '../../../protocol/methods/recovery.ts';
import { type InitKey, sessionLock, sessionUnlock } from '../../../protocol/methods/session.ts';
import { AttackersHand } from '../../support/bucket/attackersHand.ts';
import { bucketConnection } from '../../support/bucket/bucketConnection.ts';
import type { VersionedStore } from '../../support/bucket/bucketStore.ts';
import { interceptedStore } from '../../support/bucket/interceptedStore.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';
import { succeeded } from '../../support/drivenDaemon.ts';
import { FakeKeyAgent } from '../../support/fakeKeyAgent.ts';
import { InProcessDaemon } from '../../support/inProcessDaemon.ts';
import { FakeScrypt } from '../keys/support/fakeScrypt.ts';

const vault: InitKey = {
  target: { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' },
  access: { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null },
};

/** A machine on Vault, whose key was rotated once, is lost; another one takes over what is stored. */
class Rescue implements AsyncDisposable {
  readonly keyAgent: FakeKeyAgent = new FakeKeyAgent();
  #made: BucketDaemon | undefined;
  #daemon: InProcessDaemon | undefined;
  #catalog: Catalog | undefined;

  async run(wrap: (store: VersionedStore) => VersionedStore = (store) => store): Promise<void> {
    const made = await BucketDaemon.ready({ key: vault, keyAgent: this.keyAgent });
    this.#made = made;
    await made.backUp();
    made.clock.leap(60_000);
    made.daemon.stepUp.grant();
    await made.daemon.call(passkeyRotate, { requestId: randomUUID(), passkey: 'first' });
    await made.stop();
    made.clock.leap(3_600_000);
    this.#daemon = await InProcessDaemon.start(path.join(made.folder, 'rescued'), {
      scrypt: new FakeScrypt(),
      keyAgent: this.keyAgent,
      wallClock: made.clock.wall,
      timers: made.clock,
      clocks: made.clock.read,
      connectS3: (options) => Promise.resolve(bucketConnection(made.bucket, options, wrap)),
      openCatalog: (file) => (this.#catalog = openCatalog(file)),
    });
    const spec = { kind: 's3', bucket: 'backups', region: made.bucket.region, credentials: { source: 'chain' } } as const;
    succeeded(
      await this.daemon.ended(
        await this.daemon.call(recoveryImportStored, { requestId: randomUUID(), spec, locationName: 'store', key: vault, tries: 8 }),
      ),
    );
    await this.idle();
  }

  get made(): BucketDaemon {
    return this.#made ?? assert.fail();
  }

  get daemon(): InProcessDaemon {
    return this.#daemon ?? assert.fail();
  }

  get catalog(): Catalog {
    return this.#catalog ?? assert.fail();
  }

  /** Keys of the keyrings that the catalog knows to be there, newest first. */
  get keyrings(): readonly string[] {
    const { locations, keyrings } = this.catalog;
    return locations.list().flatMap(({ locationId }) => keyrings.copiesAt(locationId).map(({ key }) => key));
  }

  async idle(): Promise<void> {
    for (;;) {
      const { locations } = await this.daemon.call(immutabilityStatus, {});
      const isBusy = this.catalog.actions.list({ limit: 5 }).items.some(({ state }) => !isEnded(state));
      if (!isBusy && !locations.some(({ isRefreshing }) => isRefreshing)) return;
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  async pass(days: number): Promise<void> {
    for (let day = 0; day < days; day += 1) {
      this.made.clock.leap(86_400_000);
      await this.idle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    await this.#made?.[Symbol.asyncDispose]();
  }
}

const isLocked = ({ made }: Rescue, key: string): boolean => (made.lockedUntil(key) ?? 0) > made.clock.storeMs;

describe('keyrings of a location that was imported', function () {
  this.timeout(60_000);

  it('R5: the newest outlives months and an attacker with all rights, and what was put at once is locked from its put', async () => {
    await using rescue = new Rescue();
    await rescue.run();
    const [own = '', ...imported] = rescue.keyrings;
    assert.ok(imported.length >= 2 && isLocked(rescue, own));
    await rescue.pass(50);
    assert.ok(isLocked(rescue, own));
    for (const key of imported) assert.ok(!isLocked(rescue, key), `${key} was extended`);
    const { bucket } = rescue.made;
    new AttackersHand(bucket).deleteAllVersions();
    assert.ok(bucket.history(own).length > 0);
  });

  it('R5: where nothing can be put, the newest that was there is kept locked, until one of ours comes', async () => {
    await using rescue = new Rescue();
    let isRefused = true;
    await rescue.run((store) =>
      interceptedStore(store, async (verb, key, act) => {
        const isKeyring = verb === 'put' && key.includes('/keyring/');
        if (isRefused && isKeyring) throw HoldfastError.failedTo('storeRefused', `put object ${key}`, 'it may not');
        return await act();
      }),
    );
    const [newest = '', ...older] = rescue.keyrings;
    assert.ok(older.length > 0);
    await rescue.pass(50);
    assert.deepEqual([isLocked(rescue, newest), rescue.keyrings[0]], [true, newest]);
    for (const key of older) assert.ok(!isLocked(rescue, key), `${key} was extended`);
    isRefused = false;
    await rescue.daemon.call(sessionLock, {});
    await rescue.daemon.call(sessionUnlock, {});
    assert.notEqual(rescue.keyrings[0], newest);
    assert.ok(isLocked(rescue, rescue.keyrings[0] ?? ''));
  });

  it('D2 D3: the gate keeps the old Vault version for earlier keyrings whose locks nobody has read, and knows their end after an audit', async () => {
    await using rescue = new Rescue();
    await rescue.run();
    const { items } = await rescue.daemon.call(passkeyList, {});
    const old = items.find(({ inUse }) => !inUse);
    assert.ok(old !== undefined && items.length === 2);
    const ask = async (): Promise<{ readonly allowed: boolean; readonly reasons: string }> => {
      const { allowed, reasons } = await rescue.daemon.call(passkeyGate, { passkey: old.slotId });
      return { allowed, reasons: JSON.stringify(reasons) };
    };
    const before = await ask();
    assert.equal(before.allowed, false);
    assert.match(before.reasons, /keyring \d+ in store/);
    succeeded(await rescue.daemon.ended(await rescue.daemon.call(immutabilityAudit, { requestId: randomUUID(), location: 'store' })));
    const { objects, locations } = rescue.catalog;
    const [location] = locations.list();
    for (const key of rescue.keyrings) {
      const row = objects.get(location?.locationId ?? assert.fail(), key);
      assert.equal(Date.parse(row?.retainUntil ?? ''), rescue.made.lockedUntil(key), key);
    }
    assert.equal((await ask()).allowed, false);
  });
});
