import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import { decodeKeyring, encodeKeyring } from '../../../daemon/keys/keyring.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { LockedLocation } from '../../support/lockedLocation.ts';

const { signal } = new AbortController();
const vaultKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' },
  access: { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null },
  credentials: undefined,
};
const year = new Date('2027-01-02T00:00:00.000Z');

const phrase = (text: string): { readonly kind: 'passphrase'; readonly passphrase: Uint8Array } => ({
  kind: 'passphrase',
  passphrase: Buffer.from(text),
});

/** Name, state, and whether it is in use, of those that are not retired. */
function rows({ installation }: InstallationBench): readonly string[] {
  const kept = installation.passkeys.list({}).items.filter(({ state }) => state !== 'retired');
  return kept.map(({ name, state, inUse }) => `${name} ${state}${inUse ? ' in use' : ''}`).toSorted();
}

/** Names of what the newest keyring that was written holds. */
function held({ installation: { catalog, installationId } }: InstallationBench): readonly string[] {
  const { bytes } = catalog.keyrings.newest() ?? assert.fail();
  const { slots } = decodeKeyring(bytes, installationId).body;
  return slots.map(({ slotId }) => catalog.passkeys.get(slotId)?.name ?? assert.fail()).toSorted();
}

const outcomes = (settled: readonly PromiseSettledResult<unknown>[]): readonly string[] =>
  settled.map((one) => (one.status === 'fulfilled' ? 'done' : HoldfastError.is(one.reason) ? one.reason.code : 'broken'));

