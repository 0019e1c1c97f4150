import assert from 'node:assert/strict';
import { decodeKeyring, encodeKeyring, type Keyring } from '../../../daemon/keys/keyring.ts';
import { keyringName } from '../../../daemon/keys/keyringName.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { nodeFileSystem } from '../../../daemon/locations/fileAccess.ts';
import { ImportStored } from '../../../daemon/recovery/importStored.ts';
import type { ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { noHeads } from '../../support/noHeads.ts';
import { PolicyBench } from '../../support/policyBench.ts';
import { SeededRandom } from '../../support/random.ts';
import { vaultSlot } from '../keys/support/keyrings.ts';

const { signal } = new AbortController();
const vaultKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' },
  access: { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null },
  credentials: undefined,
};

/** A machine with a passphrase, a spare one and a Vault key in use, each of which came with a keyring of its own. */
async function machine(): Promise<InstallationBench> {
  const bench = await InstallationBench.ready();
  await bench.addLocation();
  const { passkeys } = bench.installation;
  for (const [name, key, useNow] of [
    ['vault', vaultKey, true],
    ['spare', { kind: 'passphrase', passphrase: Buffer.from('other') }, false],
  ] as const) {
    bench.now = new Date(bench.now.getTime() + 60_000);
    await passkeys.add(name, key, useNow, signal);
  }
  return bench;
}

class Rescued extends PolicyBench {
  /** As the import says it. */
  broughtBack: unknown;
}

async function rescue(
  from: InstallationBench,
  secret: { readonly passphrase: string } | { readonly key: ServiceSlotKey },
  folder = from.at('store'),
): Promise<Rescued> {
  const empty = new Rescued(new InstallationBench({ keyAgent: from.keyAgent }));
  const { base } = empty;
  base.now = new Date(from.now.getTime() + 60_000);
  const service = new ImportStored({
    installation: base.installation,
    fileSystem: nodeFileSystem,
    scrypt: base.scrypt,
    keyAgent: base.keyAgent,
    wallClock: () => base.now,
    retiredBy: () => new Set(),
  });
  const { document } = await service.run(
    {
      spec: { kind: 'filesystem', path: folder },
      keys: undefined,
      locationName: 'store',
      installation: undefined,
      at: undefined,
      passkey: undefined,
      passphrase: 'passphrase' in secret ? Buffer.from(secret.passphrase) : undefined,
      key: 'key' in secret ? secret.key : undefined,
      tries: 100,
    },
    empty.startAction(),
  );
  empty.broughtBack = document['broughtBack'];
  return empty;
}

/** The keyrings that a catalog knows at its one location, newest first, as the store has them. */
async function keyringsOf({ installation }: InstallationBench): Promise<readonly Keyring[]> {
  const { catalog, installationId } = installation;
  const [location] = catalog.locations.list();
  assert.ok(location !== undefined);
  const store = await installation.locations.open(location.locationId);
  const copies = catalog.keyrings.copiesAt(location.locationId);
  return await Promise.all(copies.map(async ({ key }) => decodeKeyring((await store.get(key))?.body ?? assert.fail(key), installationId)));
}

function states({ base: { installation } }: PolicyBench): object {
  return Object.fromEntries(
    installation.passkeys.list({}).items.map(({ name, state, inUse, verifiedAt }) => [name, [state, inUse, verifiedAt !== null]]),
  );
}

const slotIds = ({ body }: Keyring): readonly string[] => body.slots.map(({ slotId }) => slotId).toSorted();

