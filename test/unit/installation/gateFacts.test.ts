import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { GateFacts } from '../../../daemon/installation/passkeys/gateFacts.ts';
import { decodeKeyring } from '../../../daemon/keys/keyring.ts';
import type { ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import type { GateReason } from '../../../protocol/methods/passkeys.ts';
import type { LocationId, SlotId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { LockedLocation } from '../../support/lockedLocation.ts';

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

const kmsKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'awsKms', keyId: 'arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-000000000007', region: 'eu-west-1' },
  access: { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } },
  credentials: undefined,
};

interface RotatedBench {
  readonly bench: InstallationBench;
  readonly old: SlotId;
  readonly bucket: LockedLocation;
}

/** An installation on Vault alone, rotated once; a location with locks holds every keyring for 30 days. */
async function rotated(): Promise<RotatedBench> {
  const bench = new InstallationBench();
  const { installation } = bench;
  await installation.setUp('vault', vaultKey, signal);
  const bucket = new LockedLocation(bench);
  await bucket.deliver();
  const { previous } = await installation.passkeys.rotate('vault', {}, signal);
  bucket.lock(inDays(30));
  return { bench, old: installation.passkeys.resolve(previous.slotId).slotId, bucket };
}

/** Rotated, and its retirement was asked for: the date stands. */
async function asked(): Promise<RotatedBench> {
  const world = await rotated();
  await assert.rejects(world.bench.installation.passkeys.retire(world.old, { confirmed: true }, signal), { code: 'refusedByRule' });
  world.bucket.lock(inDays(60));
  return world;
}

const addPassphrase = async ({ installation }: InstallationBench, name: string): Promise<void> =>
  void (await installation.passkeys.add(name, { kind: 'passphrase', passphrase: Buffer.from(`right ${name}`) }, false, signal));

const whats = (reasons: readonly Pick<GateReason, 'what'>[]): string => reasons.map(({ what }) => what).join('; ');

