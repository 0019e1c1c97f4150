import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { DrKey } from '../../../daemon/keys/dr/drKey.ts';
import { decodeKeyring, hasRecoveryMac, isAuthenticKeyring, isRecoveryKeyring, type Keyring } from '../../../daemon/keys/keyring.ts';
import { keyringFolder } from '../../../daemon/keys/keyringName.ts';
import type { LocationId, StoreId } from '../../../protocol/ids.ts';
import { somePoint, somePolicy } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';

/** Publishes a keyring, and gives what the location holds of it. */
async function published(bench: InstallationBench, locationId: LocationId): Promise<Keyring> {
  const { catalog, keyrings, keys } = bench.installation;
  catalog.transaction(() => keyrings.changed());
  const store = await bench.open(locationId);
  await keyrings.deliver(locationId, store);
  const { installationId } = keys.masterKey;
  const found: Keyring[] = [];
  for await (const page of store.list(keyringFolder(installationId))) {
    for (const { key } of page) {
      const object = await store.get(key);
      if (object !== undefined) found.push(decodeKeyring(object.body, installationId));
    }
  }
  const newest = found.toSorted((a, b) => b.sequence - a.sequence)[0];
  if (newest === undefined) throw new Error('no keyring is there');
  return newest;
}

describe('a keyring that is published', () => {
  it('is an object of its own at each location, with the same slots', async () => {
    using bench = await InstallationBench.ready();
    const locations = [await bench.addLocation('one'), await bench.addLocation('two')];
    const { catalog, keyrings } = bench.installation;
    catalog.transaction(() => keyrings.changed());
    const [one, two] = await Promise.all(locations.map((locationId) => published(bench, locationId)));
    assert.ok(one !== undefined && two !== undefined);
    assert.notEqual(one.storeId, two.storeId);
    assert.notDeepEqual(one.objectId, two.objectId);
    assert.deepEqual(one.body.slots, two.body.slots);
  });

  it('D4: is authenticated by the recovery key from when that is held on, and no more once it is not', async () => {
    using bench = await InstallationBench.ready();
    const locationId = await bench.addLocation();
    const { keys } = bench.installation;
    const { masterKey } = keys;
    const drKey = DrKey.generate(masterKey.installationId);
    keys.holdDrKeys({ drKey, nameKey: createSecretKey(Buffer.alloc(32)) });
    const keyring = await published(bench, locationId);
    assert.ok(isRecoveryKeyring(keyring, drKey) && isAuthenticKeyring(keyring, masterKey));
    keys.holdDrKeys(undefined);
    assert.ok(!drKey.isHeld);
    assert.ok(!hasRecoveryMac(await published(bench, locationId)));
  });

  it('K3: the recovery key goes with the master key when the daemon is locked', async () => {
    using bench = await InstallationBench.ready();
    const { keys } = bench.installation;
    const drKey = DrKey.generate(keys.masterKey.installationId);
    keys.holdDrKeys({ drKey, nameKey: createSecretKey(Buffer.alloc(32)) });
    keys.drop();
    assert.ok(!drKey.isHeld && keys.drKeys === undefined);
  });

  it('names the newest restore points of its own store, and none that a policy has elsewhere', async () => {
    using bench = await InstallationBench.ready();
    const locationId = await bench.addLocation();
    const { catalog } = bench.installation;
    const storeId = catalog.locations.get(locationId)?.storeId;
    const here = somePolicy(locationId, { name: 'here' });
    const moved = somePolicy(locationId, { name: 'moved' });
    for (const policy of [here, moved]) catalog.policies.add(policy);
    const point = somePoint(here.policyId, 2, storeId === undefined ? {} : { storeId });
    catalog.restorePoints.add(point);
    catalog.restorePoints.add(somePoint(moved.policyId, 7, { storeId: newId<StoreId>() }));
    const { heads } = (await published(bench, locationId)).body;
    assert.deepEqual(heads.policies, { [here.policyId]: { sequence: 2, sha256: Buffer.from(point.sha256).toString('base64') } });
  });

  it('leaves out of its heads what would not fit: the 200 policies with the highest sequences are named', async () => {
    using bench = await InstallationBench.ready();
    const locationId = await bench.addLocation();
    const { catalog } = bench.installation;
    const storeId = catalog.locations.get(locationId)?.storeId;
    assert.ok(storeId !== undefined);
    const policies = Array.from({ length: 203 }, (_, index) => somePolicy(locationId, { name: `policy ${index}` }));
    catalog.transaction(() => {
      for (const [index, policy] of policies.entries()) {
        catalog.policies.add(policy);
        catalog.restorePoints.add(somePoint(policy.policyId, index + 1, { storeId }));
      }
    });
    const { heads } = (await published(bench, locationId)).body;
    assert.deepEqual(
      Object.values(heads.policies)
        .map(({ sequence }) => sequence)
        .toSorted((a, b) => a - b),
      Array.from({ length: 200 }, (_, index) => index + 4),
    );
  });
});