describe('keyrings after an import of what is stored', () => {
  it('R5 D3: each that this installation wrote is in the ledger, with a lock that nobody has read', async () => {
    using from = await machine();
    const before = from.installation.catalog.keyrings.copiesAt(from.installation.locations.resolve('store').locationId);
    using lost = await rescue(from, { key: vaultKey });
    const { catalog } = lost.base.installation;
    const [location] = catalog.locations.list();
    assert.ok(location !== undefined && before.length === 3);
    const copies = catalog.keyrings.copiesAt(location.locationId);
    assert.deepEqual(
      copies.slice(1).map(({ key, sequence }) => [key, sequence]),
      before.map(({ key, sequence }) => [key, sequence]),
    );
    for (const { key } of copies) {
      const row = catalog.objects.get(location.locationId, key);
      const written = from.installation.catalog.objects.get(from.installation.locations.resolve('store').locationId, key);
      assert.deepEqual([row?.kind, row?.state, row?.retainUntil, row?.lockReadAt], ['keyring', 'present', null, null]);
      if (written !== undefined) assert.deepEqual([row?.sha256, row?.size], [written.sha256, written.size]);
    }
  });

  it('R5: a keyring of its own comes behind them at once, with the passkeys that are there now, naming the one before', async () => {
    using from = await machine();
    using lost = await rescue(from, { passphrase: 'other' });
    const { installation } = lost.base;
    const [newest, imported] = await keyringsOf(lost.base);
    assert.ok(newest !== undefined && imported !== undefined);
    assert.deepEqual([newest.sequence, newest.body.heads.keyring?.sequence], [imported.sequence + 1, imported.sequence]);
    assert.deepEqual([slotIds(newest), slotIds(newest).length], [slotIds(imported), 3]);
    const [location] = installation.catalog.locations.list();
    assert.equal(location !== undefined && installation.keyrings.isBehind(location.locationId), false);
    // A second rescue finds all of them, and its passkeys open there too.
    using again = await rescue(lost.base, { passphrase: 'right' }, from.at('store'));
    assert.equal((await keyringsOf(again.base))[0]?.sequence, newest.sequence + 1);
  });

  it('C9 D1: verified is what opened alone; nothing counts on the others, and each is verified by its own secret', async () => {
    using from = await machine();
    using withVault = await rescue(from, { key: vaultKey });
    assert.deepEqual(states(withVault), {
      'passphrase-1': ['unverified', false, false],
      'vaultTransit-2': ['ready', true, true],
      'passphrase-3': ['unverified', false, false],
    });
    const { passkeys } = withVault.base.installation;
    await assert.rejects(passkeys.use('passphrase-1', signal), { code: 'refusedByRule' });
    await assert.rejects(passkeys.verify('passphrase-1', { passphrase: Buffer.from('wrong') }, signal), { code: 'wrongSecret' });
    assert.equal((await passkeys.verify('passphrase-1', { passphrase: Buffer.from('right') }, signal)).state, 'ready');
    assert.equal((await passkeys.use('passphrase-1', signal)).inUse, true);
    using withWords = await rescue(from, { passphrase: 'other' });
    assert.deepEqual(states(withWords), {
      'passphrase-1': ['unverified', false, false],
      'vaultTransit-2': ['unverified', false, false],
      'passphrase-3': ['ready', true, true],
    });
  });

  it('R5 D1: what an earlier keyring alone holds is a passkey again where it opened: verified, in use, and in the keyring that is put', async () => {
    using from = await machine();
    await from.installation.passkeys.retire('main', { confirmed: true }, signal);
    using withWords = await rescue(from, { passphrase: 'right' });
    assert.deepEqual(states(withWords), {
      'vaultTransit-1': ['unverified', false, false],
      'passphrase-2': ['unverified', false, false],
      'passphrase-3': ['ready', true, true],
    });
    assert.equal(withWords.broughtBack, 'passphrase-3');
    const { installation } = withWords.base;
    installation.lock();
    await installation.unlock({ passphrase: Buffer.from('right') }, undefined, signal);
    assert.equal(installation.state, 'unlocked');
    const [newest] = await keyringsOf(withWords.base);
    assert.deepEqual(newest?.body.slots.map(({ kind }) => kind).toSorted(), ['passphrase', 'passphrase', 'vaultTransit']);
  });

  it('R5 D1: a key outside that an earlier keyring alone holds is a passkey again too, as it was wrapped', async () => {
    using from = await machine();
    const { passkeys } = from.installation;
    await passkeys.use('spare', signal);
    for (const name of ['main', 'vault']) await passkeys.retire(name, { confirmed: true }, signal);
    using withVault = await rescue(from, { key: vaultKey });
    assert.deepEqual(states(withVault), { 'passphrase-1': ['unverified', false, false], 'vaultTransit-2': ['ready', true, true] });
    assert.equal((await withVault.base.installation.passkeys.verify('vaultTransit-2', {}, signal)).state, 'ready');
  });

  it('D1: nothing is a passkey again that the newest keyring holds, or that did not open', async () => {
    using from = await machine();
    await from.installation.passkeys.retire('main', { confirmed: true }, signal);
    for (const secret of [{ passphrase: 'other' }, { key: vaultKey }]) {
      using lost = await rescue(from, secret);
      assert.deepEqual([Object.keys(states(lost)).length, lost.broughtBack], [2, null]);
    }
  });

  it('D3: a passkey that nobody here knows how to reach is neither rotated by itself, which is said with what to do, nor kept in new keyrings for good', async () => {
    using from = await machine();
    using lost = await rescue(from, { passphrase: 'right' });
    const { passkeys } = lost.base.installation;
    const schedule = async (): Promise<string> => (await passkeys.schedule('vaultTransit-2', 90, signal)).name;
    await assert.rejects(schedule(), (error: unknown) => {
      assert.ok(HoldfastError.is(error, 'refusedByRule'));
      assert.match(`${error.message} ${error.fix ?? ''}`, /does not know how to log in.*holdfast passkey verify vaultTransit-2/);
      return true;
    });
    const { catalog, keyrings } = lost.base.installation;
    const [location] = catalog.locations.list();
    catalog.locations.change(location?.locationId ?? assert.fail(), { lockMode: 'compliance', protectionPeriodDays: 30 });
    await assert.rejects(passkeys.retire('vaultTransit-2', { confirmed: true }, signal), { code: 'refusedByRule' });
    assert.notEqual(catalog.passkeys.byName('vaultTransit-2')?.leftKeyringsAt, null);
    const [newest] = await keyringsOf(lost.base);
    assert.deepEqual(
      [newest?.body.slots.map(({ kind }) => kind), keyrings.isBehind(location?.locationId ?? assert.fail())],
      [['passphrase', 'passphrase'], false],
    );
    await passkeys.verify('vaultTransit-2', { access: vaultKey.access }, signal);
    assert.equal(await schedule(), 'vaultTransit-2');
  });

  it('C9 R8: of thousands that somebody planted none is known afterwards, and each of ours is', async () => {
    using from = await machine();
    const { installationId } = from.installation;
    const { locationId, storeId } = from.installation.locations.resolve('store');
    const store = await from.open(locationId);
    const random = new SeededRandom(3);
    const forger = MasterKey.generate(installationId);
    const createdAt = from.now.toISOString();
    for (let number = 0; number < 1500; number += 1) {
      const identity = { installationId, sequence: 1 + (number % 2), objectId: random.bytes(16), storeId };
      const body = { keyEpoch: 1, createdAt, heads: noHeads, slots: [vaultSlot], unknownSlots: [] };
      await store.put(keyringName(identity), number % 3 === 0 ? random.bytes(300) : encodeKeyring(identity, body, forger));
    }
    // Ours, of another location of this installation.
    const copied = { installationId, sequence: 2, objectId: random.bytes(16), storeId: newId<StoreId>() };
    const body = { keyEpoch: 1, createdAt, heads: noHeads, slots: [vaultSlot], unknownSlots: [] };
    await store.put(keyringName(copied), encodeKeyring(copied, body, from.installation.keys.masterKey));
    using lost = await rescue(from, { key: vaultKey });
    assert.deepEqual(
      (await keyringsOf(lost.base)).map(({ sequence }) => sequence),
      [4, 3, 2, 1],
    );
    assert.equal(lost.base.installation.catalog.keyrings.list().length, 4);
  });
});
