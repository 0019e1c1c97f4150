import assert from 'node:assert/strict';
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { RestorePointRecord } from '../../../daemon/catalog/restorePointStore.ts';
import { keyringName } from '../../../daemon/keys/keyringName.ts';
import { nodeFileSystem } from '../../../daemon/locations/fileAccess.ts';
import { ImportStored } from '../../../daemon/recovery/importStored.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { verifyRestorePoint } from '../../../daemon/repository/verify.ts';
import type { WorkResult } from '../../../daemon/actions/actionQueue.ts';
import type { ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { KeyTarget } from '../../../protocol/keyServices.ts';
import { namedKeysSchema } from '../../../protocol/namedKeys.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { PolicyBench } from '../../support/policyBench.ts';
import { SeededRandom } from '../../support/random.ts';

interface ImportOptions {
  readonly passphrase?: string;
  readonly installation?: string;
  readonly at?: string;
  readonly passkey?: string;
  readonly tries?: number;
  readonly folder?: string;
  /** In place of a passphrase; null: neither. */
  readonly key?: ServiceSlotKey | null;
}

/** A lost machine: the store of `from`, and an empty state directory. */
class Lost implements Disposable {
  readonly empty: PolicyBench;
  readonly from: PolicyBench;

  constructor(from: PolicyBench) {
    this.from = from;
    this.empty = new PolicyBench(new InstallationBench({ keyAgent: from.base.keyAgent }));
  }

  async run(options: ImportOptions = {}): Promise<WorkResult> {
    const { base } = this.empty;
    const { installation, scrypt } = base;
    const passphrase = options.key === undefined ? Buffer.from(options.passphrase ?? 'right') : undefined;
    const service = new ImportStored({
      installation,
      fileSystem: nodeFileSystem,
      scrypt,
      keyAgent: base.keyAgent,
      wallClock: () => base.now,
      retiredBy: (points, keep) => this.empty.retention.wouldRetire(points, keep),
    });
    try {
      return await service.run(
        {
          spec: { kind: 'filesystem', path: options.folder ?? this.from.base.at('store') },
          keys: undefined,
          locationName: 'store',
          installation: options.installation,
          at: options.at,
          passkey: options.passkey,
          passphrase,
          key: options.key ?? undefined,
          tries: options.tries ?? 8,
        },
        this.empty.startAction(),
      );
    } finally {
      assert.ok(passphrase?.every((byte) => byte === 0) ?? true, 'the passphrase is overwritten, however it ends');
    }
  }

  /** Collects what is garbage to the catalog that was rebuilt, a day and a day later. */
  async collectAll(): Promise<void> {
    const [location] = this.empty.catalog.locations.list();
    assert.ok(location !== undefined);
    for (let day = 0; day < 2; day += 1) {
      const { outcome } = await this.empty.garbage.collect(location, false, this.empty.startAction());
      assert.equal(outcome, 'complete');
      const folder = this.from.base.at('store');
      const then = new Date(Date.now() - 25 * 3_600_000);
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (name.includes('/condemned/')) utimesSync(`${folder}/${name}`, then, then);
      }
    }
  }

  /** Whether all of a restore point can be read from the store. */
  async isWhole({ manifestKey }: RestorePointRecord): Promise<boolean> {
    const { installation } = this.from.base;
    const { policyId, keyGeneration, locationId } = this.from.policies.resolve('files');
    const store = await this.from.base.open(locationId ?? assert.fail());
    const keys = installation.keys.policyKeysOfAllGenerations(policyId, keyGeneration);
    try {
      return (await verifyRestorePoint(store, manifestKey, keySourceOf(...keys), { readData: true })).ok;
    } catch (error) {
      if (HoldfastError.is(error, 'objectMissing')) return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.empty[Symbol.dispose]();
  }
}

async function house(): Promise<PolicyBench> {
  const bench = await PolicyBench.ready();
  await bench.createPolicy({ exclude: ['*.o'] });
  return bench;
}

function countsOf({ live, retired, later, pinned }: Readonly<Record<string, unknown>>): object {
  return { live, retired, later, pinned };
}

describe('import of what is stored', () => {
  it('X8: brings every restore point back, with its policy paused, and the next backup goes on from there', async () => {
    using from = await house();
    const first = await from.point('files');
    const second = await from.point('files', { tree: { b: 'B' }, warnings: ['b changed.'] });
    from.points.retire(first.id, true);
    const third = await from.point('files');
    using lost = new Lost(from);
    const { outcome, document } = await lost.run();
    assert.deepEqual([outcome, document['policies'], document['restorePoints'], document['damagedCount']], ['complete', 1, 3, 0]);
    assert.deepEqual(countsOf(document), { live: 2, retired: 1, later: 0, pinned: 0 });
    assert.deepEqual([document['location'], document['passkeys']], ['store', ['passphrase-1']]);
    const { empty } = lost;
    assert.equal(empty.base.installation.state, 'unlocked');
    const policy = empty.policies.describe(empty.policies.resolve('files'));
    assert.deepEqual(
      [policy.paused, policy.exclude, policy.sources],
      [true, ['*.o'], from.policies.describe(from.policies.resolve('files')).sources],
    );
    for (const before of [first, second, third]) {
      const after = empty.points.resolve(before.id);
      assert.deepEqual(
        [after.state, after.sequence, after.outcome],
        [before.id === first.id ? 'retired' : 'live', before.sequence, before.outcome],
      );
      assert.deepEqual(after.sha256, Uint8Array.from(before.sha256));
    }
    const next = await empty.point('files');
    assert.equal(next.sequence, 4);
    assert.deepEqual(empty.jobs[0]?.previous, Uint8Array.from(third.sha256));
    assert.equal(empty.jobs[0]?.nextIndexSequence, 4);
  });

  it('F1: as of a time, the restore points after it are not listed, and the next one forks nothing', async () => {
    using from = await house();
    const first = await from.point('files', { finished: '2026-03-01T00:00:00.000Z' });
    const second = await from.point('files', { finished: '2026-03-02T00:00:00.000Z' });
    using lost = new Lost(from);
    const { document } = await lost.run({ at: '2026-03-01T12:00:00.000Z' });
    assert.equal(document['restorePoints'], 1);
    assert.deepEqual(countsOf(document), { live: 1, retired: 0, later: 1, pinned: 1 });
    assert.deepEqual(
      lost.empty.points.list({ includeRetired: false }).items.map(({ id }) => id),
      [first.id],
    );
    const next = await lost.empty.point('files');
    assert.equal(next.sequence, second.sequence + 1);
    assert.deepEqual(lost.empty.jobs[0]?.previous, Uint8Array.from(second.sha256));
  });

  it('F1 F3: as of a time, the restore points after it are garbage to nobody until they are unpinned', async () => {
    using from = await house();
    await from.backUp('files', { tree: { a: 'one' }, finished: '2026-03-01T00:00:00.000Z' });
    const later = [
      await from.point('files', { tree: { a: 'two' }, finished: '2026-03-02T00:00:00.000Z' }),
      await from.point('files', { tree: { a: 'three' }, finished: '2026-03-03T00:00:00.000Z' }),
    ];
    using lost = new Lost(from);
    await lost.run({ at: '2026-03-01T12:00:00.000Z' });
    await lost.empty.backUp('files', { tree: { a: 'four' } });
    await lost.collectAll();
    for (const point of later) assert.ok(await lost.isWhole(point), `restore point ${point.sequence}`);
    const [location] = lost.empty.catalog.locations.list();
    assert.equal(location !== undefined && lost.empty.garbage.hasWork(location), false);
    for (const { id } of later) lost.empty.points.setPinned(id, false);
    await lost.collectAll();
    for (const point of later) assert.equal(await lost.isWhole(point), false);
  });

  it('F3: what an import has pinned is given away by no later import either', async () => {
    using from = await house();
    await from.backUp('files', { tree: { a: 'one' }, finished: '2026-03-01T00:00:00.000Z' });
    const later = await from.point('files', { tree: { a: 'two' }, finished: '2026-03-02T00:00:00.000Z' });
    using first = new Lost(from);
    await first.run({ at: '2026-03-01T12:00:00.000Z' });
    await first.empty.backUp('files', { tree: { a: 'three' } });
    using second = new Lost(from);
    await second.run();
    await second.empty.backUp('files', { tree: { a: 'four' } });
    await second.collectAll();
    assert.ok(await second.isWhole(later));
  });

  it('F3 M7: restore points of a machine that knew nothing of the newest one are garbage to nobody; those that were retired go', async () => {
    using from = await house();
    const first = await from.point('files', { tree: { a: 'one' } });
    using copy = new Lost(from);
    await copy.run();
    const forked = await copy.empty.point('files', { tree: { a: 'of the copy' } });
    from.points.retire(first.id, true);
    const second = await from.point('files', { tree: { a: 'two' } });
    const newest = await from.point('files', { tree: { a: 'three' } });
    assert.equal(forked.sequence, second.sequence);
    using lost = new Lost(from);
    const { document } = await lost.run();
    assert.deepEqual(countsOf(document), { live: 2, retired: 2, later: 0, pinned: 1 });
    await lost.empty.backUp('files', { tree: { a: 'four' } });
    await lost.collectAll();
    for (const point of [forked, second, newest]) assert.ok(await lost.isWhole(point), point.id);
    assert.equal(await lost.isWhole(first), false);
  });

  it('F2: what the rules would retire at the next run comes back pinned: the user may have pinned it, which no store knows', async () => {
    using from = await PolicyBench.ready();
    await from.createPolicy({ keep: { latest: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 } });
    const treasured = await from.point('files');
    from.points.setPinned(treasured.id, true);
    for (let run = 0; run < 4; run += 1) await from.backUp('files');
    using lost = new Lost(from);
    const { document } = await lost.run();
    // The third was retired after the fifth was committed, which no store knows either.
    assert.deepEqual(countsOf(document), { live: 4, retired: 1, later: 0, pinned: 2 });
    for (let run = 0; run < 3; run += 1) await lost.empty.backUp('files');
    const { items } = lost.empty.points.list({ policy: 'files', includeRetired: false });
    assert.deepEqual(
      items.map(({ sequence, pinned }) => [sequence, pinned]),
      [
        [8, false],
        [7, false],
        [3, true],
        [1, true],
      ],
    );
  });

  it('a wrong passphrase opens nothing and leaves the state directory as empty as it was; any of the keyring opens all', async () => {
    using from = await house();
    await from.backUp('files');
    await from.base.installation.passkeys.add(
      'spare',
      { kind: 'passphrase', passphrase: Buffer.from('other') },
      false,
      new AbortController().signal,
    );
    using lost = new Lost(from);
    await assert.rejects(lost.run({ passphrase: 'wrong' }), { code: 'wrongSecret' });
    await assert.rejects(lost.run({ passkey: 'laptop' }), { code: 'unknownName' });
    assert.equal(lost.empty.base.installation.state, 'notSetUp');
    assert.equal(lost.empty.base.installation.locations.list({}).items.length, 0);
    await lost.run({ passphrase: 'other' });
    assert.equal(lost.empty.points.list({ includeRetired: false }).items.length, 1);
    await assert.rejects(lost.run(), { code: 'alreadySetUp' });
  });

  it('of several installations in one folder asks which, and takes the one that is named or begun', async () => {
    using from = await house();
    await from.backUp('files');
    using other = await house();
    await other.backUp('files');
    cpSync(other.base.at('store', other.base.installation.installationId), from.base.at('store', other.base.installation.installationId), {
      recursive: true,
    });
    const ids = [from, other].map(({ base }) => base.installation.installationId);
    using lost = new Lost(from);
    await assert.rejects(
      lost.run(),
      (error) =>
        HoldfastError.is(error, 'ambiguousName') && JSON.stringify(error.details?.['installations']) === JSON.stringify(ids.toSorted()),
    );
    await assert.rejects(lost.run({ installation: 'ffffffff-ffff' }), { code: 'unknownName' });
    const { document } = await lost.run({ installation: (ids[0] ?? '').slice(0, 8) });
    assert.equal(document['installationId'], ids[0]);
  });

  it('says that a folder is no location, or holds no installation', async () => {
    using from = await PolicyBench.ready();
    using lost = new Lost(from);
    await assert.rejects(lost.run({ folder: from.base.at('source') }), { code: 'storeUnreachable' });
    using other = await InstallationBench.ready();
    await other.addLocation();
    rmSync(other.at('store', other.installation.installationId), { recursive: true });
    await assert.rejects(lost.run({ folder: other.at('store') }), { code: 'unknownName' });
  });

  it('C9: finds the passphrase’s keyring among junk, and names the junk', async () => {
    using from = await house();
    const point = await from.point('files');
    const { installation } = from.base;
    const store = await from.base.open(installation.locations.resolve('store').locationId);
    const random = new SeededRandom(7);
    const { installationId } = installation;
    for (let number = 0; number < 50; number += 1) {
      await store.put(
        keyringName({ installationId, sequence: 1000 + number, objectId: random.bytes(16) }),
        random.bytes(random.between(1, 400)),
      );
    }
    await store.put(`${installationId}/keyring/no-keyring`, random.bytes(10));
    using lost = new Lost(from);
    const { outcome, document } = await lost.run();
    assert.equal(outcome, 'failed', 'what could not be used is said with exit 5');
    assert.ok(Number(document['damagedCount']) >= 50);
    assert.equal(lost.empty.points.resolve('files').id, point.id);
  });

  it('C5: a damaged manifest is named, and everything else is back', async () => {
    using from = await house();
    const [first, second] = [await from.point('files'), await from.point('files')];
    const store = await from.base.open(from.base.installation.locations.resolve('store').locationId);
    const object = await store.get(first.manifestKey);
    await store.delete(first.manifestKey, null);
    await store.put(
      first.manifestKey,
      Uint8Array.from(object?.body ?? [], (byte, at) => (at === 300 ? byte ^ 4 : byte)),
    );
    using lost = new Lost(from);
    const { error, document } = await lost.run();
    assert.equal(error?.code, 'damaged');
    assert.ok(JSON.stringify(document['damaged']).includes(first.manifestKey));
    assert.equal(lost.empty.points.resolve('files').id, second.id);
    assert.throws(() => lost.empty.points.resolve(first.id), { code: 'unknownName' });
  });

  it('M7: two policies that had one name one after the other come back under two', async () => {
    using from = await house();
    const first = await from.point('files');
    from.policies.delete('files', true);
    await from.createPolicy();
    const second = await from.point('files');
    using lost = new Lost(from);
    await lost.run();
    const names = lost.empty.policies.all().map(({ name }) => name);
    assert.deepEqual(names, ['files', 'files-2']);
    for (const { id, policyId } of [first, second]) assert.equal(lost.empty.points.resolve(id).policyId, policyId);
  });
});

const { signal } = new AbortController();
const vault: KeyTarget = { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' };
const vaultKey: ServiceSlotKey = {
  kind: 'service',
  target: vault,
  access: { kind: 'vaultTransit', login: { method: 'given' }, caFile: null },
  credentials: { kind: 'vaultTransit', token: 'hvs.token' },
};
const kmsKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'awsKms', keyId: 'alias/backup', region: 'eu-west-1' },
  access: { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } },
  credentials: undefined,
};

