import assert from 'node:assert/strict';
import { readdirSync, renameSync } from 'node:fs';
import { decodeKeyring } from '../../../daemon/keys/keyring.ts';
import { wrongPassphrase } from '../../../daemon/keys/passkeys/passphrase.ts';
import type { LocationId, PolicyId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';

const signal = new AbortController().signal;

/** A copy each time: what takes a passphrase may overwrite it. */
const secret = (text: string): Buffer => Buffer.from(text);

/** Slot ids of the newest keyring at a location, and its sequence. */
async function newestKeyring(bench: InstallationBench, locationId: LocationId): Promise<{ sequence: number; slots: readonly string[] }> {
  const { installationId } = bench.installation;
  const store = await bench.open(locationId);
  const found = [];
  for await (const page of store.list(`${installationId}/keyring/`)) {
    for (const { key } of page) {
      const object = await store.get(key);
      const { sequence, body } = decodeKeyring(object?.body ?? Buffer.alloc(0), installationId);
      found.push({ sequence, slots: body.slots.map(({ slotId }) => String(slotId)) });
    }
  }
  return found.toSorted((a, b) => b.sequence - a.sequence)[0] ?? assert.fail('no keyring');
}

async function unlocks(bench: InstallationBench, passphrase: string, passkey?: string): Promise<boolean> {
  bench.installation.lock();
  try {
    await bench.installation.unlock({ passphrase: secret(passphrase) }, passkey, signal);
    return true;
  } catch {
    return false;
  }
}

describe('installation', () => {
  it('is not set up, then unlocked, locked and unlocked again, and says so each time', async () => {
    using bench = new InstallationBench();
    const { installation } = bench;
    assert.equal(installation.state, 'notSetUp');
    assert.throws(() => installation.installationId, { code: 'notSetUp' });
    await assert.rejects(installation.unlock({ passphrase: secret('right') }, undefined, signal), { code: 'notSetUp' });
    await installation.setUp('main', { kind: 'passphrase', passphrase: secret('right') }, signal);
    assert.equal(installation.state, 'unlocked');
    installation.lock();
    assert.equal(installation.state, 'locked');
    assert.throws(() => installation.keys.masterKey, { code: 'locked' });
    await installation.unlock({ passphrase: secret('right') }, undefined, signal);
    assert.equal(installation.state, 'unlocked');
    assert.deepEqual(bench.changes.filter((change) => change === 'state').length, 3);
  });

  it('is set up once: of two at the same time one is refused, and the key of the other stays', async () => {
    using bench = new InstallationBench();
    const { installation } = bench;
    const both = await Promise.allSettled([
      installation.setUp('a', { kind: 'passphrase', passphrase: secret('one') }, signal),
      installation.setUp('b', { kind: 'passphrase', passphrase: secret('two') }, signal),
    ]);
    const refused = both.find((outcome) => outcome.status === 'rejected');
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(refused?.reason.code, 'alreadySetUp');
    await assert.rejects(installation.setUp('c', { kind: 'passphrase', passphrase: secret('three') }, signal), { code: 'alreadySetUp' });
    const [name] = installation.passkeys.list({}).items;
    assert.ok(await unlocks(bench, name?.name === 'a' ? 'one' : 'two'));
  });

  it('C4: a wrong passphrase gets one constant message, for a passkey that is named, for any, and while it is unlocked', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    await installation.passkeys.add('spare', { kind: 'passphrase', passphrase: secret('other') }, false, signal);
    installation.lock();
    const { message, fix } = wrongPassphrase();
    for (const [passphrase, passkey] of [
      ['wrong', undefined],
      ['', undefined],
      ['right ', 'main'],
      ['right', 'spare'],
      ['x'.repeat(2000), undefined],
    ] as const) {
      await assert.rejects(installation.unlock({ passphrase: secret(passphrase) }, passkey, signal), { code: 'wrongSecret', message, fix });
    }
    await installation.unlock({ passphrase: secret('right') }, undefined, signal);
    await assert.rejects(installation.passkeys.prove({ passphrase: secret('wrong') }, signal), { code: 'wrongSecret', message });
    await assert.rejects(installation.passkeys.verify('spare', { passphrase: secret('right') }, signal), { code: 'wrongSecret', message });
    await assert.rejects(installation.unlock({ passphrase: secret('right') }, 'nobody', signal), { code: 'unknownName' });
  });

  it('M5: the delay grows with each wrong passphrase whatever asks for it, and one right one ends it', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    const wrong = (): Promise<void> => assert.rejects(installation.passkeys.prove({ passphrase: secret('wrong') }, signal));
    for (let attempt = 0; attempt < 4; attempt += 1) await wrong();
    installation.lock();
    await assert.rejects(installation.unlock({ passphrase: secret('wrong') }, undefined, signal));
    assert.deepEqual(bench.slept, [1000, 2000]);
    await installation.unlock({ passphrase: secret('right') }, undefined, signal);
    assert.deepEqual(bench.slept, [1000, 2000, 4000]);
    await wrong();
    assert.equal(bench.slept.length, 3);
  });

  it('a new passkey is in the keyring of every location, and opens it', async () => {
    using bench = await InstallationBench.ready();
    const locations = [await bench.addLocation('one'), await bench.addLocation('two')];
    const added = await bench.installation.passkeys.add('spare', { kind: 'passphrase', passphrase: secret('other') }, false, signal);
    assert.deepEqual([added.state, added.inUse, added.verifiedAt !== null], ['ready', false, true]);
    const [one, two] = await Promise.all(locations.map((locationId) => newestKeyring(bench, locationId)));
    assert.deepEqual(one, two);
    assert.ok(one?.slots.includes(added.slotId) && one.slots.length === 2);
    assert.ok(await unlocks(bench, 'other'));
    assert.ok(await unlocks(bench, 'right'));
  });

  it('a location that was away gets the keyring when it is there again, and nothing else waits for it', async () => {
    using bench = await InstallationBench.ready();
    const locationId = await bench.addLocation('usb');
    const before = await newestKeyring(bench, locationId);
    renameSync(bench.at('usb'), bench.at('unplugged'));
    const added = await bench.installation.passkeys.add('spare', { kind: 'passphrase', passphrase: secret('other') }, true, signal);
    assert.ok(bench.changes.includes('undelivered'));
    assert.equal(added.inUse, true);
    assert.ok(bench.installation.keyrings.isBehind(locationId));
    renameSync(bench.at('unplugged'), bench.at('usb'));
    assert.deepEqual(await newestKeyring(bench, locationId), before);
    assert.ok(await unlocks(bench, 'other'));
    const after = await newestKeyring(bench, locationId);
    assert.ok(after.sequence > before.sequence && after.slots.includes(added.slotId));
    assert.equal(bench.installation.keyrings.isBehind(locationId), false);
  });

  it('a rotation gives the name to the new passphrase; the old one opens until it is retired, and then never again', async () => {
    using bench = await InstallationBench.ready();
    const locationId = await bench.addLocation();
    const { passkeys } = bench.installation;
    const { passkey, previous } = await passkeys.rotate('main', { passphrase: secret('new') }, signal);
    assert.deepEqual(
      [passkey.name, passkey.inUse, passkey.state, previous.name, previous.inUse],
      ['main', true, 'ready', 'main@2026-01-02', false],
    );
    assert.ok((await unlocks(bench, 'right')) && (await unlocks(bench, 'new')));
    assert.throws(() => passkeys.checkRetire('main', true), { code: 'refusedByRule' }, 'the one in use');
    assert.throws(() => passkeys.checkRetire(previous.name, false), { code: 'confirmationNeeded' });
    const retired = await passkeys.retire(previous.name, { confirmed: true }, signal);
    assert.equal(retired.state, 'retired');
    assert.deepEqual((await newestKeyring(bench, locationId)).slots, [passkey.slotId]);
    assert.equal(await unlocks(bench, 'right'), false);
    assert.ok(await unlocks(bench, 'new'));
    await assert.rejects(passkeys.verify(previous.slotId, { passphrase: secret('right') }, signal), { code: 'refusedByRule' });
    assert.throws(() => passkeys.checkUse(previous.slotId), { code: 'refusedByRule' });
  });

  it('refuses a passkey’s name that is taken, and takes that of a retired one', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await assert.rejects(passkeys.add('main', { kind: 'passphrase', passphrase: secret('other') }, false, signal), { code: 'nameTaken' });
    await passkeys.add('spare', { kind: 'passphrase', passphrase: secret('other') }, true, signal);
    await passkeys.retire('main', { confirmed: true }, signal);
    const again = await passkeys.add('main', { kind: 'passphrase', passphrase: secret('third') }, false, signal);
    assert.equal(passkeys.resolve('main').slotId, again.slotId);
  });

  it('C8: a keyring that somebody swapped at the location is noticed when it is read back', async () => {
    using bench = await InstallationBench.ready();
    const locationId = await bench.addLocation();
    const store = await bench.open(locationId);
    bench.installation.catalog.transaction(() => bench.installation.keyrings.changed());
    const swapping = {
      storeId: store.storeId,
      capabilities: store.capabilities,
      put: store.put.bind(store),
      head: store.head.bind(store),
      list: store.list.bind(store),
      delete: store.delete.bind(store),
      get: async (key: string): Promise<Awaited<ReturnType<typeof store.get>>> => {
        const found = await store.get(key);
        return found === undefined
          ? undefined
          : { ...found, body: Uint8Array.from(found.body, (byte, at) => (at === 200 ? byte ^ 1 : byte)) };
      },
    };
    await assert.rejects(bench.installation.keyrings.deliver(locationId, swapping, signal), { code: 'tampered' });
    assert.ok(bench.installation.keyrings.isBehind(locationId));
    await bench.installation.keyrings.deliver(locationId, store, signal);
    assert.equal(bench.installation.keyrings.isBehind(locationId), false, 'the same bytes again are no other object');
  });
});

