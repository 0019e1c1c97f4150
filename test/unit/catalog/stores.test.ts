import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import type { PasskeyRecord } from '../../../daemon/catalog/passkeyStore.ts';
import { type ErrorCode, HoldfastError } from '../../../protocol/errors.ts';
import type { ActionId, InstallationId, SlotId } from '../../../protocol/ids.ts';
import { CatalogFolder, someAction, someLocation, someObject, somePoint, somePolicy, timeAt } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';

const hasCode = (code: ErrorCode) => (error: unknown) => HoldfastError.is(error, code);

function somePasskey(changes: Partial<PasskeyRecord> = {}): PasskeyRecord {
  return {
    slotId: newId(),
    name: 'main',
    kind: 'passphrase',
    slot: '{}',
    state: 'ready',
    inUse: false,
    createdAt: timeAt(0),
    verifiedAt: null,
    leftKeyringsAt: null,
    replaces: null,
    ...changes,
  };
}

describe('catalog stores', () => {
  let folder: CatalogFolder;
  let catalog: Catalog;

  beforeEach(() => {
    folder = new CatalogFolder();
    catalog = folder.open();
  });
  afterEach(() => folder[Symbol.dispose]());

  const reopened = (): Catalog => {
    catalog.close();
    catalog = folder.open();
    return catalog;
  };

  it('keeps one installation, once', () => {
    assert.equal(catalog.installation.get(), undefined);
    const installation = { installationId: newId<InstallationId>(), masterKeyId: randomBytes(16), keyEpoch: 1, createdAt: timeAt(0) };
    catalog.installation.create(installation);
    assert.throws(() => catalog.installation.create({ ...installation, installationId: newId() }), hasCode('failed'));
    assert.deepEqual(plain(reopened().installation.get()), plain(installation));
  });

  it('keeps how a key service is reached readable while locked, and credentials that were handed over sealed', () => {
    const record = {
      slotId: newId<SlotId>(),
      access: '{}',
      facts: null,
      problem: null,
      checkedAt: null,
      rotateEveryDays: null,
      problemSince: null,
      tokenStuckAt: null,
      rotationTrouble: null,
    };
    const token = { kind: 'vaultTransit', token: 's.canary' } as const;
    catalog.useSeal(undefined);
    assert.throws(() => catalog.serviceKeys.add(record, token), hasCode('locked'));
    catalog.useSeal(folder.seal);
    catalog.serviceKeys.add(record, token);
    catalog.serviceKeys.change(record.slotId, { checkedAt: timeAt(3), rotateEveryDays: 90 });
    const sealed = reopened().serviceKeys.get(record.slotId);
    assert.deepEqual([sealed?.access, sealed?.checkedAt, sealed?.rotateEveryDays], ['{}', timeAt(3), 90]);
    assert.ok(!Buffer.from(sealed?.credentials ?? []).includes('canary'));
    catalog.useSeal(undefined);
    assert.equal(catalog.serviceKeys.credentials(record.slotId), undefined);
    catalog.useSeal(folder.seal);
    assert.deepEqual(catalog.serviceKeys.credentials(record.slotId), token);
    assert.throws(() => catalog.serviceKeys.change(newId(), {}), hasCode('unknownName'));
  });

  it('keeps exactly one passkey in use, and names apart among those not retired', () => {
    const first = somePasskey({ inUse: true });
    const second = somePasskey({ name: 'second', createdAt: timeAt(1) });
    catalog.passkeys.add(first);
    catalog.passkeys.add(second);
    assert.throws(() => catalog.passkeys.add(somePasskey()), hasCode('nameTaken'));
    catalog.transaction(() => catalog.passkeys.use(second.slotId));
    assert.deepEqual(
      catalog.passkeys.list().map(({ name, inUse }) => [name, inUse]),
      [
        ['main', false],
        ['second', true],
      ],
    );
    assert.throws(() => catalog.passkeys.change(second.slotId, { name: 'main' }), hasCode('nameTaken'));
    catalog.passkeys.change(first.slotId, { state: 'retired' });
    catalog.passkeys.change(second.slotId, { name: 'main', verifiedAt: timeAt(5) });
    assert.equal(catalog.passkeys.byName('main')?.slotId, second.slotId);
    const third = somePasskey({ name: 'third', inUse: true, createdAt: timeAt(2) });
    catalog.passkeys.add(third);
    assert.equal(reopened().passkeys.inUse()?.slotId, third.slotId);
    assert.deepEqual(catalog.passkeys.get(second.slotId), { ...second, name: 'main', verifiedAt: timeAt(5) });
    assert.throws(() => catalog.transaction(() => catalog.passkeys.use(newId())), hasCode('unknownName'));
    assert.equal(catalog.passkeys.inUse()?.slotId, third.slotId, 'a swap that fails changes nothing');
  });

  it('knows the newest keyring and which locations it has not reached', () => {
    const [here, away] = [someLocation(), someLocation({ name: 'away' })];
    for (const location of [here, away]) catalog.locations.add(location);
    const ids = [here.locationId, away.locationId];
    assert.deepEqual(catalog.keyrings.behind(ids), []);
    for (const sequence of [1, 2]) {
      catalog.keyrings.add({ sequence, objectId: randomBytes(16), bytes: randomBytes(500), createdAt: timeAt(sequence) });
      catalog.keyrings.recordCopy({
        locationId: here.locationId,
        sequence,
        key: `i/keyring/${sequence}`,
        versionId: null,
        readBackAt: timeAt(9),
      });
    }
    catalog.keyrings.recordCopy({ locationId: away.locationId, sequence: 1, key: 'i/keyring/1', versionId: 'v', readBackAt: timeAt(9) });
    assert.equal(reopened().keyrings.newest()?.sequence, 2);
    assert.deepEqual(catalog.keyrings.behind(ids), [away.locationId]);
    assert.deepEqual(
      catalog.keyrings.copiesAt(here.locationId).map(({ sequence }) => sequence),
      [2, 1],
    );
    assert.deepEqual(
      catalog.keyrings.list().map(({ sequence }) => sequence),
      [2, 1],
    );
  });

  it('keeps locations by name, and forgets one with all that hangs on it but its restore points', () => {
    const location = someLocation();
    catalog.locations.add(location);
    assert.throws(() => catalog.locations.add(someLocation()), hasCode('nameTaken'));
    const copy = someLocation({ name: 'copy', storeId: location.storeId, createdAt: timeAt(1) });
    catalog.locations.add(copy);
    assert.throws(() => catalog.locations.change(copy.locationId, { name: 'disk' }), hasCode('nameTaken'));
    catalog.locations.change(copy.locationId, { lastValidatedAt: timeAt(7) });
    assert.deepEqual(catalog.locations.byStore(location.storeId), [location, { ...copy, lastValidatedAt: timeAt(7) }]);

    const policy = somePolicy(location.locationId);
    catalog.policies.add(policy);
    catalog.restorePoints.add(somePoint(policy.policyId, 1, { storeId: location.storeId }));
    catalog.objects.record(someObject(location.locationId, 'i/a'));
    catalog.runPins.pin({ actionId: newId(), locationId: location.locationId, objectKey: 'i/a', reason: 'hit' });
    assert.throws(() => catalog.forgetLocation(location.locationId), hasCode('stillInUse'));
    assert.notEqual(catalog.locations.get(location.locationId), undefined);
    catalog.policies.delete(policy.policyId, timeAt(9));
    catalog.forgetLocation(location.locationId);
    assert.equal(reopened().locations.get(location.locationId), undefined);
    assert.equal(catalog.restorePoints.list().items.length, 1);
    assert.equal(catalog.policies.get(policy.policyId)?.locationId, null);
    assert.deepEqual(catalog.objects.list({ locationId: location.locationId }).items, []);
    assert.deepEqual(catalog.runPins.left(), []);
  });

  it('M7: keeps a policy by its id through rename, deletion and a new one of the same name', () => {
    const { locationId } = addLocation(catalog);
    const first = somePolicy(locationId);
    catalog.policies.add(first);
    assert.throws(() => catalog.policies.add(somePolicy(locationId)), hasCode('nameTaken'));
    catalog.restorePoints.add(somePoint(first.policyId, 1));
    catalog.policies.change(first.policyId, { name: 'renamed', definition: { sources: ['/b'] }, paused: true });
    assert.deepEqual(catalog.policies.get(first.policyId), { ...first, name: 'renamed', definition: { sources: ['/b'] }, paused: true });
    catalog.policies.delete(first.policyId, timeAt(5));
    const second = somePolicy(locationId, { name: 'renamed', createdAt: timeAt(6) });
    catalog.policies.add(second);
    assert.equal(catalog.policies.byName('renamed')?.policyId, second.policyId);
    assert.deepEqual(catalog.restorePoints.list({ policyId: second.policyId }).items, []);
    assert.equal(catalog.restorePoints.list({ policyId: first.policyId }).items.length, 1);
    assert.deepEqual(
      catalog.policies.list({ includeDeleted: true }).map(({ policyId }) => policyId),
      [first.policyId, second.policyId],
    );
    assert.deepEqual(
      catalog.policies.list().map(({ policyId }) => policyId),
      [second.policyId],
    );
    assert.throws(() => catalog.policies.change(newId(), { paused: true }), hasCode('unknownName'));
  });

  it('finds restore points: newest, at a time, by sequence and by the beginning of an id', () => {
    const { policyId } = addPolicy(catalog);
    const points = [1, 2, 3, 4].map((sequence) => somePoint(policyId, sequence));
    for (const point of points) catalog.restorePoints.add(point);
    const [first, second, third, fourth] = points.map(({ id }) => id);
    assert.ok(first !== undefined && fourth !== undefined);
    assert.equal(catalog.restorePoints.newest(policyId)?.id, fourth);
    assert.equal(catalog.restorePoints.newestAt(policyId, timeAt(2 * 60 + 30))?.id, second);
    assert.equal(
      catalog.restorePoints.newestAt(policyId, timeAt(2 * 60 + 29))?.id,
      first,
      'a run that was not finished by then does not count',
    );
    assert.equal(catalog.restorePoints.newestAt(policyId, timeAt(0)), undefined);
    catalog.restorePoints.setState(fourth, 'retired');
    assert.equal(catalog.restorePoints.newest()?.id, third);
    assert.equal(catalog.restorePoints.head(policyId)?.id, fourth, 'a retired one is still the head');
    assert.deepEqual(
      catalog.restorePoints.live(policyId).map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    assert.equal(catalog.restorePoints.countLive(policyId), 3);
    assert.deepEqual(
      catalog.restorePoints.bySequence(policyId, 2).map(({ id }) => id),
      [second],
    );
    assert.deepEqual(
      catalog.restorePoints.byIdPrefix(first).map(({ id }) => id),
      [first],
    );
    assert.deepEqual(catalog.restorePoints.byIdPrefix("' OR 1"), []);
    assert.ok(catalog.restorePoints.byIdPrefix('', 9).length === 0);
    catalog.restorePoints.setPinned(first, true);
    catalog.restorePoints.setVerified(first, timeAt(9), 'ok');
    catalog.restorePoints.setDetails(first, { description: 'new' });
    assert.deepEqual(
      plain(reopened().restorePoints.get(first)),
      plain({ ...points[0], pinned: true, verifiedAt: timeAt(9), verifiedResult: 'ok', details: { description: 'new' } }),
    );
    assert.throws(() => catalog.restorePoints.setPinned(newId(), true), hasCode('unknownName'));
  });

  it('keeps a fork: two restore points of one sequence', () => {
    const { policyId } = addPolicy(catalog);
    catalog.restorePoints.add(somePoint(policyId, 1));
    catalog.restorePoints.add(somePoint(policyId, 1));
    assert.equal(catalog.restorePoints.bySequence(policyId, 1).length, 2);
  });

  it('keeps the ledger: states, sizes and what was read back', () => {
    const { locationId } = addLocation(catalog);
    const { policyId } = addPolicy(catalog, 'other', locationId);
    const object = someObject(locationId, 'i/a', { policyId });
    catalog.objects.record(object);
    catalog.objects.record(someObject(locationId, 'i/b', { kind: 'keyring', size: 10 }));
    catalog.objects.record({ ...object, size: 2000, versionId: 'v2' });
    assert.equal(catalog.objects.heldBytes(locationId), 2010);
    assert.equal(catalog.objects.heldBytes(locationId, policyId), 2000);
    assert.ok(catalog.objects.change(locationId, 'i/a', { state: 'missing', readBackAt: timeAt(3) }));
    assert.ok(!catalog.objects.change(locationId, 'i/none', { state: 'missing' }));
    assert.equal(catalog.objects.heldBytes(locationId), 10);
    const found = reopened().objects.list({ locationId, state: 'missing' }).items;
    assert.deepEqual(plain(found), plain([{ ...object, size: 2000, versionId: 'v2', state: 'missing', readBackAt: timeAt(3) }]));
    assert.deepEqual(
      catalog.objects.list({ locationId, kind: 'keyring' }).items.map(({ objectKey }) => objectKey),
      ['i/b'],
    );
    assert.deepEqual(
      catalog.objects.list({ locationId, policyId }).items.map(({ objectKey }) => objectKey),
      ['i/a'],
    );
    catalog.objects.forget(locationId, 'i/a');
    assert.equal(catalog.objects.get(locationId, 'i/a'), undefined);
  });

  it('F3: deletes only what is condemned and what no run has pinned, and pins nothing that is on its way out', () => {
    const { locationId } = addLocation(catalog);
    const actionId = newId<ActionId>();
    for (const key of ['i/a', 'i/b', 'i/c']) catalog.objects.record(someObject(locationId, key));
    assert.deepEqual(catalog.pinHits(actionId, locationId, ['i/a', 'i/unknown']), []);
    assert.equal(catalog.condemn(locationId, 'i/a'), false, 'pinned');
    assert.equal(catalog.beginDelete(locationId, 'i/b'), false, 'not condemned');
    assert.equal(catalog.condemn(locationId, 'i/b'), true);
    assert.deepEqual(catalog.pinHits(actionId, locationId, ['i/a', 'i/b', 'i/c']), ['i/b']);
    assert.equal(catalog.beginDelete(locationId, 'i/b'), true);
    assert.equal(catalog.beginDelete(locationId, 'i/b'), true, 'again after a crash');
    assert.equal(catalog.condemn(locationId, 'i/unknown'), false);
    catalog.runPins.release(actionId);
    assert.equal(
      catalog.condemn(locationId, 'i/c', () => true),
      false,
      'reached',
    );
    assert.equal(catalog.condemn(locationId, 'i/c'), true);
    assert.equal(
      catalog.beginDelete(locationId, 'i/c', () => true),
      false,
      'reached',
    );
    catalog.runPins.pin({ actionId, locationId, objectKey: 'i/c', reason: 'hit' });
    assert.equal(catalog.beginDelete(locationId, 'i/c'), false, 'pinned, whenever that was');
    catalog.runPins.release(actionId);
    assert.equal(catalog.condemn(locationId, 'i/a'), true);
    assert.deepEqual(catalog.pinHits(actionId, locationId, ['i/a', 'i/b']), ['i/a', 'i/b']);
  });

  it('keeps actions, answers a repeated request with the first one, and seals what may name files', () => {
    const requestId = newId();
    const action = someAction();
    catalog.actions.insert(action, requestId, 'the id of home');
    assert.deepEqual(catalog.actions.findByRequestId(requestId), action);
    assert.throws(() => catalog.actions.insert(someAction(), requestId), hasCode('failed'));
    const error = { code: 'sourceMissing', message: 'Failed to read /home/secret: it is not there.', fix: null, details: null };
    const ended = {
      ...action,
      state: 'failed',
      finishedAt: timeAt(5),
      error,
      result: { skipped: [{ path: '/home/secret', reason: 'x' }] },
    } as const;
    catalog.actions.update(ended);
    assert.deepEqual(reopened().actions.get(action.actionId), ended);
    assert.equal(catalog.actions.lastFinished('backup', 'the id of home')?.actionId, action.actionId);
    assert.equal(catalog.actions.lastFinished('backup', 'home'), undefined, 'a name may be another one’s by now');
    catalog.useSeal(undefined);
    const locked = catalog.actions.get(action.actionId);
    assert.deepEqual([locked?.state, locked?.error?.code, locked?.result], ['failed', 'sourceMissing', null]);
    assert.ok(!JSON.stringify(locked).includes('secret'));
  });

  it('keeps the whole outcome of an action that ends without a seal for as long as the process lives, and off the disk', () => {
    catalog.useSeal(undefined);
    const action = someAction({ kind: 'importStored' });
    catalog.actions.insert(action, newId());
    const error = { code: 'wrongSecret', message: 'Failed to open the keyring: no.', fix: 'Try another.', details: null };
    const ended = { ...action, state: 'failed', finishedAt: timeAt(3), error, result: { points: 3 } } as const;
    catalog.actions.update(ended);
    assert.deepEqual(catalog.actions.get(action.actionId), ended);
    const again = reopened().actions.get(action.actionId);
    assert.deepEqual([again?.error?.code, again?.result], ['wrongSecret', null]);
  });

  it('fails what was under way when the last daemon ended, and knows which pins are left over', () => {
    const { locationId } = addLocation(catalog);
    const running = someAction();
    const queued = someAction({ state: 'queued', startedAt: null, queuedAt: timeAt(1) });
    const complete = someAction({ state: 'complete', finishedAt: timeAt(2) });
    for (const action of [running, queued, complete]) catalog.actions.insert(action, newId());
    assert.deepEqual(catalog.runPins.left(), []);
    catalog.useSeal(undefined);
    const interrupted = catalog.actions.failInterrupted(timeAt(100));
    assert.deepEqual(interrupted, [running.actionId, queued.actionId]);
    for (const actionId of interrupted) catalog.runPins.pin({ actionId, locationId, objectKey: 'i/a', reason: 'upload' });
    const failed = catalog.actions.get(running.actionId);
    assert.deepEqual([failed?.state, failed?.finishedAt, failed?.error?.code], ['failed', timeAt(100), 'daemonEnded']);
    assert.match(failed?.error?.message ?? '', /daemon ended/);
    assert.equal(catalog.actions.get(complete.actionId)?.state, 'complete');
    assert.deepEqual(catalog.actions.failInterrupted(timeAt(101)), []);
    assert.deepEqual(catalog.runPins.left(), interrupted.toSorted());
    assert.equal(catalog.runPins.of(interrupted[0] ?? newId<ActionId>()).length, 1);
  });

  it('keeps long lists of findings whole and in order', () => {
    const action = someAction();
    catalog.actions.insert(action, newId());
    const findings = Array.from({ length: 505 }, (_, index) => ({ path: `/file ${index}`, reason: 'unreadable' }));
    catalog.actions.addFindings(action.actionId, 'skipped', findings.slice(0, 5));
    catalog.actions.addFindings(action.actionId, 'skipped', findings.slice(5));
    const read: unknown[] = [];
    for (let after: string | undefined; ; ) {
      const page = catalog.actions.findings(action.actionId, 'skipped', after === undefined ? {} : { after });
      read.push(...page.items);
      if (page.next === null) break;
      after = page.next;
    }
    assert.deepEqual(read, findings);
    assert.deepEqual(catalog.actions.findings(action.actionId, 'damaged'), { items: [], next: null });
  });

  it('counts each sequence from 1 and never gives a number twice', () => {
    const policyId = addPolicy(catalog).policyId;
    assert.deepEqual(
      [1, 2].map(() => catalog.sequences.next('keyring')),
      [1, 2],
    );
    assert.equal(catalog.sequences.next(`index/${policyId}`), 1);
    assert.throws(() =>
      catalog.transaction(() => {
        catalog.sequences.next('keyring');
        throw new HoldfastError('failed', 'Failed to test: on purpose.');
      }),
    );
    catalog.sequences.raise('keyring', 7);
    catalog.sequences.raise('keyring', 3);
    assert.equal(reopened().sequences.next('keyring'), 8);
    assert.equal(catalog.sequences.last(`manifest/${policyId}`), 0);
  });

  it('gives all that is not sealed while it is locked, and writes nothing that should be', () => {
    const { policyId, locationId } = addPolicy(catalog);
    catalog.passkeys.add(somePasskey({ inUse: true }));
    const point = somePoint(policyId, 1);
    catalog.restorePoints.add(point);
    catalog.useSeal(undefined);
    assert.equal(catalog.passkeys.list()[0]?.name, 'main');
    assert.equal(catalog.locations.list()[0]?.name, 'disk');
    const [locked] = catalog.restorePoints.list().items;
    assert.deepEqual([locked?.startedAt, locked?.details], [point.startedAt, undefined]);
    assert.equal(catalog.policies.list()[0]?.definition, undefined);
    assert.throws(() => catalog.restorePoints.add(somePoint(policyId, 2)), hasCode('locked'));
    assert.throws(() => catalog.policies.add(somePolicy(locationId ?? newId(), { name: 'new' })), hasCode('locked'));
    catalog.restorePoints.setPinned(point.id, true);
    catalog.useSeal(folder.seal);
    assert.deepEqual(catalog.restorePoints.get(point.id)?.details, point.details, 'a change while locked keeps the sealed cell');
  });
});

function addLocation(catalog: Catalog): ReturnType<typeof someLocation> {
  const location = someLocation();
  catalog.locations.add(location);
  return location;
}

function addPolicy(catalog: Catalog, name = 'home', locationId = addLocation(catalog).locationId): ReturnType<typeof somePolicy> {
  const policy = somePolicy(locationId, { name });
  catalog.policies.add(policy);
  return policy;
}

/** Bytes as text, so that buffers and plain byte arrays compare by what they hold. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