describe('changes of passkeys', () => {
  it('X2: go one after the other: what is retired is not put in use, and the last two are not retired without a word', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await passkeys.add('a', phrase('right a'), false, signal);
    assert.deepEqual(outcomes(await Promise.allSettled([passkeys.retire('a', { confirmed: true }, signal), passkeys.use('a', signal)])), [
      'done',
      'unknownName',
    ]);
    await passkeys.add('b', phrase('right b'), true, signal);
    await passkeys.add('c', phrase('right c'), false, signal);
    const retired = await Promise.allSettled(['main', 'c'].map((name) => passkeys.retire(name, { confirmed: false }, signal)));
    assert.deepEqual(outcomes(retired), ['done', 'confirmationNeeded']);
    assert.deepEqual(rows(bench), ['b ready in use', 'c ready']);
  });

  it('rotate twice at once as twice one after the other', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await passkeys.add('v', vaultKey, true, signal);
    await Promise.all([passkeys.rotate('v', {}, signal), passkeys.rotate('v', {}, signal)]);
    assert.deepEqual(rows(bench), ['main ready', 'v ready in use', 'v@v1 ready', 'v@v2 ready']);
  });

  it('end no key outside that another one was added on meanwhile', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    const { passkeys } = installation;
    await passkeys.add('v', vaultKey, true, signal);
    await passkeys.rotate('v', {}, signal);
    keyAgent.latestVersion = 1;
    await passkeys.add('old', vaultKey, false, signal);
    const retired = await passkeys.retire('v@v1', { confirmed: true, outside: 'end' }, signal);
    assert.deepEqual(
      [retired.state, retired.outside, retired.reasons],
      ['retired', 'stillNeeded', [{ what: 'passkey old is wrapped with it', until: null }]],
    );
    assert.equal(keyAgent.minDecryptionVersion, 1);
  });

  it('a rotation that goes on with what was begun takes the schedule that it is told, and else keeps the one that is', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    const { passkeys, catalog } = installation;
    const every = (): number | null | undefined => catalog.serviceKeys.get(passkeys.resolve('v').slotId)?.rotateEveryDays;
    await passkeys.add('v', vaultKey, true, signal);
    for (const [told, days] of [
      [90, 90],
      [undefined, 90],
      [null, null],
    ] as const) {
      keyAgent.problems.set('unwrap', 'throttled');
      await assert.rejects(passkeys.rotate('v', {}, signal), { code: 'keyServiceUnavailable' });
      keyAgent.problems.clear();
      await passkeys.rotate('v', { everyDays: told }, signal);
      assert.equal(every(), days);
    }
    assert.ok(!rows(bench).some((row) => row.includes('(new)')));
  });

  it('a rotation of a passphrase that was cut off leaves no passkey behind once it is done', async () => {
    using bench = await InstallationBench.ready();
    const { installation, scrypt } = bench;
    const { passkeys } = installation;
    const derive = scrypt.derive.bind(scrypt);
    let derived = 0;
    scrypt.derive = async (...given) => {
      derived += 1;
      if (derived === 2) throw new Error('cut off');
      return await derive(...given);
    };
    await assert.rejects(passkeys.rotate('main', { passphrase: Buffer.from('right new') }, signal), /cut off/);
    assert.deepEqual(rows(bench), ['main (new) unverified', 'main ready in use']);
    const passphrase = Buffer.from('right newer');
    await passkeys.rotate('main', { passphrase }, signal);
    assert.deepEqual(rows(bench), ['main ready in use', 'main@2026-01-02 ready']);
    await passkeys.verify('main', { passphrase }, signal);
  });

  it('a rotation that keeps the choice puts nothing in use that was not, not for a moment', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys, catalog } = bench.installation;
    await passkeys.add('v', vaultKey, false, signal);
    const used: string[] = [];
    const use = catalog.passkeys.use.bind(catalog.passkeys);
    catalog.passkeys.use = (slotId) => (used.push(slotId), use(slotId));
    const { passkey, steps } = await passkeys.rotate('v', { keepsChoice: true }, signal);
    assert.deepEqual([used, passkey.inUse, passkey.name], [[], false, 'v']);
    assert.match(steps.at(-1) ?? '', /^The new passkey is verified; the old one is v@v1/);
    assert.deepEqual(rows(bench), ['main ready in use', 'v ready', 'v@v1 ready']);
  });

  it('carry slots of kinds of tomorrow on into each keyring, and count them', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    const { catalog, keys } = installation;
    const location = new LockedLocation(bench);
    await location.deliver();
    const newest = catalog.keyrings.newest() ?? assert.fail();
    const { body } = decodeKeyring(newest.bytes, installation.installationId);
    const unknownSlots = Array.from({ length: 30 }, (_, index) => ({
      kind: 'ofTomorrow',
      slotId: `tomorrow-${index}`,
      deep: { secret: [index] },
    }));
    const sequence = catalog.transaction(() => catalog.sequences.next('keyring'));
    const objectId = Buffer.alloc(16, 9);
    const bytes = encodeKeyring({ objectId, sequence, storeId: location.store.storeId }, { ...body, unknownSlots }, keys.masterKey);
    catalog.keyrings.add({ sequence, objectId, bytes, createdAt: newest.createdAt });
    await installation.passkeys.add('a', phrase('right a'), false, signal);
    const after = decodeKeyring((catalog.keyrings.newest() ?? assert.fail()).bytes, installation.installationId);
    assert.ok(after.sequence > sequence);
    assert.equal(after.body.slots.length, 2);
    assert.equal(JSON.stringify(after.body.unknownSlots), JSON.stringify(unknownSlots));
    await assert.rejects(installation.passkeys.add('b', phrase('right b'), false, signal), { code: 'refusedByRule' });
  });
});