/** The passkeys of a house with a restore point: of Vault in use, at its first version and its second, of KMS, and a passphrase. */
async function houseWithKeys(): Promise<PolicyBench> {
  const from = await house();
  const { passkeys } = from.base.installation;
  for (const [name, key] of [
    ['kms', kmsKey],
    ['vault', vaultKey],
  ] as const) {
    from.base.now = new Date(from.base.now.getTime() + 60_000);
    await passkeys.add(name, key, true, signal);
  }
  from.base.now = new Date(from.base.now.getTime() + 60_000);
  await passkeys.rotate('vault', {}, signal);
  await from.point('files');
  from.base.keyAgent.calls.length = 0;
  return from;
}

describe('import of what is stored, with a key outside', () => {
  it('C9 D1: opens with the key that the user names, keeps how it is reached for its slots alone, and unlocks by itself from then on', async () => {
    using from = await houseWithKeys();
    const { keyAgent } = from.base;
    using lost = new Lost(from);
    const { outcome, document } = await lost.run({ key: vaultKey });
    assert.deepEqual([outcome, document['live'], document['damagedCount']], ['complete', 1, 0]);
    assert.deepEqual(keyAgent.calls, ['unwrap']);
    const { installation } = lost.empty.base;
    const rows = installation.passkeys.list({}).items.map(({ name, state, inUse }) => [name, [state, inUse]]);
    assert.deepEqual(Object.fromEntries(rows), {
      'passphrase-1': ['unverified', false],
      'awsKms-2': ['unverified', false],
      'vaultTransit-3': ['unverified', false],
      'vaultTransit-4': ['ready', true],
    });
    const { passkeys, serviceKeys } = installation.catalog;
    const known = passkeys.list().map(({ slotId, name }) => [name, serviceKeys.credentials(slotId)]);
    assert.deepEqual(Object.fromEntries(known), {
      'awsKms-2': null,
      'passphrase-1': null,
      'vaultTransit-3': vaultKey.credentials,
      'vaultTransit-4': vaultKey.credentials,
    });
    assert.equal(serviceKeys.get(passkeys.list().find(({ kind }) => kind === 'awsKms')?.slotId ?? assert.fail()), undefined);
  });

  it('D1: a key that this machine does not know how to reach is reached as it was when it was verified, from then on', async () => {
    using from = await houseWithKeys();
    using lost = new Lost(from);
    await lost.run({ key: vaultKey });
    const { installation } = lost.empty.base;
    await assert.rejects(installation.passkeys.verify('awsKms-2', {}, signal), { code: 'keyServiceRefused' });
    assert.equal(installation.catalog.passkeys.byName('awsKms-2')?.state, 'unverified');
    const verified = await installation.passkeys.verify('awsKms-2', { access: kmsKey.access }, signal);
    assert.equal(verified.state, 'ready');
    assert.equal((await installation.passkeys.verify('awsKms-2', {}, signal)).state, 'ready');
    installation.lock();
    await installation.unlock({}, 'awsKms-2', signal);
    installation.lock();
    await installation.unlock({}, undefined, signal);
  });

  it('C9: without one, names those that the keyrings name and sends nothing; the state directory stays as empty as it was', async () => {
    using from = await houseWithKeys();
    const { keyAgent } = from.base;
    using lost = new Lost(from);
    const refused = await lost.run({ key: null }).then(
      () => assert.fail('it went through'),
      (error: unknown) => error,
    );
    assert.ok(HoldfastError.is(refused, 'confirmationNeeded'));
    const { references, left } = namedKeysSchema.parse(refused.details);
    assert.deepEqual([references.map(({ target }) => target.kind).toSorted(), left], [['awsKms', 'vaultTransit'], 0]);
    assert.match(refused.message, /nothing was sent to the 2 keys outside/);
    assert.match(JSON.stringify(refused.details?.['reasons']), /--address https:\/\/vault\.example --key holdfast \(in \d+ keyrings/);
    assert.deepEqual([keyAgent.calls, lost.empty.base.installation.state], [[], 'notSetUp']);
    const other = { ...vaultKey, target: { ...vault, address: 'https://vault.example:8201' } };
    await assert.rejects(lost.run({ key: other }), { code: 'unknownName' });
    assert.deepEqual([keyAgent.calls, lost.empty.base.installation.state], [[], 'notSetUp']);
  });

  it('C9: with a passphrase where no keyring has one, too', async () => {
    using base = new InstallationBench();
    await base.installation.setUp('vault', vaultKey, signal);
    using from = new PolicyBench(base);
    await base.addLocation();
    using lost = new Lost(from);
    base.keyAgent.calls.length = 0;
    await assert.rejects(lost.run(), { code: 'confirmationNeeded' });
    assert.deepEqual(base.keyAgent.calls, []);
    const { document } = await lost.run({ key: vaultKey });
    assert.deepEqual(document['passkeys'], ['vaultTransit-1']);
  });

  it('C8: keeps the slot that opened where the keyring around it was changed', async () => {
    using base = new InstallationBench();
    await base.installation.setUp('vault', vaultKey, signal);
    using from = new PolicyBench(base);
    await base.addLocation();
    const folder = base.at('store');
    const keyrings = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\/keyring\/[^.]/.test(name));
    for (const name of keyrings) {
      const bytes = readFileSync(`${folder}/${name}`);
      // In the MAC.
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 40) ^ 1, bytes.length - 40);
      chmodSync(`${folder}/${name}`, 0o600);
      writeFileSync(`${folder}/${name}`, bytes);
    }
    using lost = new Lost(from);
    const { document } = await lost.run({ key: vaultKey });
    assert.deepEqual([document['passkeys'], document['damagedCount']], [['vaultTransit-1'], keyrings.length]);
    const [passkey] = lost.empty.base.installation.passkeys.list({}).items;
    assert.deepEqual(
      [passkey?.state, passkey?.inUse, passkey?.slotId],
      ['ready', true, from.base.installation.catalog.passkeys.inUse()?.slotId],
    );
  });
});