describe('locations of an installation', () => {
  it('refuse a name that is taken, and a folder where a check fails leaves nothing behind', async () => {
    using bench = await InstallationBench.ready();
    await bench.addLocation('usb');
    const { locations } = bench.installation;
    const add = (name: string, path: string): ReturnType<typeof locations.add> =>
      locations.add({ name, spec: { kind: 'filesystem', path } }, signal);
    await assert.rejects(add('usb', bench.at('other')), { code: 'nameTaken' });
    assert.deepEqual(readdirSync(bench.folder).toSorted(), ['state', 'usb']);
    const failed = await add('deep', bench.at('no', 'parent'));
    assert.equal(failed.location, null);
    assert.ok(failed.checks.some(({ result }) => result === 'fail'));
    await assert.rejects(add('relative', 'some/where'), { code: 'badValue' });
    assert.equal(locations.list({}).items.length, 1);
  });

  it('one whose folder is gone is "not there", never a new store, and another drive at its path is refused', async () => {
    using bench = await InstallationBench.ready();
    const usb = await bench.addLocation('usb');
    await bench.addLocation('other');
    renameSync(bench.at('usb'), bench.at('unplugged'));
    await assert.rejects(bench.open(usb), { code: 'storeUnreachable' });
    assert.equal(readdirSync(bench.folder).includes('usb'), false);
    renameSync(bench.at('other'), bench.at('usb'));
    await assert.rejects(bench.open(usb), { code: 'storeUnreachable' });
    const { locations } = bench.installation;
    const checks = await locations.validate('usb', signal);
    assert.ok(checks.some(({ check, result }) => check === 'marker' && result === 'fail'));
    const moved = await locations.edit({ location: 'usb', path: bench.at('unplugged') }, signal);
    assert.equal(moved.location?.path, bench.at('unplugged'));
    assert.equal((await bench.open(usb)).storeId, moved.location?.storeId);
  });

  it('are removed only when nothing stores there and somebody said so twice', async () => {
    using bench = await InstallationBench.ready();
    await bench.addLocation('usb');
    const { locations } = bench.installation;
    assert.throws(() => locations.remove('usb', false), { code: 'confirmationNeeded' });
    const removed = locations.remove('usb', true);
    assert.throws(() => locations.resolve('usb'), { code: 'unknownName' });
    const again = await bench.addLocation('usb');
    assert.equal((await bench.open(again)).storeId, removed.storeId, 'the store keeps its id');
  });
});

describe('key holder', () => {
  it('gives the same keys again while unlocked, one set for each generation, and none after lock', async () => {
    using bench = await InstallationBench.ready();
    const { keys } = bench.installation;
    const policyId = newId<PolicyId>();
    const first = keys.policyKeys(policyId, 1);
    assert.equal(keys.policyKeys(policyId, 1), first);
    const all = keys.policyKeysOfAllGenerations(policyId, 3);
    assert.deepEqual(
      all.map(({ keyGeneration }) => keyGeneration),
      [3, 2, 1],
    );
    assert.notDeepEqual(all[0]?.pack.export(), all[1]?.pack.export());
    bench.installation.lock();
    assert.throws(() => keys.policyKeys(policyId, 1), { code: 'locked' });
  });
});
