import assert from 'node:assert/strict';
import type { Opening, ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import type { HandlerContext } from '../../../daemon/server/handler.ts';
import { passkeyHandlers } from '../../../daemon/server/methods/passkeyHandlers.ts';
import { problemAnswer } from '../../../daemon/keys/agent/keyAgent.ts';
import type { KeyAccess } from '../../../protocol/keyServices.ts';
import { passkeyVerify } from '../../../protocol/methods/passkeys.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { kmsKey, vaultKey } from '../../support/watchBench.ts';

const { signal } = new AbortController();
const caFile = '/etc/vault.pem';
const given: KeyAccess = { kind: 'vaultTransit', login: { method: 'given' }, caFile: null };
const tokenFile: KeyAccess = { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile: '/run/token' }, caFile: null };
const sealedKey: ServiceSlotKey = {
  ...vaultKey,
  access: { kind: 'vaultTransit', login: { method: 'given' }, caFile },
  credentials: { kind: 'vaultTransit', token: 's.old' },
};

/** Vault takes this token alone, and any login that needs none. */
function onlyToken(bench: InstallationBench, valid: string): void {
  const { keyAgent } = bench;
  const ask = keyAgent.call.bind(keyAgent);
  keyAgent.call = async (call, secrets, asking) => {
    const token = secrets.token === undefined ? undefined : Buffer.from(secrets.token).toString();
    if (token !== undefined && token !== valid) return problemAnswer('tokenExpired', 'the token has ended', 'Give a new one.');
    return await ask(call, secrets, asking);
  };
}

function kept(bench: InstallationBench, name: string): unknown {
  const { slotId } = bench.installation.passkeys.resolve(name);
  const { serviceKeys } = bench.installation.catalog;
  return [JSON.parse(serviceKeys.get(slotId)?.access ?? 'null'), serviceKeys.credentials(slotId)];
}

describe('another login of a passkey at a key service', () => {
  it('takes the place of a token that has ended, sealed, and opens from then on', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys, catalog } = bench.installation;
    const { slotId } = passkeys.resolve((await passkeys.add('vault', sealedKey, false, signal)).slotId);
    catalog.serviceKeys.change(slotId, { tokenStuckAt: '2026-01-09T00:00:00Z' });
    onlyToken(bench, 's.new');
    await assert.rejects(passkeys.verify('vault', {}, signal), { code: 'keyServiceRefused', reason: 'the token has ended' });
    const token = { kind: 'vaultTransit', token: 's.new' } as const;
    assert.equal((await passkeys.verify('vault', { access: given, credentials: token }, signal)).state, 'ready');
    assert.deepEqual(kept(bench, 'vault'), [sealedKey.access, token], 'with the CA file that was known');
    assert.equal(catalog.serviceKeys.get(slotId)?.tokenStuckAt, null, 'that was found out of the old token');
    assert.ok(!JSON.stringify(catalog.serviceKeys.get(slotId)).includes('s.new'));
    assert.equal((await passkeys.verify('vault', {}, signal)).state, 'ready');
  });

  it('that needs nothing sealed lets the daemon unlock itself, and no credentials are left', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    await installation.passkeys.add('vault', sealedKey, true, signal);
    onlyToken(bench, 's.new');
    installation.lock();
    await assert.rejects(installation.unlock({}, undefined, signal), { code: 'keyServiceRefused' });
    await installation.unlock({ passphrase: Buffer.from('right') }, undefined, signal);
    await installation.passkeys.verify('vault', { access: tokenFile }, signal);
    assert.deepEqual(kept(bench, 'vault'), [{ ...tokenFile, caFile }, null]);
    installation.lock();
    await installation.unlock({}, undefined, signal);
    assert.equal(installation.state, 'unlocked');
  });

  it('is not kept where it opens nothing, nor where it only unlocks', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    await installation.passkeys.add('kms', kmsKey, true, signal);
    const before = kept(bench, 'kms');
    const other: Opening = { access: { kind: 'awsKms', endpoint: null, credentials: { source: 'profile', profile: 'work' } } };
    bench.keyAgent.problems.set('unwrap', 'badLogin');
    await assert.rejects(installation.passkeys.verify('kms', other, signal), { code: 'keyServiceRefused' });
    assert.deepEqual([kept(bench, 'kms'), installation.passkeys.resolve('kms').state], [before, 'ready']);
    bench.keyAgent.problems.clear();
    installation.lock();
    await installation.unlock(other, 'kms', signal);
    assert.deepEqual(kept(bench, 'kms'), before);
    await installation.passkeys.verify('kms', other, signal);
    assert.deepEqual(kept(bench, 'kms'), [other.access, null]);
  });

  it('W9: asks for a step-up, and a verification with what is known does not', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await passkeys.add('vault', vaultKey, false, signal);
    const handler = new Map(passkeyHandlers(passkeys)).get(passkeyVerify.name) ?? assert.fail();
    let isGranted = false;
    const context: HandlerContext = {
      signal,
      session: { sessionId: 1, clientName: 'test', clientVersion: '' },
      log: { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined, trace: () => undefined },
      secrets: { take: () => assert.fail() },
      stepUp: { grant: () => assert.fail(), isGranted: () => isGranted, revoke: () => assert.fail() },
      openStream: () => assert.fail(),
      openSecret: () => assert.fail(),
      publish: () => undefined,
    };
    await assert.rejects(handler.run({ passkey: 'nobody', access: tokenFile }, context), { code: 'unknownName' });
    await assert.rejects(handler.run({ passkey: 'vault', access: tokenFile }, context), { code: 'stepUpNeeded' });
    assert.deepEqual(kept(bench, 'vault'), [vaultKey.access, null]);
    await handler.run({ passkey: 'vault' }, context);
    isGranted = true;
    await handler.run({ passkey: 'vault', access: tokenFile }, context);
    assert.deepEqual(kept(bench, 'vault'), [tokenFile, null]);
  });
});
