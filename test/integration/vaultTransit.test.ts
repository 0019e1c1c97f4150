import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { VaultLogin } from '../../protocol/keyServices.ts';
import type { KeyProblem } from '../../daemon/keys/agent/keyProblem.ts';
import { vaultPolicy } from '../../protocol/keyPolicies.ts';
import type { OpenBaoServer } from '../support/servers/openBaoServer.ts';
import { sharedOpenBao } from '../support/servers/sharedServers.ts';
import { bundleKeyAgent } from '../support/bundledKeyAgent.ts';
import { Refusal, refusalOf, VaultBench } from '../support/vaultBench.ts';

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a key of OpenBao', () => {
  let server: OpenBaoServer;
  let folder: string;
  let entryPath: string;
  let keys = 0;
  before(async function () {
    server = await sharedOpenBao(this);
    entryPath = bundleKeyAgent();
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-vault-'));
    await server.write('sys/auth/approle', { type: 'approle' });
    await server.write('sys/auth/jwt', { type: 'jwt' });
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const newName = (): string => {
    keys += 1;
    return `k${keys}`;
  };

  /** A key, and a token with the smallest policy that works, but for what is said. */
  async function bench(options: { readonly more?: string; readonly token?: Readonly<Record<string, unknown>> } = {}): Promise<VaultBench> {
    const key = newName();
    await server.createKey(key);
    const token = await server.createToken(`${vaultPolicy({ mount: 'transit', key })}${options.more ?? ''}`, options.token);
    return new VaultBench({ server, entryPath, key, token });
  }

  it('wraps, describes and unwraps with the smallest policy that is printed', async () => {
    const user = await bench({ token: { ttl: '1h', renewable: true } });
    const slot = await user.wrap();
    assert.deepEqual(slot.reference, { address: server.address, namespace: null, mount: 'transit', key: user.target.key, version: 1 });
    assert.deepEqual(await user.unwrap(slot), [...user.plaintext]);
    const { token, ...facts } = await user.describe();
    assert.deepEqual(facts, {
      kind: 'vaultTransit',
      type: 'aes256-gcm96',
      latestVersion: 1,
      minDecryptionVersion: 1,
      minAvailableVersion: 0,
    });
    assert.deepEqual([token?.creationTtl, token?.renewable], [3600, true]);
    assert.ok(Date.parse(token?.expiresAt ?? '') > Date.now());
  });

  it('opens a slot in its own place alone', async () => {
    const user = await bench();
    const [slot, other] = [await user.wrap(), await user.wrap()];
    assert.equal((await refusalOf(user.unwrap({ ...slot, slotId: other.slotId }))).kind, 'notOurs');
    assert.equal((await refusalOf(user.unwrap({ ...slot, masterKeyId: Buffer.alloc(16).toString('base64') }))).kind, 'notOurs');
    assert.deepEqual(await user.unwrap(slot), [...user.plaintext]);
  });

  it('D6: says that a version is too old, or was trimmed, and by which command it comes back', async () => {
    const user = await bench();
    const slot = await user.wrap();
    const config = `transit/keys/${user.target.key}/config`;
    await server.write(`transit/keys/${user.target.key}/rotate`);
    await server.write(config, { min_decryption_version: 2 });
    const old = await refusalOf(user.unwrap(slot));
    assert.deepEqual(
      [old.kind, old.command],
      ['versionTooOld', `vault write -address=${server.address} ${config} min_decryption_version=1`],
    );
    assert.equal((await user.wrap()).reference.version, 2);
    await server.write(config, { min_encryption_version: 2 });
    await server.write(`transit/keys/${user.target.key}/trim`, { min_available_version: 2 });
    assert.equal((await refusalOf(user.unwrap(slot))).kind, 'versionTrimmed');
  });

  it('D6: names the right that is missing, and tells it from a token that is gone', async () => {
    const key = newName();
    await server.createKey(key);
    const reading = new VaultBench({
      server,
      entryPath,
      key,
      token: await server.createToken(`path "transit/keys/${key}" { capabilities = ["read"] }`),
    });
    const denied = await refusalOf(reading.wrap());
    assert.equal(denied.kind, 'accessDenied');
    assert.match(denied.reason, new RegExp(`update on transit/encrypt/${key}$`));
    const nothing = new VaultBench({ server, entryPath, key, token: await server.createToken('path "x" { capabilities = ["read"] }') });
    assert.match((await refusalOf(nothing.describe())).reason, new RegExp(`read on transit/keys/${key}$`));

    const user = await bench();
    const slot = await user.wrap();
    const gone = await server.createToken(vaultPolicy({ mount: 'transit', key: user.target.key }));
    await server.write('auth/token/revoke', { token: gone });
    const revoked = new VaultBench({ server, entryPath, key: user.target.key, token: gone });
    assert.equal((await refusalOf(revoked.unwrap(slot))).kind, 'tokenExpired');
    assert.equal((await refusalOf(revoked.act({ act: 'renewToken' }))).kind, 'tokenExpired');

    const ending = await bench({ token: { ttl: '1s' } });
    let ended: KeyProblem | undefined;
    while (ended === undefined) {
      ended = await ending.describe().then(
        () => undefined,
        (error: unknown) => (error instanceof Refusal ? error.problem : assert.fail(String(error))),
      );
    }
    assert.equal(ended.kind, 'tokenExpired');
  });

  it('refuses keys of other types, and creates none, though its token may', async () => {
    const all = 'path "transit/*" { capabilities = ["create", "read", "update"] }';
    const token = await server.createToken(all);
    const [derived, rsa, missing] = [newName(), newName(), newName()];
    await server.createKey(derived, { type: 'aes256-gcm96', derived: true });
    await server.createKey(rsa, { type: 'rsa-2048' });
    const kindOf = async (key: string, target = {}): Promise<string> =>
      (await refusalOf(new VaultBench({ server, entryPath, key, token, target }).wrap())).kind;
    assert.equal(await kindOf(derived), 'wrongKeyType');
    assert.equal(await kindOf(rsa), 'wrongKeyType');
    assert.equal(await kindOf(missing), 'keyMissing');
    assert.equal((await server.send('GET', `transit/keys/${missing}`)).status, 404);
    const root = { server, entryPath, key: rsa, token: server.rootToken };
    assert.equal((await refusalOf(new VaultBench({ ...root, target: { mount: 'secret' } }).wrap())).kind, 'keyMissing');
    assert.equal((await refusalOf(new VaultBench({ ...root, target: { mount: 'nowhere' } }).wrap())).kind, 'keyMissing');
    assert.equal((await refusalOf(new VaultBench({ ...root, target: { namespace: 'nowhere' } }).wrap())).kind, 'keyMissing');
  });

  it('rotates and raises the minimum where it may, once, and hands the command over where it may not', async () => {
    const key = newName();
    await server.createKey(key);
    const acting = `${vaultPolicy({ mount: 'transit', key })}
path "transit/keys/${key}/rotate" { capabilities = ["update"] }
path "transit/keys/${key}/config" { capabilities = ["update"] }`;
    const operator = new VaultBench({ server, entryPath, key, token: await server.createToken(acting) });
    const slot = await operator.wrap();
    assert.equal((await operator.act({ act: 'rotateKey', newerThan: 1 })).latestVersion, 2);
    assert.equal((await operator.act({ act: 'rotateKey', newerThan: 1 })).latestVersion, 2);
    assert.deepEqual(await operator.unwrap(slot), [...operator.plaintext]);
    assert.equal((await operator.act({ act: 'raiseMinimum', version: 2 })).minDecryptionVersion, 2);
    assert.equal((await operator.act({ act: 'raiseMinimum', version: 1 })).minDecryptionVersion, 2);

    const user = new VaultBench({ server, entryPath, key, token: await server.createToken(vaultPolicy({ mount: 'transit', key })) });
    const rotating = await refusalOf(user.act({ act: 'rotateKey', newerThan: 2 }));
    assert.deepEqual(
      [rotating.kind, rotating.command],
      ['accessDenied', `vault write -address=${server.address} -f transit/keys/${key}/rotate`],
    );
    assert.equal((await refusalOf(user.act({ act: 'raiseMinimum', version: 3 }))).kind, 'failed');
    assert.equal((await user.act({ act: 'rotateKey', newerThan: 1 })).latestVersion, 2);
  });

  it('renews a token that can be renewed, and says when one that can not be ends', async () => {
    const user = await bench({ token: { ttl: '1h', renewable: true } });
    assert.equal((await user.act({ act: 'renewToken' })).token?.renewable, true);
    const ending = await bench({ token: { ttl: '1h', renewable: false } });
    const refused = await refusalOf(ending.act({ act: 'renewToken' }));
    assert.equal(refused.kind, 'tokenExpired');
    assert.match(refused.reason, /ends at \d{4}-/);
  });

  it('logs in by AppRole and takes the token back', async () => {
    const user = await bench();
    const policy = `role-${user.target.key}`;
    await server.write(`sys/policies/acl/${policy}`, { policy: vaultPolicy(user.target) });
    await server.write(`auth/approle/role/${policy}`, { token_policies: [policy] });
    const read = await server.send('GET', `auth/approle/role/${policy}/role-id`);
    const { role_id: roleId } = z.object({ data: z.object({ role_id: z.string() }) }).parse(read.body).data;
    const made = await server.write(`auth/approle/role/${policy}/secret-id`);
    const { secret_id: secretId } = z.object({ data: z.object({ secret_id: z.string() }) }).parse(made).data;
    const secretIdFile = path.join(folder, 'secret-id');
    writeFileSync(secretIdFile, `${secretId}\n`, { mode: 0o600 });
    const login: VaultLogin = { method: 'appRole', roleId, secretIdFile };
    const before = await accessors();
    const service = new VaultBench({ server, entryPath, key: user.target.key, token: 'unused', access: { login } });
    const slot = await service.wrap();
    assert.deepEqual(await service.unwrap(slot), [...service.plaintext]);
    assert.equal((await service.describe()).token, null);
    assert.equal((await service.act({ act: 'renewToken' })).token, null);
    assert.deepEqual(await accessors(), before);

    writeFileSync(secretIdFile, 'another\n');
    const refused = await refusalOf(service.unwrap(slot));
    assert.equal(refused.kind, 'badLogin');
    assert.match(refused.reason, /auth\/approle/);
  });

  it('logs in by a JWT of a file', async () => {
    const user = await bench();
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const policy = `jwt-${user.target.key}`;
    await server.write(`sys/policies/acl/${policy}`, { policy: vaultPolicy(user.target) });
    await server.write('auth/jwt/config', { jwt_validation_pubkeys: [publicKey.export({ type: 'spki', format: 'pem' })] });
    await server.write('auth/jwt/role/backup', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: ['vault'],
      token_policies: [policy],
    });
    const now = Math.floor(Date.now() / 1000);
    const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ sub: 'me', aud: 'vault', nbf: now - 60, exp: now + 600 })}`;
    const jwtFile = path.join(folder, 'jwt');
    writeFileSync(jwtFile, `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`);
    const login: VaultLogin = { method: 'jwt', jwtFile, role: 'backup', mount: 'jwt' };
    const service = new VaultBench({ server, entryPath, key: user.target.key, token: 'unused', access: { login } });
    assert.deepEqual(await service.unwrap(await service.wrap()), [...service.plaintext]);
    const nowhere = new VaultBench({
      server,
      entryPath,
      key: user.target.key,
      token: 'unused',
      access: { login: { ...login, mount: 'kubernetes' } },
    });
    assert.equal((await refusalOf(nowhere.describe())).kind, 'badLogin');
  });

  it('finds a key in its namespace, and nowhere else', async () => {
    await server.write('sys/namespaces/team');
    await server.write('sys/mounts/transit', { type: 'transit' }, { namespace: 'team' });
    const key = newName();
    await server.write(`transit/keys/${key}`, {}, { namespace: 'team' });
    const options = { server, entryPath, key, token: server.rootToken };
    const inside = new VaultBench({ ...options, target: { namespace: 'team' } });
    const slot = await inside.wrap();
    assert.equal(slot.reference.namespace, 'team');
    assert.deepEqual(await inside.unwrap(slot), [...inside.plaintext]);
    assert.equal((await refusalOf(new VaultBench(options).describe())).kind, 'keyMissing');
  });

  async function accessors(): Promise<readonly string[]> {
    const listed = await server.send('LIST', 'auth/token/accessors');
    return z
      .object({ data: z.object({ keys: z.array(z.string()) }) })
      .parse(listed.body)
      .data.keys.toSorted();
  }
});
