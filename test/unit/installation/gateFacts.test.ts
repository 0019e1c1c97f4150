import assert from 'node:assert/strict';
import { GateFacts } from '../../../daemon/installation/passkeys/gateFacts.ts';
import type { ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import type { LocationId, SlotId, StoreId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { MemoryStore } from '../../support/memoryStore.ts';

const { signal } = new AbortController();
const vaultKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' },
  access: { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null },
  credentials: undefined,
};
const day = 86_400_000;
const start = new Date('2026-01-02T03:04:05.678Z');
const inDays = (days: number): Date => new Date(start.getTime() + days * day);

/** An installation on Vault alone, rotated once; a location with locks holds every keyring for 30 days. */
async function rotated(): Promise<{ readonly bench: InstallationBench; readonly old: SlotId; readonly locationId: LocationId }> {
  const bench = new InstallationBench();
  const { installation } = bench;
  await installation.setUp('vault', vaultKey, signal);
  const { catalog } = installation;
  const locationId = newId<LocationId>();
  const store = new MemoryStore();
  catalog.locations.add({
    locationId,
    name: 'vault-store',
    kind: 's3',
    spec: '{}',
    storeId: newId<StoreId>(),
    createdAt: start.toISOString(),
    lastValidatedAt: null,
    uploadLimit: null,
    lockMode: 'compliance',
    protectionPeriodDays: 30,
    credentials: null,
    validated: null,
    lockProof: null,
  });
  await installation.keyrings.deliver(locationId, store);
  const { previous } = await installation.passkeys.rotate('vault', {}, signal);
  await installation.keyrings.deliver(locationId, store);
  lockAll(bench, locationId, inDays(30));
  return { bench, old: installation.passkeys.resolve(previous.slotId).slotId, locationId };
}

function lockAll({ installation: { catalog } }: InstallationBench, locationId: LocationId, until: Date): void {
  for (const { key } of catalog.keyrings.copiesAt(locationId)) {
    const object = catalog.objects.get(locationId, key) ?? assert.fail();
    if (object.retainUntil !== null) continue;
    catalog.objects.record({ ...object, retainUntil: until.toISOString(), lockReadAt: start.toISOString() });
  }
}

describe('what the retirement gate goes by', () => {
  it('D2 D3: keyrings that are locked keep a Vault key version until the last of them ends, by the clock of their store alone', async () => {
    const { bench, old, locationId } = await rotated();
    using _ = bench;
    const gates = new GateFacts(bench.installation.catalog);
    assert.deepEqual(
      gates.holders().map(({ what, slotIds }) => [what, slotIds.size]),
      [
        ['keyring 2 in vault-store', 2],
        ['keyring 1 in vault-store', 1],
      ],
    );
    // Ten years on the machine open nothing.
    bench.now = inDays(3650);
    const refused = gates.decide(old);
    assert.deepEqual([refused.allowed, refused.from], [false, inDays(30)]);
    const asked: LocationId[] = [];
    const at =
      (days: number) =>
      (asking: LocationId): Promise<Date> => {
        asked.push(asking);
        return Promise.resolve(inDays(days));
      };
    assert.equal((await gates.decideNow(old, at(29), signal)).allowed, false);
    assert.equal((await gates.decideNow(old, at(30), signal)).allowed, true);
    assert.deepEqual(asked, [locationId, locationId]);
    const away = await gates.decideNow(old, () => Promise.reject(new Error('away')), signal);
    assert.deepEqual([away.allowed, away.from], [false, inDays(30)]);
  });

  it('asks no store where its time changes nothing', async () => {
    const { bench } = await rotated();
    using _ = bench;
    const { installation } = bench;
    const gates = new GateFacts(installation.catalog);
    const inUse = installation.passkeys.resolve('vault').slotId;
    let asked = 0;
    const decision = await gates.decideNow(inUse, async () => ((asked += 1), start), signal);
    assert.deepEqual([decision.allowed, decision.from, asked], [false, null, 0]);
  });

  it('D3: refused once, the slot is left out of new keyrings, so that the date stands however long the newest one is kept locked', async () => {
    const { bench, old } = await rotated();
    using _ = bench;
    const { installation } = bench;
    const refusal = { code: 'refusedByRule', details: { from: inDays(30).toISOString() } };
    await assert.rejects(installation.passkeys.retire(old, { confirmed: true }, signal), (error: unknown) => {
      assert.ok(error instanceof Error && 'code' in error && 'details' in error);
      assert.equal(error.code, refusal.code);
      assert.equal(Object(error.details).from, refusal.details.from);
      return true;
    });
    assert.notEqual(installation.catalog.passkeys.get(old)?.leftKeyringsAt, null);
    const listed = installation.passkeys.list({}).items.find(({ slotId }) => slotId === old);
    assert.deepEqual([listed?.state, listed?.retirableFrom], ['ready', inDays(30).toISOString()]);
    assert.match(listed?.warnings.join(' ') ?? '', /New keyrings leave it out/);
  });
});
