import assert from 'node:assert/strict';
import type { HoldfastError } from '../../../protocol/errors.ts';
import type { Opening, ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import type { KeyTarget } from '../../../protocol/keyServices.ts';
import { InstallationBench } from '../../support/installationBench.ts';

const { signal } = new AbortController();
const vault: KeyTarget = { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' };
const vaultAccess = { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null } as const;
const kmsAccess = { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } } as const;
const vaultKey: ServiceSlotKey = {
  kind: 'service',
  target: vault,
  access: vaultAccess,
  credentials: undefined,
};
const kmsKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'awsKms', keyId: 'alias/backup', region: 'eu-west-1' },
  access: kmsAccess,
  credentials: undefined,
};

const sealedKey: ServiceSlotKey = {
  ...vaultKey,
  access: { ...vaultAccess, login: { method: 'given' } },
  credentials: { kind: 'vaultTransit', token: 's.canary' },
};

describe('passkeys at key services', () => {
  it('are wrapped, opened as written, and open the installation without anybody there', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    const made = await installation.passkeys.add('kms', kmsKey, true, signal);
    assert.deepEqual([made.state, made.inUse, made.reference['alias']], ['ready', true, 'alias/backup']);
    assert.match(String(made.reference['keyArn']), /^arn:aws:kms:eu-west-1:\d{12}:key\//);
    assert.deepEqual(keyAgent.calls, ['describe', 'wrap', 'unwrap']);
    installation.lock();
    await installation.unlock({}, undefined, signal);
    assert.equal(installation.state, 'unlocked');
  });

  it('can be the first of an installation', async () => {
    using bench = new InstallationBench();
    const { installation } = bench;
    await installation.setUp('vault', vaultKey, signal);
    installation.lock();
    await installation.unlock({}, undefined, signal);
    const [passkey] = installation.passkeys.list({}).items;
    assert.deepEqual([passkey?.kind, passkey?.inUse, passkey?.reference['version']], ['vaultTransit', true, 1]);
  });

  it('D7: what gives another key counts for nothing, and is failing', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    keyAgent.lie = (plaintext) => plaintext.fill(7, 20);
    await assert.rejects(installation.passkeys.add('kms', kmsKey, true, signal), { code: 'keyServiceRefused' });
    const [main, kms] = ['main', 'kms'].map((name) => installation.passkeys.list({}).items.find((one) => one.name === name));
    assert.deepEqual([main?.inUse, kms?.inUse, kms?.state], [true, false, 'failing']);
  });

  for (const problem of [undefined, 'versionTooOld'] as const) {
    it(`D2: retired while its service is asked stays retired, where that answers with ${problem ?? 'the key'}`, async () => {
      using bench = await InstallationBench.ready();
      const { installation, keyAgent } = bench;
      const { slotId } = await installation.passkeys.add('kms', kmsKey, false, signal);
      const ask = keyAgent.call.bind(keyAgent);
      keyAgent.call = async (call, secrets, asking) => {
        keyAgent.call = ask;
        await installation.passkeys.retire(slotId, { confirmed: true }, signal);
        if (problem !== undefined) keyAgent.problems.set('unwrap', problem);
        return await ask(call, secrets, asking);
      };
      await installation.passkeys.verify(slotId, {}, signal).catch(() => undefined);
      assert.equal(installation.passkeys.list({}).items.find((one) => one.slotId === slotId)?.state, 'retired');
    });
  }

  it('D6: one that is down leaves the daemon locked with its reason, and another one opens it', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('kms', kmsKey, true, signal);
    installation.lock();
    keyAgent.problems.set('unwrap', 'unreachable');
    await assert.rejects(installation.unlock({}, undefined, signal), { code: 'keyServiceUnavailable', reason: 'it is unreachable' });
    assert.equal(installation.state, 'locked');
    const kms = installation.passkeys.list({}).items.find(({ name }) => name === 'kms');
    assert.equal(kms?.state, 'ready', 'what waiting can cure takes no proof back');
    assert.match(kms?.warnings.join(' ') ?? '', /it is unreachable/);
    await installation.unlock({ passphrase: Buffer.from('right') }, undefined, signal);
    keyAgent.problems.clear();
    assert.deepEqual((await installation.passkeys.verify('kms', {}, signal)).warnings, []);
  });

  it('D6: one after the other is asked, the one in use first', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('vault', vaultKey, false, signal);
    await installation.passkeys.add('kms', kmsKey, true, signal);
    keyAgent.minDecryptionVersion = 2;
    installation.lock();
    await installation.unlock({}, undefined, signal);
    assert.equal(installation.passkeys.list({}).items.find(({ name }) => name === 'vault')?.state, 'ready', 'it was not asked');
    await installation.passkeys.use('vault', signal);
    installation.lock();
    await installation.unlock({}, undefined, signal);
    assert.equal(installation.passkeys.list({}).items.find(({ name }) => name === 'vault')?.state, 'failing', 'it was asked first');
  });

  it('D2: a Vault key goes to its next version, the old slot keeps the name with its own, and nothing is raised before it goes', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('vault', vaultKey, true, signal);
    const rotated = await installation.passkeys.rotate('vault', {}, signal);
    assert.deepEqual(
      [rotated.passkey.name, rotated.passkey.reference['version'], rotated.passkey.inUse, rotated.previous.name],
      ['vault', 2, true, 'vault@v1'],
    );
    assert.equal(keyAgent.minDecryptionVersion, 1);
    await installation.passkeys.retire('vault@v1', { confirmed: true, outside: 'end' }, signal);
    assert.equal(keyAgent.minDecryptionVersion, 2);
    installation.lock();
    await installation.unlock({}, undefined, signal);
  });

  it('ends the key outside at the second call where the first was cut off behind the retirement', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('vault', vaultKey, true, signal);
    const { previous } = await installation.passkeys.rotate('vault', {}, signal);
    keyAgent.problems.set('raiseMinimum', 'unreachable');
    const retire = async (): Promise<unknown> =>
      await installation.passkeys.retire(previous.slotId, { confirmed: true, outside: 'end' }, signal);
    await assert.rejects(retire(), { code: 'keyServiceUnavailable' });
    assert.deepEqual([installation.passkeys.resolve(previous.slotId).state, keyAgent.minDecryptionVersion], ['retired', 1]);
    keyAgent.problems.clear();
    await retire();
    assert.equal(keyAgent.minDecryptionVersion, 2);
  });

  it('uses the version that somebody else rotated to', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('vault', vaultKey, true, signal);
    keyAgent.latestVersion = 3;
    const looked = await installation.passkeys.verify('vault', {}, signal);
    assert.deepEqual(looked.warnings, ['Vault key version 3, passkey at 1.']);
    const rotated = await installation.passkeys.rotate('vault', {}, signal);
    assert.equal(rotated.passkey.reference['version'], 3);
    assert.ok(!keyAgent.calls.includes('rotateKey'));
  });

  it('stops with the command where it may not rotate, and goes on once somebody has', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('vault', vaultKey, true, signal);
    keyAgent.problems.set('rotateKey', 'accessDenied');
    await assert.rejects(installation.passkeys.rotate('vault', {}, signal), {
      code: 'refusedByRule',
      details: { problem: 'accessDenied', command: 'do rotateKey' },
    });
    keyAgent.latestVersion = 2;
    assert.equal((await installation.passkeys.rotate('vault', {}, signal)).passkey.reference['version'], 2);
  });

  it('D1: a KMS key is followed by one of the same policy, its alias moves, and its deletion is for the gate to allow', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('kms', kmsKey, true, signal);
    const rotated = await installation.passkeys.rotate('kms', {}, signal);
    assert.equal(rotated.passkey.reference['keyArn'], keyAgent.aliasArn);
    assert.notEqual(rotated.previous.reference['keyArn'], keyAgent.aliasArn);
    assert.deepEqual([rotated.gate.allowed, rotated.gate.commands.length], [true, 1]);
    assert.match(rotated.gate.commands[0] ?? '', /schedule-key-deletion .*--pending-window-in-days 30/);
    assert.ok(!keyAgent.calls.includes('scheduleDeletion'));
  });

  it('a KMS key that rotates by itself is wrapped under anew, and no command ends what is still in use', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    keyAgent.rotatesItself = true;
    await installation.passkeys.add('kms', kmsKey, true, signal);
    const rotated = await installation.passkeys.rotate('kms', {}, signal);
    assert.equal(rotated.passkey.reference['keyArn'], rotated.previous.reference['keyArn']);
    assert.deepEqual([rotated.gate.allowed, rotated.gate.commands], [true, []]);
  });

  it('goes on with the slot that a rotation before left unfinished', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    await installation.passkeys.add('vault', vaultKey, true, signal);
    keyAgent.problems.set('unwrap', 'throttled');
    await assert.rejects(installation.passkeys.rotate('vault', {}, signal), { code: 'keyServiceUnavailable' });
    keyAgent.problems.clear();
    await installation.passkeys.rotate('vault', {}, signal);
    const names = installation.passkeys.list({}).items.map(({ name, state, inUse }) => `${name} ${state}${inUse ? ' in use' : ''}`);
    assert.deepEqual(names.toSorted(), ['main ready', 'vault ready in use', 'vault@v1 ready']);
  });

  it('has a key outside rotate by itself only where there is one', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    await installation.passkeys.add('vault', vaultKey, true, signal);
    await assert.rejects(installation.passkeys.schedule('main', 90, signal), { code: 'refusedByRule' });
    await installation.passkeys.schedule('vault', 90, signal);
    const rotated = await installation.passkeys.rotate('vault', {}, signal);
    const { serviceKeys } = installation.catalog;
    const every = [rotated.passkey, rotated.previous]
      .map(({ slotId }) => installation.passkeys.resolve(slotId).slotId)
      .map((id) => serviceKeys.get(id)?.rotateEveryDays);
    assert.deepEqual(every, [90, null]);
    const rows = installation.passkeys.list({}).items;
    const { createdAt } = rotated.passkey;
    const next = new Date(Date.parse(createdAt) + 90 * 86_400_000).toISOString();
    assert.deepEqual(rows.find(({ name }) => name === 'vault')?.rotates, { everyDays: 90, next });
    assert.deepEqual([rotated.previous.rotates, rows.find(({ name }) => name === 'main')?.rotates], [null, null]);
  });

  it('finds a retired passkey by its id, and takes no other for the one that its old name means', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    await installation.passkeys.add('vault', vaultKey, true, signal);
    const { previous } = await installation.passkeys.rotate('vault', {}, signal);
    await installation.passkeys.retire(previous.name, { confirmed: true }, signal);
    assert.throws(
      () => installation.passkeys.resolve('vault@v1'),
      ({ code, message, fix }: HoldfastError) =>
        code === 'unknownName' &&
        message.endsWith('"vault@v1": the only one of that name is retired.') &&
        fix === `Its id finds it: ${previous.slotId}.`,
    );
    assert.equal(installation.passkeys.resolve(previous.slotId).state, 'retired');
  });

  it('keeps credentials that were handed over sealed, and asks with those of its surroundings while locked', async () => {
    using bench = await InstallationBench.ready({ environment: { VAULT_ADDR: 'https://VAULT.example/' } });
    const { installation } = bench;
    const { slotId } = await installation.passkeys.add('vault', sealedKey, true, signal);
    const row = installation.catalog.serviceKeys.get(installation.passkeys.resolve(slotId).slotId);
    assert.ok(!JSON.stringify(row).includes('canary'));
    installation.lock();
    await installation.unlock({}, undefined, signal);
  });

  for (const environment of [{}, { VAULT_ADDR: 'https://prod.example' }, { VAULT_ADDR: 'https://vault.example', BAO_ADDR: 'x' }]) {
    it(`C9: while it can not read the token, tries none of its surroundings where they are for ${JSON.stringify(environment)}`, async () => {
      using bench = await InstallationBench.ready({ environment: { VAULT_TOKEN: '', ...environment } });
      const { installation, keyAgent } = bench;
      await installation.passkeys.add('vault', sealedKey, true, signal);
      installation.lock();
      keyAgent.calls.length = 0;
      await assert.rejects(installation.unlock({}, undefined, signal), {
        code: 'keyServiceRefused',
        reason: 'its token lies sealed in the catalog, which a locked daemon can not read',
      });
      assert.deepEqual(keyAgent.calls, []);
      assert.equal(installation.passkeys.resolve('vault').state, 'ready', 'it says nothing of the passkey');
    });
  }

  it('says of sealed credentials that a locked daemon can not read them, unless another passkey opens by itself', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    assert.match((await passkeys.add('vault', sealedKey, false, signal)).warnings.join(), /sealed in the catalog/);
    assert.deepEqual((await passkeys.add('kms', kmsKey, false, signal)).warnings, []);
    assert.deepEqual(
      passkeys.list({}).items.flatMap(({ warnings }) => warnings),
      [],
    );
  });

  it('take what was not said of a login from what is known of the passkey, and a brought login that fails says nothing of it', async () => {
    using bench = await InstallationBench.ready();
    const { installation, keyAgent } = bench;
    const reached: unknown[] = [];
    const call = keyAgent.call.bind(keyAgent);
    keyAgent.call = async (asked, secrets, given) => {
      if (asked.call === 'unwrap') reached.push(asked.access);
      return await call(asked, secrets, given);
    };
    const caFile = '/etc/vault.pem';
    const endpoint = 'https://kms.example';
    await installation.passkeys.add('vault', { ...vaultKey, access: { ...vaultAccess, caFile } }, false, signal);
    await installation.passkeys.add('kms', { ...kmsKey, access: { ...kmsAccess, endpoint } }, true, signal);
    reached.length = 0;
    keyAgent.problems.set('unwrap', 'accessDenied');
    const given = { method: 'given' } as const;
    const token = { kind: 'vaultTransit', token: 's.canary' } as const;
    const brought = async (opening: Opening): Promise<void> => {
      await assert.rejects(installation.passkeys.prove(opening, signal), { code: 'keyServiceRefused' });
    };
    await brought({ access: { ...vaultAccess, login: given }, credentials: token });
    await brought({ access: { ...vaultAccess, login: given, caFile: '/other.pem' } });
    await brought({ access: { ...kmsAccess, credentials: { source: 'profile', profile: 'work' } } });
    assert.deepEqual(reached, [
      { kind: 'vaultTransit', login: given, caFile },
      { kind: 'vaultTransit', login: { method: 'environment' }, caFile: '/other.pem' },
      { kind: 'awsKms', endpoint, credentials: { source: 'profile', profile: 'work' } },
    ]);
    assert.deepEqual(
      installation.passkeys.list({}).items.map(({ state }) => state),
      ['ready', 'ready', 'ready'],
    );
  });
});
