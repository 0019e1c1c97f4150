import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openCopy } from '../../daemon/catalog/copy/copyFile.ts';
import { expandCopy } from '../../daemon/catalog/copy/copyFrame.ts';
import { migrations } from '../../daemon/catalog/schema.ts';
import { DrPassphrase } from '../../daemon/keys/dr/drPassphrase.ts';
import { decodeDrSlot } from '../../daemon/keys/dr/drSlot.ts';
import { decodeKeyring } from '../../daemon/keys/keyring.ts';
import { lockPlan, lockTerms, target } from '../../daemon/locks/lockPlan.ts';
import { BundleNames } from '../../daemon/repository/bundleName.ts';
import { hexOf } from '../../daemon/repository/bytes.ts';
import { bundleSourceOf, type OpenedBundle, StoredBundle } from '../../daemon/repository/storedBundle.ts';
import {
  type BundleDocument,
  bundleDocument,
  recoveryBackup,
  recoveryDisable,
  recoveryEnable,
  recoveryStatus,
} from '../../protocol/methods/disasterRecovery.ts';
import { passkeyAddPassphrase } from '../../protocol/methods/passkeys.ts';
import { policyEdit } from '../../protocol/methods/policies.ts';
import { sessionStepUp } from '../../protocol/methods/session.ts';
import { BucketDaemon } from '../support/bucketDaemon.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';

const drPassphrase = 'opal quartz river lantern';

