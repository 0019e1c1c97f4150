import assert from 'node:assert/strict';
import type { PolicyRecord } from '../../../../daemon/catalog/policyStore.ts';
import { PolicyMigration } from '../../../../daemon/recovery/migration/policyMigration.ts';
import { FixtureRepository } from '../../../support/fixtureRepository.ts';
import { somePolicy } from '../../../support/catalog.ts';
import { InstallationBench } from '../../../support/installationBench.ts';
import { usualRunRules, usualSourceRules } from '../../../../protocol/methods/policies.ts';
import type { LocationRecord } from '../../../../daemon/catalog/locationStore.ts';

const signal = new AbortController().signal;
const definition = { ...usualSourceRules, ...usualRunRules, sources: [] };

function migrationOf(bench: InstallationBench): PolicyMigration {
  return new PolicyMigration({
    installation: bench.installation,
    wallClock: () => bench.now,
    onPolicyChanged: (id) => void bench.changes.push(`policy ${id}`),
    onPointsChanged: (id) => void bench.changes.push(`point ${id}`),
  });
}

describe('The migration of a policy', () => {
  let owner: InstallationBench;
  let other: InstallationBench;
  let policy: PolicyRecord;
  let theirs: LocationRecord;

  /** One restore point more, which knows the ones before. */
  const backUp = async (sequence: number): Promise<string> => {
    const store = await owner.open(policy.locationId ?? assert.fail());
    const fixture = new FixtureRepository(store, owner.installation.keys.policyKeys(policy.policyId, 1), `run ${sequence}`, sequence);
    const { key } = await fixture.commit([fixture.source([])], { sequence, previous: sequence === 1 ? null : Buffer.alloc(32, 1) });
    return key;
  };

  beforeEach(async () => {
    owner = await InstallationBench.ready();
    const locationId = await owner.addLocation();
    policy = somePolicy(locationId, { name: 'work', definition });
    owner.installation.catalog.policies.add(policy);
    await backUp(1);
    other = await InstallationBench.ready();
    const saved = await other.installation.locations.add({ name: 'theirs', spec: { kind: 'filesystem', path: owner.at('store') } }, signal);
    assert.ok(saved.location !== null);
    theirs = other.installation.locations.resolve('theirs');
  });
  afterEach(() => {
    owner[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  const importHere = async (): Promise<void> => {
    const { text } = migrationOf(owner).export(policy, null);
    await migrationOf(other).import(text, { location: theirs, name: undefined, pollSeconds: 600 }, signal);
  };

  it('is left out by the monitor, by the heads of keyrings, and by whoever asks for keys to write with', async () => {
    await importHere();
    const { catalog, keys, keyrings } = other.installation;
    const { policyId } = policy;
    assert.equal(catalog.restorePoints.live(policyId).length, 1);
    assert.deepEqual(catalog.restorePoints.keptAt(theirs.storeId), []);
    assert.equal(catalog.restorePoints.hasRetired(theirs.storeId), false);
    assert.deepEqual(keyrings.headsAt(theirs.locationId).policies, {});
    assert.throws(() => keys.policyKeys(policyId, 1), { code: 'refusedByRule' });
    const [only, ...more] = keys.policyKeysOfAllGenerations(policyId, 7);
    assert.deepEqual([only?.installationId, only?.owner, more], [owner.installation.installationId, undefined, []]);
    assert.ok(only?.pack.equals(owner.installation.keys.policyKeys(policyId, 1).pack));
  });

  it('K2: keeps the key sealed in the catalog, and gives it to nobody while locked', async () => {
    await importHere();
    const { catalog, keys } = other.installation;
    const key = owner.installation.keys.masterKey.policyKey(policy.policyId, 1).export();
    const sealed = catalog.importedPolicies.get(policy.policyId)?.migrationKeys ?? assert.fail();
    assert.equal(Buffer.from(sealed).includes(key), false);
    assert.equal(keys.policyKeysOfAllGenerations(policy.policyId, 1).length, 1);
    other.installation.lock();
    assert.throws(() => keys.policyKeysOfAllGenerations(policy.policyId, 1), { code: 'locked' });
  });

  it('remembers why a look came to nothing, and forgets it with the next that did not', async () => {
    await importHere();
    const { catalog } = other.installation;
    const row = (): NonNullable<ReturnType<typeof catalog.importedPolicies.get>> =>
      catalog.importedPolicies.get(policy.policyId) ?? assert.fail();
    await backUp(2);
    other.now = new Date(other.now.getTime() + 600_000);
    const cut = AbortSignal.abort();
    await assert.rejects(migrationOf(other).refresh(row(), cut));
    assert.equal(row().problem, null, 'a cut look is no problem');
    const broken = new PolicyMigration({
      installation: Object.create(other.installation, {
        locations: { value: { open: () => Promise.reject(new RangeError('the disk is away')) } },
        catalog: { value: catalog },
        keys: { value: other.installation.keys },
      }),
      wallClock: () => other.now,
      onPolicyChanged: () => undefined,
      onPointsChanged: () => undefined,
    });
    await assert.rejects(broken.refresh(row(), signal), RangeError);
    assert.equal(row().problem, 'Failed to look for restore points.');
    assert.ok(row().refreshedAt < row().triedAt);
    assert.deepEqual(await migrationOf(other).refresh(row(), signal), { added: 1, gone: 1, damaged: [] });
    assert.deepEqual([row().problem, row().refreshedAt], [null, other.now.toISOString()]);
  });

  it('goes without a trace, and can come again', async () => {
    await importHere();
    const { catalog, keys } = other.installation;
    catalog.forgetImported(policy.policyId);
    keys.forgetImported(policy.policyId);
    assert.deepEqual([catalog.policies.list({ includeDeleted: true }), catalog.importedPolicies.list()], [[], []]);
    assert.equal(catalog.restorePoints.head(policy.policyId), undefined);
    await importHere();
    assert.equal(catalog.restorePoints.live(policy.policyId).length, 1);
  });

  it('takes nothing in that has expired, and exports for no longer than it was told', async () => {
    const { text, data } = migrationOf(owner).export(policy, 60);
    assert.equal(data.expiresAt, new Date(owner.now.getTime() + 60_000).toISOString());
    other.now = new Date(owner.now.getTime() + 60_001);
    const request = { location: theirs, name: undefined, pollSeconds: null };
    await assert.rejects(migrationOf(other).import(text, request, signal), { code: 'refusedByRule' });
    assert.deepEqual(other.installation.catalog.importedPolicies.list(), []);
  });
});