describe('what the retirement gate goes by', () => {
  it('D2 D3: keyrings that are locked keep a Vault key version until the last of them ends, by the clock of their store alone', async () => {
    const { bench, old, bucket } = await asked();
    using _ = bench;
    const gates = new GateFacts(bench.installation.catalog);
    assert.deepEqual(
      gates
        .read()
        .places()[0]
        ?.locked.map(({ what, slots, isNewest }) => [what, slots?.length, isNewest]),
      [
        ['keyring 3 in vault-store', 1, true],
        ['keyring 2 in vault-store', 2, false],
        ['keyring 1 in vault-store', 1, false],
      ],
    );
    // Ten years on the machine open nothing.
    bench.now = inDays(3650);
    const refused = gates.decide(old);
    assert.deepEqual([refused.allowed, refused.from], [false, inDays(30)]);
    const clocks: LocationId[] = [];
    const at =
      (days: number) =>
      (asking: LocationId): Promise<Date> => {
        clocks.push(asking);
        return Promise.resolve(inDays(days));
      };
    assert.equal((await gates.decideNow(old, at(29), signal)).allowed, false);
    assert.equal((await gates.decideNow(old, at(30), signal)).allowed, true);
    assert.deepEqual(clocks, [bucket.locationId, bucket.locationId]);
    const away = await gates.decideNow(old, () => Promise.reject(new Error('away')), signal);
    assert.deepEqual([away.allowed, away.from], [false, inDays(30)]);
  });

  it('asks no store where its time changes nothing', async () => {
    const { bench } = await rotated();
    using _ = bench;
    const { installation } = bench;
    const gates = new GateFacts(installation.catalog);
    const inUse = installation.passkeys.resolve('vault').slotId;
    let clocks = 0;
    const decision = await gates.decideNow(inUse, async () => ((clocks += 1), start), signal);
    assert.deepEqual([decision.allowed, decision.from, clocks], [false, null, 0]);
  });

  it('D3: tells no date before the retirement is asked for, since the newest keyring is kept locked; from then on new ones leave the slot out, and the date stands', async () => {
    const { bench, old, bucket } = await rotated();
    using _ = bench;
    const { passkeys, catalog } = bench.installation;
    const row = (): readonly unknown[] => {
      const listed = passkeys.list({}).items.find(({ slotId }) => slotId === old);
      return [listed?.state, listed?.retirableFrom];
    };
    const before = await passkeys.gate(old, signal);
    assert.deepEqual([before.allowed, before.from, before.begins, before.opensKeyringsUntil], [false, null, true, null]);
    assert.match(before.notes.join(' '), /^Keyring 2 in vault-store is the newest there and holds it, so its lock is extended/);
    assert.deepEqual(row(), ['ready', null]);
    await assert.rejects(passkeys.retire(old, { confirmed: true }, signal), (error: unknown) => {
      assert.ok(error instanceof HoldfastError);
      assert.deepEqual([error.code, error.details?.['from']], ['refusedByRule', inDays(30).toISOString()]);
      return true;
    });
    assert.notEqual(catalog.passkeys.get(old)?.leftKeyringsAt, null);
    const newest = catalog.keyrings.newest() ?? assert.fail();
    const { slots } = decodeKeyring(newest.bytes, bench.installation.installationId).body;
    assert.deepEqual(
      slots.map(({ slotId }) => slotId),
      [catalog.passkeys.inUse()?.slotId],
    );
    bucket.lock(inDays(60));
    const after = await passkeys.gate(old, signal);
    assert.deepEqual(
      [after.from, after.begins, after.opensKeyringsUntil, after.notes],
      [inDays(30).toISOString(), false, inDays(30).toISOString(), []],
    );
    assert.deepEqual(row(), ['ready', inDays(30).toISOString()]);
    assert.match(
      passkeys
        .list({})
        .items.find(({ slotId }) => slotId === old)
        ?.warnings.join(' ') ?? '',
      /New keyrings leave it out/,
    );
  });

  it('is told of once more when the date has come to stand: whoever shows it looked before', async () => {
    const { bench, old } = await rotated();
    using _ = bench;
    const { passkeys } = bench.installation;
    const dates: unknown[] = [];
    bench.changes.push = (what) => {
      if (what === 'passkey') dates.push(passkeys.list({}).items.find(({ slotId }) => slotId === old)?.retirableFrom);
      return dates.length;
    };
    await assert.rejects(passkeys.retire(old, { confirmed: true }, signal), { code: 'refusedByRule' });
    assert.deepEqual(dates, [null, inDays(30).toISOString()]);
  });

  it('names what opens the backups without it: no passkey that keyrings leave out, and passkeys of one key are one way in', async () => {
    const { bench, old } = await rotated();
    using _ = bench;
    const { passkeys } = bench.installation;
    const told = async (name: string): Promise<readonly unknown[]> => {
      const { isBegun, others, waysIn } = await passkeys.gate(name, signal);
      return [isBegun, others.toSorted(), waysIn];
    };
    assert.deepEqual(await told(old), [false, ['vault'], 1]);
    assert.deepEqual(await told('vault'), [false, ['vault@v1'], 1]);
    await assert.rejects(passkeys.retire(old, { confirmed: true }, signal), { code: 'refusedByRule' });
    assert.deepEqual(await told('vault'), [false, [], 0]);
    await addPassphrase(bench, 'paper');
    assert.deepEqual(await told(old), [true, ['paper', 'vault'], 2]);
    await passkeys.rotate('vault', {}, signal);
    assert.deepEqual(await told('paper'), [false, ['vault', 'vault@v2'], 1]);
  });

  it('tells of a passkey that may go that it may go now, not since it was made', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await addPassphrase(bench, 'spare');
    bench.now = inDays(100);
    assert.equal(passkeys.list({}).items.find(({ name }) => name === 'spare')?.retirableFrom, inDays(100).toISOString());
  });

  it('D2 D3: ends no key that the only keyrings of a bucket that is away are wrapped with, however many others there are', async () => {
    const { bench, old, bucket } = await rotated();
    using _ = bench;
    const { passkeys } = bench.installation;
    bucket.isAway = true;
    const again = await passkeys.rotate('vault', {}, signal);
    await addPassphrase(bench, 'paper');
    await addPassphrase(bench, 'safe');
    await passkeys.use('paper', signal);
    await passkeys.retire(old, { confirmed: true }, signal).catch(() => undefined);
    const { name } = again.previous;
    const { allowed, reasons, commands } = await passkeys.gate(name, signal);
    assert.deepEqual([allowed, commands], [false, []]);
    assert.match(whats(reasons), /the newest keyring in vault-store holds none of the others: it was last reached 2026-01-02 03:04 UTC/);
    await assert.rejects(passkeys.retire(name, { confirmed: true, outside: 'end' }, signal), { code: 'refusedByRule' });
    assert.equal(bench.keyAgent.minDecryptionVersion, 1);
    bucket.isAway = false;
    await bucket.deliver();
    assert.equal((await passkeys.gate(again.previous.name, signal)).allowed, true);
  });

  it('D2: a passkey that is retired while a location is away keeps its key until the keyring has arrived there', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await passkeys.add('vault', vaultKey, true, signal);
    await addPassphrase(bench, 'paper');
    const bucket = new LockedLocation(bench);
    await bucket.deliver();
    const { previous } = await passkeys.rotate('vault', {}, signal);
    bucket.isAway = true;
    await addPassphrase(bench, 'safe');
    const held = await passkeys.gate(previous.name, signal);
    assert.deepEqual([held.allowed, held.commands], [true, []]);
    assert.match(held.notes.join(' '), /not to end yet: the newest keyring has not reached vault-store/);
    await assert.rejects(passkeys.retire(previous.name, { confirmed: true, outside: 'end' }, signal), {
      code: 'refusedByRule',
      message: `Failed to end the key outside of passkey ${previous.name}: the passkey is retired; its key outside is not ended: the newest keyring has not reached vault-store.`,
    });
    assert.deepEqual([passkeys.resolve(previous.slotId).state, bench.keyAgent.minDecryptionVersion], ['retired', 1]);
    bucket.isAway = false;
    await bucket.deliver();
    assert.equal((await passkeys.gate(previous.slotId, signal)).commands.length, 1);
    await passkeys.retire(previous.slotId, { confirmed: true, outside: 'end' }, signal);
    assert.equal(bench.keyAgent.minDecryptionVersion, 2);
  });

  it('brings the keyring to a location that was behind before it refuses', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    const bucket = new LockedLocation(bench);
    await bucket.deliver();
    bucket.isAway = true;
    const { previous } = await passkeys.rotate('main', { passphrase: Buffer.from('right anew') }, signal);
    assert.equal((await passkeys.gate(previous.name, signal)).allowed, false);
    bucket.isAway = false;
    assert.equal((await passkeys.retire(previous.name, { confirmed: true }, signal)).state, 'retired');
  });

  it('D3: a keyring that is gone from its store opens nothing there', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys, catalog } = bench.installation;
    const bucket = new LockedLocation(bench);
    await bucket.deliver();
    const { previous } = await passkeys.rotate('main', { passphrase: Buffer.from('right anew') }, signal);
    assert.equal((await passkeys.gate(previous.name, signal)).allowed, true);
    const [newest] = catalog.keyrings.copiesAt(bucket.locationId);
    catalog.objects.change(bucket.locationId, newest?.key ?? '', { state: 'missing' });
    const gate = await passkeys.gate(previous.name, signal);
    assert.equal(gate.allowed, false);
    assert.match(whats(gate.reasons), /the newest keyring in vault-store holds none of the others/);
  });

  it('a slot of a kind that this program does not know is no way in', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys, catalog } = bench.installation;
    await addPassphrase(bench, 'spare');
    const main = catalog.passkeys.inUse() ?? assert.fail();
    const slotId = newId<SlotId>();
    catalog.passkeys.add({ ...main, slotId, name: 'of tomorrow', slot: '{"kind":"tpm"}', inUse: false });
    catalog.passkeys.change(main.slotId, { state: 'failing' });
    assert.throws(() => passkeys.checkRetire('spare', true), { code: 'refusedByRule' });
  });

  it('D3: of a keyring that the ledger does not know the lock never ends, and one whose bytes nobody has holds every slot', async () => {
    const { bench, old, bucket } = await asked();
    using _ = bench;
    const { catalog } = bench.installation;
    const gates = new GateFacts(catalog);
    assert.deepEqual(gates.decide(old).from, inDays(30));
    const key = 'somewhere/keyring/of-another-time';
    catalog.keyrings.recordCopy({ locationId: bucket.locationId, sequence: 0, key, versionId: null, readBackAt: start.toISOString() });
    const unread = gates.decide(old);
    assert.deepEqual([unread.allowed, unread.from], [false, null]);
    assert.match(whats(unread.reasons), /keyring 0 in vault-store is locked, and nobody knows what it holds/);
    const known = catalog.objects.list({ locationId: bucket.locationId, kind: 'keyring' }).items[0] ?? assert.fail();
    catalog.objects.record({ ...known, objectKey: key, retainUntil: inDays(90).toISOString(), lockReadAt: start.toISOString() });
    assert.deepEqual(gates.decide(old).from, inDays(90));
  });

  it('D3: a lock whose end nobody has read has no date, and it says so', async () => {
    const { bench, old, bucket } = await asked();
    using _ = bench;
    const { catalog, passkeys } = bench.installation;
    const [, second] = catalog.keyrings.copiesAt(bucket.locationId);
    const object = catalog.objects.get(bucket.locationId, second?.key ?? '') ?? assert.fail();
    catalog.objects.record({ ...object, retainUntil: null, lockReadAt: null });
    const gate = await passkeys.gate(old, signal);
    assert.deepEqual([gate.from, gate.begins, gate.opensKeyringsUntil], [null, false, null]);
    assert.match(whats(gate.reasons), /keyring 2 in vault-store holds it, and nobody knows until when it is locked/);
    assert.match(gate.notes.join(' '), /Nobody knows until when keyring 2 in vault-store is locked/);
  });

  it('D3: a location that is removed goes on needing what is locked there, by the clock of another store, and again by its own once it is back', async () => {
    const { bench, old, bucket } = await asked();
    using _ = bench;
    const { catalog } = bench.installation;
    const gates = new GateFacts(catalog);
    catalog.forgetLocation(bucket.locationId);
    const removed = gates.decide(old);
    assert.deepEqual([removed.allowed, removed.from], [false, null]);
    assert.match(
      whats(removed.reasons),
      /keyring 1 in vault-store \(removed\) is locked until 2026-02-01 03:04 UTC and holds it, and no store tells the time/,
    );
    const other = new LockedLocation(bench, 'other');
    await other.deliver();
    assert.deepEqual(gates.decide(old).from, inDays(30));
    assert.equal((await gates.decideNow(old, () => Promise.resolve(inDays(29)), signal)).allowed, false);
    assert.equal((await gates.decideNow(old, () => Promise.resolve(inDays(30)), signal)).allowed, true);
    catalog.forgetLocation(other.locationId);
    bucket.addAgain('back');
    await bucket.deliver();
    const back = gates.decide(old);
    assert.deepEqual(back.from, inDays(30));
    assert.match(whats(back.reasons), /^keyring 2 in back is locked and holds it; keyring 1 in back is locked and holds it$/);
  });

  it('D3: a passkey that is going to be retired is no way in for another one', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await passkeys.add('vault', vaultKey, false, signal);
    const bucket = new LockedLocation(bench);
    await bucket.deliver();
    bucket.lock(inDays(30));
    await assert.rejects(passkeys.retire('vault', { confirmed: true }, signal), { code: 'refusedByRule' });
    await addPassphrase(bench, 'paper');
    assert.throws(() => passkeys.checkRetire('paper', false), { code: 'confirmationNeeded' });
    bench.installation.catalog.passkeys.change(passkeys.resolve('main').slotId, { state: 'failing' });
    assert.throws(() => passkeys.checkRetire('paper', true), { code: 'refusedByRule' });
  });

  it('D3: two passkeys of one key outside count as one, for the gate and for what is confirmed', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    for (const name of ['one', 'two']) await passkeys.add(name, kmsKey, name === 'one', signal);
    await passkeys.add('vault', vaultKey, false, signal);
    const bucket = new LockedLocation(bench);
    await bucket.deliver();
    bucket.lock(inDays(30));
    assert.equal((await passkeys.gate('vault', signal)).allowed, true);
    await passkeys.retire('main', { confirmed: true }, signal);
    assert.equal((await passkeys.gate('vault', signal)).allowed, false);
    assert.throws(() => passkeys.checkRetire('vault', false), { code: 'confirmationNeeded' });
  });

  it('D2 D3: keyrings that a retired passkey of the same key alone opens keep that key', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    const bucket = new LockedLocation(bench);
    await passkeys.add('a', vaultKey, false, signal);
    bucket.lock(inDays(300));
    await passkeys.add('b', vaultKey, false, signal);
    bucket.lock(inDays(30));
    const a = passkeys.resolve('a').slotId;
    await passkeys.retire('a', { confirmed: true }, signal);
    await assert.rejects(passkeys.retire('b', { confirmed: true, outside: 'end' }, signal), { code: 'refusedByRule' });
    bucket.lock(inDays(30));
    const gate = await passkeys.gate('b', signal);
    assert.deepEqual([gate.allowed, gate.from], [false, inDays(300).toISOString()]);
    assert.match(whats(gate.reasons), /holds another passkey of its key/);
    assert.equal((await passkeys.gate(a, signal)).opensKeyringsUntil, inDays(300).toISOString());
  });

  it('D2: min_decryption_version is raised no further than to what is locked and needed, by retired passkeys too', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    const { keyAgent } = bench;
    await passkeys.add('vault', vaultKey, true, signal);
    const second = await passkeys.rotate('vault', {}, signal);
    // Version 2 is in what is locked, and version 1 is not any more.
    await passkeys.retire(second.previous.name, { confirmed: true }, signal);
    const bucket = new LockedLocation(bench);
    await bucket.deliver();
    const third = await passkeys.rotate('vault', {}, signal);
    await passkeys.retire('main', { confirmed: true }, signal);
    await assert.rejects(passkeys.retire(third.previous.name, { confirmed: true }, signal), { code: 'refusedByRule' });
    bucket.lock(inDays(30));
    const { commands } = await passkeys.gate(second.previous.slotId, signal);
    assert.deepEqual(
      commands.map((command) => /min_decryption_version=(\d+)/.exec(command)?.[1]),
      ['2'],
    );
    await addPassphrase(bench, 'paper');
    bench.installation.catalog.passkeys.change(passkeys.resolve(third.previous.slotId).slotId, { state: 'retired' });
    await passkeys.retire(passkeys.resolve('paper').slotId, { confirmed: true }, signal);
    await passkeys.retire(second.previous.slotId, { confirmed: true, outside: 'end' }, signal);
    assert.equal(keyAgent.minDecryptionVersion, 2);
  });

  it('reads the keyrings once for a list, however many passkeys are in it', async () => {
    const { bench } = await rotated();
    using _ = bench;
    const { catalog, passkeys } = bench.installation;
    for (let number = 0; number < 5; number += 1) await addPassphrase(bench, `spare ${number}`);
    let reads = 0;
    const list = catalog.keyrings.list.bind(catalog.keyrings);
    catalog.keyrings.list = () => ((reads += 1), list());
    assert.equal(passkeys.list({}).items.length, 7);
    assert.equal(reads, 1);
  });
});