describe('bundles of disaster recovery at an immutable location', () => {
  let world: BucketDaemon;

  const enable = async (
    changes: { readonly passphrase?: string; readonly schedule?: string; readonly afterBackups?: boolean } = {},
  ): Promise<BundleDocument> => {
    const { passphrase = drPassphrase, schedule = '@hourly', afterBackups = true } = changes;
    const { actionId } = await world.daemon.call(recoveryEnable, {
      requestId: randomUUID(),
      location: 'store',
      schedule,
      afterBackups,
      passphrase: world.daemon.secret(passphrase),
      confirmed: false,
    });
    return bundleDocument.parse(succeeded(await world.daemon.ended({ actionId })).result);
  };
  const backUpCatalog = async (): Promise<BundleDocument> => {
    const started = await world.daemon.call(recoveryBackup, { requestId: randomUUID() });
    return bundleDocument.parse(succeeded(await world.daemon.ended(started)).result);
  };
  const keyOf = (bundleId: string): string => world.catalog.bundles.get(bundleId)?.objectKey ?? assert.fail();
  const bytesAt = (key: string): Uint8Array =>
    world.bucket.history(key).find(({ isDeleteMarker }) => !isDeleteMarker)?.body ?? assert.fail(key);
  /** As somebody does who has the store and the DR passphrase alone. */
  const open = async (key: string): Promise<{ readonly opened: OpenedBundle; readonly nameHolds: boolean }> => {
    const { installationId } = world.catalog.installation.get() ?? assert.fail();
    const stored = await StoredBundle.read(bundleSourceOf(bytesAt(key)), 'the bundle');
    using passphrase = await DrPassphrase.derive({ installationId, passphrase: Buffer.from(drPassphrase), scrypt: new FakeScrypt() });
    using drKey = passphrase.open(decodeDrSlot(stored.drSlot, installationId));
    const name = new BundleNames(installationId, passphrase.nameKey()).read(key);
    const opened = await stored.open(drKey.bundleKey(), {
      installationId,
      drkId: drKey.drkId,
      ...(name === undefined ? {} : { name }),
    });
    return { opened, nameHolds: name !== undefined };
  };
  const copyOf = async (opened: OpenedBundle): Promise<ReturnType<typeof openCopy>> => {
    const file = world.newPath();
    await expandCopy(
      opened.frame(),
      { length: opened.frameLength, sha256: opened.facts.catalogSha256, catalogLength: opened.facts.catalogLength },
      file,
    );
    return openCopy(file, opened.facts.base === null ? 'full' : 'delta', migrations);
  };

  beforeEach(async () => {
    world = await BucketDaemon.ready();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it('D8 R6: turned on, the catalog lies in the store at once, locked, and the DR passphrase alone opens it', async () => {
    await world.backUp();
    const made = await enable();
    assert.equal(made.kind, 'full');
    const key = keyOf(made.bundleId);
    const plan = lockPlan(lockTerms({ protectionPeriodDays: 30, longestAbsenceDays: 4 }));
    const until = world.lockedUntil(key) ?? assert.fail();
    assert.ok(until >= target(plan, new Date(world.clock.storeMs - 60_000)).getTime(), new Date(until).toISOString());
    assert.equal(Date.parse(made.lockedUntil ?? ''), until);
    const row = world.catalog.objects.get(world.locationId, key) ?? assert.fail();
    assert.deepEqual([row.kind, row.state, Date.parse(row.retainUntil ?? '')], ['bundle', 'present', until]);

    const { opened, nameHolds } = await open(key);
    assert.ok(nameHolds);
    assert.equal(opened.facts.restorePoints, 1);
    assert.equal(hexOf(opened.header.objectId), made.bundleId);
    using copy = await copyOf(opened);
    for (const table of ['policies', 'restorePoints', 'passkeys', 'locations']) {
      const all = `SELECT * FROM ${table} ORDER BY 1`;
      assert.deepEqual(copy.database.prepare(all).all(), rowsOfCatalog(world, all), table);
    }
    assert.equal(copy.database.prepare('SELECT count(*) AS count FROM recovery').get()?.['count'], 1);
  });

  it('D2: the keyring that a bundle carries is the newest one, and authentic under the disaster recovery key', async () => {
    const made = await enable();
    const { opened } = await open(keyOf(made.bundleId));
    const { installationId } = world.catalog.installation.get() ?? assert.fail();
    const keyring = decodeKeyring(opened.facts.keyring, installationId);
    assert.equal(keyring.sequence, world.catalog.sequences.last('keyring'));
    assert.equal(world.catalog.bundles.get(made.bundleId)?.keyringKey, world.catalog.keyrings.newestCopyAt(world.locationId)?.key);
    assert.equal(hexOf(opened.header.scopeId), hexOf(world.catalog.recovery.get()?.drkId ?? assert.fail()));
  });

  it('the next ones are deltas upon it, and after a day there is a full one', async () => {
    const full = await enable();
    await world.backUp();
    const delta = await backUpCatalog();
    assert.equal(delta.kind, 'delta');
    const { opened } = await open(keyOf(delta.bundleId));
    assert.equal(hexOf(opened.facts.base ?? assert.fail()), full.bundleId);
    using copy = await copyOf(opened);
    assert.equal(copy.database.prepare('SELECT count(*) AS count FROM restorePoints').get()?.['count'], 1);
    await world.pass(25, 25);
    const [newest] = world.catalog.bundles.list();
    assert.deepEqual([newest?.base, newest?.isWhole], [null, 1]);
  });

  it('it goes on by its schedule, also after a restart, and the newest bundle and what it builds on stay locked', async () => {
    await enable();
    await world.pass(6);
    const before = world.catalog.bundles.list().length;
    assert.ok(before >= 5, String(before));
    await world.restart();
    await world.pass(3);
    assert.ok(world.catalog.bundles.list().length >= before + 2);
    for (const key of world.catalog.keptForRecovery(world.locationId)) {
      assert.ok((world.lockedUntil(key) ?? 0) > world.clock.storeMs + 30 * 86_400_000, key);
    }
  });

  it('another daemon of the same catalog, killed between put and record, takes the bundle for its own and no audit reports it', async () => {
    await enable();
    const made = await backUpCatalog();
    // As the catalog was before the answer came.
    const key = keyOf(made.bundleId);
    const bundle = world.catalog.bundles.get(made.bundleId) ?? assert.fail();
    world.catalog.transaction(() => {
      world.catalog.bundles.forget(made.bundleId);
      world.catalog.bundles.add({ ...bundle, isWhole: 0 });
      world.catalog.objects.change(world.locationId, key, { state: 'missing', versionId: null, retainUntil: null, lockReadAt: null });
    });
    await backUpCatalog();
    assert.equal(world.catalog.bundles.get(made.bundleId)?.isWhole, 1);
    const row = world.catalog.objects.get(world.locationId, key) ?? assert.fail();
    assert.deepEqual([row.state, Date.parse(row.retainUntil ?? '')], ['present', world.lockedUntil(key)]);
  });

  it('R6: a wrong or shared passphrase is refused before anything is changed, and so is a second time', async () => {
    await assert.rejects(enable({ passphrase: 'too short' }), { code: 'badValue' });
    await assert.rejects(enable({ passphrase: world.passphrase }), { code: 'refusedByRule' });
    await assert.rejects(enable({ schedule: 'now and then' }), { code: 'badValue' });
    assert.equal(world.catalog.recovery.get(), undefined);
    const { installationId } = world.catalog.installation.get() ?? assert.fail();
    assert.deepEqual(world.bucket.listPage(`${installationId}/recovery/`).entries, []);
    await enable();
    await assert.rejects(enable(), { code: 'refusedByRule' });
  });

  it('a backup of an immutable policy asks for a bundle, a quarter of an hour after the last one at least', async () => {
    await enable({ schedule: '0 0 15 6 *' });
    await world.backUp();
    await world.idle();
    assert.equal(world.catalog.bundles.list().length, 1);
    await world.pass(0.3, 0.3);
    const [newest, ...others] = world.catalog.bundles.list();
    assert.deepEqual([newest?.restorePoints, others.length], [1, 1]);
    await world.pass(3);
    assert.equal(world.catalog.bundles.list().length, 2);
  });

  it('an alert says that bundles are too seldom, and is resolved with its cause', async () => {
    const raised = (): readonly string[] =>
      world.catalog.alerts.unresolved().flatMap(({ kind, message }) => (kind === 'recoveryCoverage' ? [message] : []));
    await enable({ schedule: '@daily', afterBackups: false });
    await world.pass(0.1, 0.1);
    assert.deepEqual(raised(), []);
    await world.daemon.call(policyEdit, { policy: 'files', schedule: '@hourly' });
    await world.pass(0.1, 0.1);
    assert.match(raised().join(), /less often than files runs/);
    const { problems } = await world.daemon.call(recoveryStatus, {});
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['tooSeldom'],
    );
    await world.daemon.call(policyEdit, { policy: 'files', schedule: null });
    await world.pass(0.1, 0.1);
    assert.deepEqual(raised(), []);
  });

  it('R5: the newest bundle, what it builds on and its keyring are extended for as long as it is the newest, and no other bundle is', async () => {
    await enable({ schedule: '0 0 15 6 *', afterBackups: false });
    const [middle, newest] = [await backUpCatalog(), await backUpCatalog()];
    await world.pass(20 * 24, 24);
    const left = (key: string): number => ((world.lockedUntil(key) ?? 0) - world.clock.storeMs) / 86_400_000;
    const kept = world.catalog.keptForRecovery(world.locationId);
    assert.deepEqual(kept.slice(0, 2), [keyOf(newest.bundleId), keyOf(world.catalog.bundles.get(newest.bundleId)?.base ?? assert.fail())]);
    for (const key of kept) assert.ok(left(key) >= 30, `${key} ${left(key)}`);
    assert.ok(left(keyOf(middle.bundleId)) < 30);
  });

  it('bundles from before the protection period are deleted by version once their locks have ended', async () => {
    await using short = await BucketDaemon.ready({ protectionPeriod: 1 });
    await world[Symbol.asyncDispose]();
    world = short;
    const first = keyOf((await enable({ schedule: '@daily', afterBackups: false })).bundleId);
    await world.pass(4 * 24, 24);
    assert.notEqual(world.bucket.history(first).length, 0);
    await world.pass(6 * 24, 24);
    assert.deepEqual(world.bucket.history(first), []);
    assert.equal(world.catalog.objects.get(world.locationId, first), undefined);
    assert.ok(world.catalog.bundles.list().length < 10);
  });

  it('D4: the DR passphrase becomes no passkey while it is on', async () => {
    await enable();
    const add = async (name: string, text: string): Promise<unknown> =>
      await world.daemon.call(passkeyAddPassphrase, {
        requestId: randomUUID(),
        name,
        passphrase: world.daemon.secret(text),
        useNow: false,
      });
    await assert.rejects(add('same', drPassphrase), { code: 'refusedByRule' });
    await add('other', `${drPassphrase} too`);
  });

  it('turned off, no more are made, and those that are there stay locked', async () => {
    const made = await enable();
    await world.daemon.call(sessionStepUp, { passphrase: world.daemon.secret(world.passphrase) });
    await assert.rejects(world.daemon.call(recoveryDisable, { confirmed: false }), { code: 'confirmationNeeded' });
    const status = await world.daemon.call(recoveryDisable, { confirmed: true });
    assert.equal(status.enabled, false);
    assert.ok(status.heldBytes > 0);
    await assert.rejects(world.daemon.call(recoveryBackup, { requestId: randomUUID() }), { code: 'refusedByRule' });
    await world.pass(3);
    assert.deepEqual(
      world.catalog.bundles.list().map(({ bundleId }) => bundleId),
      [made.bundleId],
    );
    assert.ok((world.lockedUntil(keyOf(made.bundleId)) ?? 0) > world.clock.storeMs);
    assert.equal((await world.daemon.call(recoveryStatus, {})).newest, null);
  });
});

function rowsOfCatalog(world: BucketDaemon, sql: string): readonly unknown[] {
  using database = new DatabaseSync(path.join(world.state, 'catalog.db'), { readOnly: true });
  return database.prepare(sql).all();
}