describe('a passkey that keyrings leave out', () => {
  /** "vault" beside the passphrase "main", which is in use; what is locked holds both, and its retirement was refused. */
  async function leftOut(): Promise<InstallationBench> {
    const bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await passkeys.add('vault', vaultKey, false, signal);
    const location = new LockedLocation(bench);
    await location.deliver();
    location.lock(year);
    await assert.rejects(passkeys.retire('vault', { confirmed: true }, signal), (error: unknown) => {
      assert.ok(HoldfastError.is(error, 'refusedByRule'));
      assert.match(error.message, /new keyrings leave it out from now on\.$/);
      assert.match(error.fix ?? '', /"holdfast passkey use vault" takes it back/);
      assert.equal(error.details?.['isLeftOut'], true);
      return true;
    });
    return bench;
  }

  it('D3: is in no new keyring, nothing counts on it, and using it takes it back before it is in use', async () => {
    using bench = await leftOut();
    const { passkeys, catalog } = bench.installation;
    assert.deepEqual(held(bench), ['main']);
    const use = catalog.passkeys.use.bind(catalog.passkeys);
    catalog.passkeys.use = (slotId) => {
      assert.deepEqual(held(bench), ['main', 'vault'], 'published before');
      use(slotId);
    };
    await passkeys.use('vault', signal);
    assert.equal(passkeys.resolve('vault').leftKeyringsAt, null);
    await passkeys.retire('main', { confirmed: true }, signal);
    assert.deepEqual(held(bench), ['vault']);
  });

  it('D3: leaves the others as few as they are: the last one that keyrings hold stays', async () => {
    using bench = await leftOut();
    const { passkeys } = bench.installation;
    await passkeys.add('other', phrase('right other'), true, signal);
    assert.throws(() => passkeys.checkRetire('main', false), { code: 'confirmationNeeded' }, 'one other, since vault does not count');
    await passkeys.retire('main', { confirmed: true }, signal);
    assert.deepEqual(held(bench), ['other']);
  });

  it('is left out only after a word of the user, who is asked once', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await passkeys.add('vault', vaultKey, false, signal);
    const location = new LockedLocation(bench);
    await location.deliver();
    location.lock(year);
    for (const outside of ['leave', 'end'] as const) {
      await assert.rejects(passkeys.retire('vault', { confirmed: false, outside }, signal), (error: unknown) => {
        assert.ok(HoldfastError.is(error, 'confirmationNeeded'));
        assert.match(error.message, /new keyrings leave it out from then on/);
        return true;
      });
      assert.equal(passkeys.resolve('vault').leftKeyringsAt, null);
      assert.deepEqual(held(bench), ['main', 'vault']);
    }
    assert.throws(() => passkeys.checkRetire('vault', false), { code: 'confirmationNeeded' });
  });

  it('is taken back by the rotation that was begun with it', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    const { passkeys, catalog } = installation;
    await passkeys.add('vault', vaultKey, false, signal);
    keyAgent.problems.set('unwrap', 'throttled');
    await assert.rejects(passkeys.rotate('vault', {}, signal), { code: 'keyServiceUnavailable' });
    keyAgent.problems.clear();
    const location = new LockedLocation(bench);
    const leftKeyringsAt = year.toISOString();
    catalog.transaction(() => {
      catalog.passkeys.change(passkeys.resolve('vault (new)').slotId, { leftKeyringsAt });
      installation.keyrings.changed();
    });
    await location.deliver();
    assert.deepEqual(held(bench), ['main', 'vault']);
    await passkeys.rotate('vault', {}, signal);
    assert.deepEqual(
      [held(bench), rows(bench)],
      [
        ['main', 'vault', 'vault@v1'],
        ['main ready', 'vault ready in use', 'vault@v1 ready'],
      ],
    );
  });
});

describe('a key outside', () => {
  it('has an end that is told: ended, nothing to end, or still needed', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    const { passkeys } = installation;
    await passkeys.add('paper', phrase('right paper'), false, signal);
    await passkeys.add('v', vaultKey, false, signal);
    const alone = await passkeys.retire('v', { confirmed: true, outside: 'end' }, signal);
    assert.deepEqual([alone.outside, keyAgent.minDecryptionVersion], ['nothingToEnd', 1]);
    assert.match(alone.reasons[0]?.what ?? '', /^no passkey is at a later version of its Vault key/);
    await passkeys.add('w', vaultKey, true, signal);
    await passkeys.rotate('w', {}, signal);
    assert.equal((await passkeys.retire('w@v1', { confirmed: true }, signal)).outside, null);
    const ended = await passkeys.retire(alone.slotId, { confirmed: true, outside: 'end' }, signal);
    assert.deepEqual([ended.outside, ended.reasons, keyAgent.minDecryptionVersion], ['ended', [], 2]);
    assert.equal((await passkeys.retire('main', { confirmed: true, outside: 'end' }, signal)).outside, 'nothingToEnd');
  });

  it('that could not be ended says that the passkey is retired, and how to go on', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    const { passkeys } = installation;
    await passkeys.add('v', vaultKey, true, signal);
    const { previous } = await passkeys.rotate('v', {}, signal);
    for (const [problem, code] of [
      ['unreachable', 'keyServiceUnavailable'],
      ['accessDenied', 'keyServiceRefused'],
    ] as const) {
      keyAgent.problems.set('raiseMinimum', problem);
      await assert.rejects(passkeys.retire(previous.slotId, { confirmed: true, outside: 'end' }, signal), (error: unknown) => {
        assert.ok(HoldfastError.is(error, code));
        assert.match(error.message, /the passkey is retired; its key outside is not ended: /);
        assert.ok(error.fix?.includes(`"holdfast passkey retire ${previous.slotId} --end-key"`));
        return true;
      });
      assert.equal(passkeys.resolve(previous.slotId).state, 'retired');
    }
  });
});

describe('X2 D3: any changes of passkeys', () => {
  it('leave a newest keyring that holds the slot in use and a verified one', async () => {
    const change = fc.record({
      act: fc.constantFrom('add', 'addVault', 'use', 'use', 'rotate', 'rotateUnused', 'retire', 'retire', 'retireUnasked'),
      which: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 3, maxLength: 6 }), async (changes) => {
        using bench = await InstallationBench.ready();
        const { installation } = bench;
        const { passkeys, catalog } = installation;
        const location = new LockedLocation(bench);
        await passkeys.add('vault', vaultKey, false, signal);
        for (const [index, { act, which }] of changes.entries()) {
          // Whatever keyring is there is locked for longer than all this takes.
          location.lock(year);
          const kept = catalog.passkeys.list().filter(({ state }) => state !== 'retired');
          const { slotId, kind } = kept[which % kept.length] ?? assert.fail();
          const how = {
            ...(kind === 'passphrase' ? { passphrase: Buffer.from(`rotated ${index}`) } : {}),
            keepsChoice: act === 'rotateUnused',
          };
          const acts: Readonly<Record<typeof act, () => Promise<unknown>>> = {
            add: () => passkeys.add(`p${index}`, phrase(`right ${index}`), which % 2 === 0, signal),
            addVault: () => passkeys.add(`v${index}`, vaultKey, which % 2 === 0, signal),
            use: () => passkeys.use(slotId, signal),
            rotate: () => passkeys.rotate(slotId, how, signal),
            rotateUnused: () => passkeys.rotate(slotId, how, signal),
            retire: () => passkeys.retire(slotId, { confirmed: true }, signal),
            retireUnasked: () => passkeys.retire(slotId, { confirmed: false }, signal),
          };
          try {
            await acts[act]();
          } catch (error) {
            if (!HoldfastError.is(error, 'refusedByRule', 'confirmationNeeded')) throw error;
          }
          assert.ok(!installation.keyrings.isBehind(location.locationId));
          const names = held(bench);
          const inUse = catalog.passkeys.inUse() ?? assert.fail();
          assert.ok(inUse.state === 'ready' && inUse.leftKeyringsAt === null && names.includes(inUse.name), `${inUse.name} is in use`);
        }
      }),
      { numRuns: 15 },
    );
  });
});
