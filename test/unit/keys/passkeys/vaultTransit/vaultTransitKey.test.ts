import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { VaultTransitAccess, VaultTransitTarget } from '../../../../../daemon/keys/agent/keyAccess.ts';
import type { KeyAct, KeyService } from '../../../../../daemon/keys/agent/keyService.ts';
import { type KeyProblem, KeyServiceFailure } from '../../../../../daemon/keys/agent/keyProblem.ts';
import { openVaultTransit } from '../../../../../daemon/keys/passkeys/vaultTransit/vaultTransitKey.ts';
import type { VaultTransitSlot } from '../../../../../daemon/keys/slot.ts';
import { type InstallationId, idOf, type SlotId } from '../../../../../protocol/ids.ts';
import { type ScriptedAnswer, ScriptedVault, type SeenRequest } from '../../../../support/servers/scriptedVault.ts';

const token = 'hvs.canary-of-a-token-that-nobody-else-has';
const secretId = 'canary-of-a-secret-id-that-nobody-else-has';
const installationId = idOf<InstallationId>(randomUUID());
const binding = { installationId, masterKeyId: Buffer.alloc(16, 7).toString('base64'), slotId: idOf<SlotId>(randomUUID()) };
const master = Buffer.from('canary of a master key, which is 41 bytes');
const masterText = master.toString('base64');
const ciphertextOf = (version: number): string => `vault:v${version}:${Buffer.from('wrapped').toString('base64')}`;

const goodKey = {
  type: 'aes256-gcm96',
  derived: false,
  supports_encryption: true,
  supports_decryption: true,
  latest_version: 3,
  min_decryption_version: 1,
  min_available_version: 0,
};
const health = { initialized: true, sealed: false, standby: false };

/** A Vault at which all is well, but for what `odd` answers. */
function vault(odd: (request: SeenRequest) => ScriptedAnswer | undefined = () => undefined): Promise<ScriptedVault> {
  return ScriptedVault.start((request) => {
    const answered = odd(request);
    if (answered !== undefined) return answered;
    switch (request.path) {
      case '/v1/transit/keys/k1':
        return { body: { data: goodKey } };
      case '/v1/auth/token/lookup-self':
        return { body: { data: { expire_time: '2030-01-01T00:00:00.123456789Z', creation_ttl: 3600, renewable: true } } };
      case '/v1/transit/encrypt/k1':
        return { body: { data: { ciphertext: ciphertextOf(3), key_version: 3 } } };
      case '/v1/transit/decrypt/k1':
        return { body: { data: { plaintext: masterText } } };
      case '/v1/sys/health':
        return { body: health };
      case '/v1/auth/approle/login':
        return { body: { auth: { client_token: token } } };
      case '/v1/auth/token/revoke-self':
        return { status: 204 };
      default:
        return undefined;
    }
  });
}

const targetOfAddress = (address: string): VaultTransitTarget => ({
  kind: 'vaultTransit',
  address,
  namespace: null,
  mount: 'transit',
  key: 'k1',
});
const targetOf = (server: ScriptedVault): VaultTransitTarget => targetOfAddress(server.address);
const given: VaultTransitAccess = { kind: 'vaultTransit', login: { method: 'given' }, caFile: null };

interface Opening {
  readonly target?: Partial<VaultTransitTarget>;
  readonly access?: VaultTransitAccess;
  readonly environment?: NodeJS.ProcessEnv;
  readonly home?: string;
}

async function open(
  server: ScriptedVault,
  { target = {}, access = given, environment = {}, home = '/nowhere' }: Opening = {},
): Promise<KeyService> {
  return await openVaultTransit(
    { ...targetOf(server), ...target },
    access,
    { token: Buffer.from(token) },
    {
      environment,
      home,
      limits: { connect: 5000, answer: 5000 },
    },
  );
}

function slotOf(server: ScriptedVault, version = 3, ciphertext = ciphertextOf(version)): VaultTransitSlot {
  const { kind: _, ...reference } = targetOf(server);
  return {
    slotId: binding.slotId,
    masterKeyId: binding.masterKeyId,
    kind: 'vaultTransit',
    keyEpoch: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    reference: { ...reference, version },
    wrapped: Buffer.from(ciphertext).toString('base64'),
  };
}

/** What was refused and why; nothing of a secret may be in it, however deep. */
async function problem(doing: Promise<unknown>): Promise<KeyProblem> {
  try {
    await doing;
  } catch (error) {
    assert.ok(error instanceof KeyServiceFailure, String(error));
    const told = JSON.stringify(error.problem);
    for (const secret of [token, secretId, masterText, master.toString('latin1')]) {
      for (let at = 0; at + 12 <= secret.length; at += 1) assert.ok(!told.includes(secret.slice(at, at + 12)), told);
    }
    assert.doesNotMatch(error.problem.reason + error.problem.fix, /[\p{Cc}\p{Cf}]/u);
    assert.ok(error.problem.reason.length < 700);
    return error.problem;
  }
  assert.fail('it was not refused');
}

const unwrapping = async (server: ScriptedVault, slot = slotOf(server)): Promise<Uint8Array> =>
  (await open(server)).unwrap(slot, installationId);
const onDecrypt =
  (answer: ScriptedAnswer) =>
  ({ path: asked }: SeenRequest): ScriptedAnswer | undefined =>
    asked === '/v1/transit/decrypt/k1' ? answer : undefined;
const errors = (status: number, ...told: readonly string[]): ScriptedAnswer => ({ status, body: { errors: told } });

describe('a key of Vault', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-vault-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('wraps with the context of its slot, and records the version that Vault names', async () => {
    await using server = await vault();
    const wrapped = await (await open(server)).wrap(master, binding);
    assert.deepEqual(wrapped, {
      kind: 'vaultTransit',
      reference: { address: server.address, namespace: null, mount: 'transit', key: 'k1', version: 3 },
      wrapped: Buffer.from(ciphertextOf(3)).toString('base64'),
    });
    assert.deepEqual(
      server.seen.map(({ path: asked }) => asked),
      ['/v1/transit/keys/k1', '/v1/transit/encrypt/k1'],
    );
    const context = `holdfast/slot/v1\n${installationId}\n${'07'.repeat(16)}\n${binding.slotId}\nvaultTransit\n`;
    assert.deepEqual(JSON.parse(server.seen[1]?.body ?? ''), {
      plaintext: masterText,
      associated_data: Buffer.from(context).toString('base64'),
    });
    assert.deepEqual(
      server.seen.map(({ headers }) => [headers['x-vault-token'], headers['x-vault-request'], headers['x-vault-namespace']]),
      [
        [token, 'true', undefined],
        [token, 'true', undefined],
      ],
    );
  });

  it('says its namespace in a header', async () => {
    await using server = await vault();
    await (await open(server, { target: { namespace: 'team/a' } })).describe();
    assert.deepEqual(new Set(server.seen.map(({ headers }) => headers['x-vault-namespace'])), new Set(['team/a']));
  });

  it('unwraps with the context of its slot', async () => {
    await using server = await vault();
    assert.deepEqual(Buffer.from(await unwrapping(server)), master);
    const context = `holdfast/slot/v1\n${installationId}\n${'07'.repeat(16)}\n${binding.slotId}\nvaultTransit\n`;
    assert.deepEqual(JSON.parse(server.seen[0]?.body ?? ''), {
      ciphertext: ciphertextOf(3),
      associated_data: Buffer.from(context).toString('base64'),
    });
  });

  it('D7: gives what Vault unwraps as it is, for the daemon to check: nothing, 33 bytes, another text', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(33, 5), Buffer.from('another'), Buffer.alloc(1024)]) {
      await using server = await vault(onDecrypt({ body: { data: { plaintext: bytes.toString('base64') } } }));
      assert.deepEqual(Buffer.from(await unwrapping(server)), bytes);
    }
  });

  it('D7: refuses an answer that is none of its form', async () => {
    const odd: readonly ScriptedAnswer[] = [
      { body: { data: {} } },
      { body: { data: { plaintext: 7 } } },
      { body: { data: { plaintext: '%%%' } } },
      { body: { data: { plaintext: Buffer.alloc(1025).toString('base64') } } },
      { body: { errors: [] } },
      { body: [] },
      { body: 'null' },
      { body: '<html>Welcome</html>' },
      { body: '' },
      { status: 400, body: 'no' },
      { status: 418, body: 'no' },
      { body: 'a'.repeat(1 << 20) },
      { body: { data: { plaintext: masterText }, more: 'x'.repeat(1 << 20) } },
      { status: 302, headers: { Location: 'https://elsewhere.example/' } },
    ];
    for (const answer of odd) {
      await using server = await vault(onDecrypt(answer));
      assert.equal((await problem(unwrapping(server))).kind, 'badAnswer', JSON.stringify(answer).slice(0, 100));
    }
  });

  it('D7: gives an answer up that does not come, or not whole', async () => {
    await using hanging = await vault(onDecrypt('hang'));
    const slow = await openVaultTransit(
      targetOf(hanging),
      given,
      { token: Buffer.from(token) },
      {
        environment: {},
        home: '/nowhere',
        limits: { connect: 5000, answer: 100 },
      },
    );
    assert.equal((await problem(slow.unwrap(slotOf(hanging), installationId))).kind, 'timeout');
    await using cut = await vault(onDecrypt('cut'));
    assert.equal((await problem(unwrapping(cut))).kind, 'unreachable');
  });

  it('D7: refuses what was wrapped with another version than is said, or in another form', async () => {
    const odd = [
      { ciphertext: ciphertextOf(2), key_version: 2 },
      { ciphertext: ciphertextOf(3), key_version: 4 },
      { ciphertext: 'vault:v3:', key_version: 3 },
      { ciphertext: 'vault:v03:AAAA', key_version: 3 },
      { ciphertext: 'other:v3:AAAA', key_version: 3 },
      { ciphertext: `vault:v3:${'AAAA'.repeat(2000)}`, key_version: 3 },
      { ciphertext: 'vault:v99999999999:AAAA', key_version: 3 },
      { ciphertext: 'vault:v3:AAAA\n', key_version: 3 },
      { ciphertext: 3, key_version: 3 },
    ];
    for (const data of odd) {
      await using server = await vault(({ path: asked }) => (asked === '/v1/transit/encrypt/k1' ? { body: { data } } : undefined));
      assert.equal((await problem((await open(server)).wrap(master, binding))).kind, 'badAnswer', JSON.stringify(data).slice(0, 100));
    }
  });

  it('sends nothing where a slot’s ciphertext is of another form or version than its reference', async () => {
    await using server = await vault();
    for (const slot of [slotOf(server, 2, ciphertextOf(3)), slotOf(server, 3, 'vault:v3:'), slotOf(server, 3, 'x')]) {
      assert.equal((await problem(unwrapping(server, slot))).kind, 'notOurs');
    }
    assert.deepEqual(server.seen, []);
  });

  it('C9: sends no token where an answer leads, and names the active server that a standby names', async () => {
    await using other = await vault();
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `${other.address}/v1/transit/decrypt/k1`;
      await using server = await vault(onDecrypt({ status, headers: { Location: location } }));
      const refused = await problem(unwrapping(server));
      assert.equal(refused.kind, status === 307 ? 'standby' : 'badAnswer');
      assert.ok(refused.reason.includes(other.address), refused.reason);
    }
    assert.deepEqual(other.seen, []);
  });

  it('C9: sends nothing to an address that may not get a token, nor along a path that leads out of the mount', async () => {
    await using server = await vault();
    const odd: readonly Partial<VaultTransitTarget>[] = [
      { address: 'http://192.0.2.1:8200' },
      { address: 'https://169.254.169.254' },
      { address: 'https://user@vault.example' },
      { address: 'file:///etc/passwd' },
      { mount: '../sys' },
      { mount: 'transit?x=' },
      { key: '../../sys/seal' },
      { key: 'k1#' },
      { namespace: 'a\r\nX-Evil: 1' },
    ];
    for (const target of odd) assert.equal((await problem(open(server, { target }))).kind, 'failed', JSON.stringify(target));
    assert.deepEqual(server.seen, []);
  });

  it('C9: takes nothing from the environment that it was not told to take', async () => {
    await using server = await vault();
    await using other = await vault();
    const set: Readonly<Record<string, string>> = {
      VAULT_ADDR: other.address,
      VAULT_TOKEN: 'of-the-environment',
      VAULT_NAMESPACE: 'elsewhere',
      VAULT_PREFIX: '/prefix',
      VAULT_SKIP_VERIFY: '1',
      HTTP_PROXY: other.address,
      HTTPS_PROXY: other.address,
    };
    const before = Object.keys(set).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, set);
    try {
      const environment = { ...process.env };
      await (await open(server, { environment })).unwrap(slotOf(server), installationId);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    }
    assert.deepEqual(other.seen, []);
    assert.deepEqual(
      server.seen.map(({ path: asked, headers }) => [asked, headers['x-vault-token'], headers['x-vault-namespace']]),
      [['/v1/transit/decrypt/k1', token, undefined]],
    );
  });

  it('describes the key and the token', async () => {
    await using server = await vault();
    assert.deepEqual(await (await open(server)).describe(), {
      kind: 'vaultTransit',
      type: 'aes256-gcm96',
      latestVersion: 3,
      minDecryptionVersion: 1,
      minAvailableVersion: 0,
      token: { expiresAt: '2030-01-01T00:00:00.123Z', creationTtl: 3600, renewable: true },
    });
  });

  it('refuses keys that bind no context, and one that is deleted', async () => {
    const odd = [
      [{ type: 'rsa-2048' }, 'wrongKeyType'],
      [{ type: 'hmac', supports_encryption: false, supports_decryption: false }, 'wrongKeyType'],
      [{ derived: true }, 'wrongKeyType'],
      [{ supports_decryption: false }, 'wrongKeyType'],
      [{ soft_deleted: true }, 'keyDisabled'],
      [{ latest_version: 0 }, 'badAnswer'],
      [{ latest_version: '3' }, 'badAnswer'],
      [{ type: `<b>${token}` }, 'wrongKeyType'],
    ] as const;
    for (const [difference, kind] of odd) {
      await using server = await vault(({ path: asked }) =>
        asked === '/v1/transit/keys/k1' ? { body: { data: { ...goodKey, ...difference } } } : undefined,
      );
      const service = await open(server);
      assert.equal((await problem(service.describe())).kind, kind);
      assert.equal((await problem(service.wrap(master, binding))).kind, kind);
      assert.ok(server.seen.every(({ path: asked }) => !asked.includes('encrypt')));
    }
  });

  it('D6: tells apart why Vault does not decrypt', async () => {
    interface Case {
      readonly decrypt: ScriptedAnswer;
      readonly key?: Readonly<Record<string, unknown>> | number;
      readonly self?: number;
      readonly health?: Partial<typeof health>;
      readonly kind: KeyProblem['kind'];
      readonly reason?: RegExp;
    }
    const cases: readonly Case[] = [
      { decrypt: errors(400, 'cipher: message authentication failed'), kind: 'notOurs' },
      { decrypt: errors(400, 'any words'), key: { min_decryption_version: 4, latest_version: 5 }, kind: 'versionTooOld', reason: /is 4$/ },
      {
        decrypt: errors(400, 'any words'),
        key: { min_decryption_version: 4, min_available_version: 4, latest_version: 5 },
        kind: 'versionTrimmed',
        reason: /left is 4$/,
      },
      { decrypt: errors(400, 'ciphertext or signature version is disallowed by policy (too old)'), key: 403, kind: 'versionTooOld' },
      { decrypt: errors(400, 'any words'), key: { latest_version: 2 }, kind: 'notOurs', reason: /another key of that name/ },
      { decrypt: errors(400, 'any words'), key: 404, kind: 'keyMissing', reason: /there is no key k1 at transit$/ },
      { decrypt: errors(400, 'encryption key not found'), key: 403, kind: 'keyMissing' },
      { decrypt: errors(400, 'any words'), key: { derived: true }, kind: 'wrongKeyType' },
      { decrypt: errors(400, 'any words'), kind: 'failed', reason: /“any words”$/ },
      { decrypt: errors(403, 'permission denied'), kind: 'accessDenied', reason: /update on transit\/decrypt\/k1$/ },
      { decrypt: errors(403, 'permission denied'), self: 403, kind: 'tokenExpired' },
      { decrypt: errors(404, 'no handler for route'), kind: 'keyMissing' },
      { decrypt: errors(405, 'unsupported operation'), kind: 'keyMissing' },
      { decrypt: errors(429, 'request path "x": rate limit quota exceeded'), kind: 'throttled' },
      { decrypt: errors(412), kind: 'standby' },
      { decrypt: errors(472), kind: 'standby' },
      { decrypt: errors(473), kind: 'standby' },
      { decrypt: errors(503, 'Vault is sealed'), health: { sealed: true }, kind: 'sealed' },
      { decrypt: errors(503), health: { initialized: false, sealed: true }, kind: 'sealed', reason: /not initialised/ },
      { decrypt: errors(500, 'no active'), health: { standby: true }, kind: 'standby' },
      { decrypt: errors(503), kind: 'unreachable' },
      { decrypt: { status: 502, body: '<html>' }, kind: 'unreachable' },
      { decrypt: errors(500, 'internal error'), kind: 'failed' },
    ];
    for (const one of cases) {
      await using server = await vault(({ path: asked }) => {
        if (asked === '/v1/transit/decrypt/k1') return one.decrypt;
        if (asked === '/v1/sys/health' && one.health !== undefined) return { status: 503, body: { ...health, ...one.health } };
        if (asked === '/v1/auth/token/lookup-self' && one.self !== undefined) return errors(one.self, 'permission denied');
        if (asked !== '/v1/transit/keys/k1' || one.key === undefined) return undefined;
        return typeof one.key === 'number' ? errors(one.key) : { body: { data: { ...goodKey, ...one.key } } };
      });
      const refused = await problem(unwrapping(server));
      assert.equal(refused.kind, one.kind, JSON.stringify([one.decrypt, refused]));
      if (one.reason !== undefined) assert.match(refused.reason, one.reason);
      for (const { path: asked, headers } of server.seen) {
        if (asked === '/v1/sys/health') assert.equal(headers['x-vault-token'], undefined);
      }
    }
  });

  it('D6: says that nothing listens, and what does not speak HTTP', async () => {
    const server = await vault();
    const slot = slotOf(server);
    const service = await open(server);
    await server[Symbol.asyncDispose]();
    assert.equal((await problem(service.unwrap(slot, installationId))).kind, 'unreachable');
    const other = createServer((socket) => socket.end('220 mail.example ESMTP\r\n')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const bound = other.address();
    assert.ok(bound !== null && typeof bound === 'object');
    const address = `127.0.0.1:${bound.port}`;
    try {
      const spoken = await openVaultTransit(targetOfAddress(`http://${address}`), given, { token: Buffer.from(token) });
      assert.equal((await problem(spoken.describe())).kind, 'badAnswer');
    } finally {
      other.close();
    }
  });

  it('K6: shows nothing of a secret that a service repeats, and no control characters', async () => {
    const hostile = [
      token,
      `the token is ${token.slice(3, 30)} indeed`,
      secretId,
      masterText,
      `\u001B[31mred\u0007\u202Ereversed\nline`,
      'x'.repeat(5000),
      `plain ${'QUJD'.repeat(20)} words`,
    ];
    for (const text of hostile) {
      for (const status of [400, 403, 404, 418, 500, 503]) {
        await using server = await vault(({ path: asked }) => (asked === '/v1/sys/health' ? undefined : errors(status, text)));
        const service = await open(server);
        for (const doing of [service.describe(), service.wrap(master, binding), service.unwrap(slotOf(server), installationId)]) {
          await problem(doing);
        }
        const secretIdFile = path.join(folder, 'secret-id');
        writeFileSync(secretIdFile, `${secretId}\n`, { mode: 0o600 });
        const login = { method: 'appRole', roleId: 'r', secretIdFile } as const;
        await problem((await open(server, { access: { ...given, login } })).describe());
      }
    }
  });

  it('logs in with a token of a file, of the environment, or of "vault login"', async () => {
    await using server = await vault();
    const file = path.join(folder, '.vault-token');
    writeFileSync(file, 'of-a-file\n', { mode: 0o600 });
    const environmentLogin = { ...given, login: { method: 'environment' } } as const;
    await (await open(server, { access: { ...given, login: { method: 'tokenFile', tokenFile: file } } })).describe();
    await (await open(server, { access: environmentLogin, environment: { VAULT_TOKEN: 'v', BAO_TOKEN: 'b' } })).describe();
    await (await open(server, { access: environmentLogin, environment: { VAULT_TOKEN: 'v', BAO_TOKEN: '' } })).describe();
    await (await open(server, { access: environmentLogin, home: folder })).describe();
    const keyReads = server.seen.filter(({ path: asked }) => asked === '/v1/transit/keys/k1');
    assert.deepEqual(
      keyReads.map(({ headers }) => headers['x-vault-token']),
      ['of-a-file', 'b', 'v', 'of-a-file'],
    );
  });

  it('sends nothing where there is no token, or one that others may read', async () => {
    await using server = await vault();
    const file = path.join(folder, 'open');
    const tokenFile = { ...given, login: { method: 'tokenFile', tokenFile: file } } as const;
    const kinds = async (): Promise<string> => (await problem((await open(server, { access: tokenFile })).describe())).kind;
    assert.equal(await kinds(), 'noCredentials');
    writeFileSync(file, token, { mode: 0o600 });
    chmodSync(file, 0o644);
    if (process.platform !== 'win32') assert.equal(await kinds(), 'noCredentials');
    writeFileSync(file, 'a b\n');
    chmodSync(file, 0o600);
    assert.equal(await kinds(), 'noCredentials');
    const environment = { ...given, login: { method: 'environment' } } as const;
    assert.equal((await problem((await open(server, { access: environment })).describe())).kind, 'noCredentials');
    assert.deepEqual(server.seen, []);
  });

  it('takes a token back that a login gave, also where the work failed', async () => {
    const secretIdFile = path.join(folder, 'secret-id-2');
    writeFileSync(secretIdFile, `${secretId}\n`, { mode: 0o600 });
    const access = { ...given, login: { method: 'appRole', roleId: 'r', secretIdFile } } as const;
    await using server = await vault(onDecrypt(errors(403, 'permission denied')));
    const service = await open(server, { access });
    assert.equal((await service.describe()).kind, 'vaultTransit');
    assert.equal((await problem(service.unwrap(slotOf(server), installationId))).kind, 'accessDenied');
    assert.deepEqual(
      server.seen.map(({ path: asked, headers }) => [asked, headers['x-vault-token']]),
      [
        ['/v1/auth/approle/login', undefined],
        ['/v1/transit/keys/k1', token],
        ['/v1/auth/token/revoke-self', token],
        ['/v1/auth/approle/login', undefined],
        ['/v1/transit/decrypt/k1', token],
        ['/v1/auth/token/revoke-self', token],
      ],
    );
    assert.deepEqual(JSON.parse(server.seen[0]?.body ?? ''), { role_id: 'r', secret_id: secretId });
  });

  it('says why a login is refused, and where it gives no token', async () => {
    const jwtFile = path.join(folder, 'jwt');
    writeFileSync(jwtFile, 'a.jwt.text', { mode: 0o644 });
    const access = { ...given, login: { method: 'jwt', jwtFile, role: 'r', mount: 'kubernetes' } } as const;
    const answers = [
      [errors(400, 'invalid role or secret ID'), 'badLogin', /“invalid role or secret ID”$/],
      [errors(403, 'permission denied'), 'badLogin', /./],
      [errors(404, 'no handler'), 'badLogin', /no login method at auth\/kubernetes/],
      [{ body: { auth: { client_token: '', mfa_requirement: {} } } }, 'badLogin', /gave no token/],
      [{ body: { auth: { client_token: 'a\r\nb' } } }, 'badLogin', /gave no token/],
      [{ status: 400, body: 'no json' }, 'badAnswer', /./],
    ] as const;
    for (const [answer, kind, reason] of answers) {
      await using server = await vault(({ path: asked }) => (asked === '/v1/auth/kubernetes/login' ? answer : undefined));
      const refused = await problem((await open(server, { access })).describe());
      assert.equal(refused.kind, kind);
      assert.match(refused.reason, reason);
      assert.deepEqual(
        server.seen.map(({ headers }) => headers['x-vault-token']),
        [undefined],
      );
    }
  });

  it('acts once, and not at all where it is done already', async () => {
    let latest = 3;
    let minimum = 1;
    await using server = await vault(({ path: asked, body }) => {
      if (asked === '/v1/transit/keys/k1')
        return { body: { data: { ...goodKey, latest_version: latest, min_decryption_version: minimum } } };
      if (asked === '/v1/transit/keys/k1/rotate') latest += 1;
      else if (asked === '/v1/transit/keys/k1/config') {
        assert.deepEqual(JSON.parse(body), { min_decryption_version: 3 });
        minimum = 3;
      } else return undefined;
      return { status: 204 };
    });
    const service = await open(server);
    const versions = async (act: KeyAct): Promise<unknown> => {
      const facts = await service.act(act);
      return facts.kind === 'vaultTransit' ? [facts.latestVersion, facts.minDecryptionVersion] : undefined;
    };
    assert.deepEqual(await versions({ act: 'rotateKey', newerThan: 2 }), [3, 1]);
    assert.deepEqual(await versions({ act: 'rotateKey', newerThan: 3 }), [4, 1]);
    assert.deepEqual(await versions({ act: 'rotateKey', newerThan: 3 }), [4, 1]);
    assert.deepEqual(await versions({ act: 'raiseMinimum', version: 3 }), [4, 3]);
    assert.deepEqual(await versions({ act: 'raiseMinimum', version: 2 }), [4, 3]);
    assert.equal((await problem(service.act({ act: 'raiseMinimum', version: 5 }))).kind, 'failed');
    const writes = server.seen.filter(({ method }) => method === 'POST').map(({ path: asked }) => asked);
    assert.deepEqual(writes, ['/v1/transit/keys/k1/rotate', '/v1/transit/keys/k1/config']);
  });

  it('hands the exact command over where the right to act is missing', async () => {
    await using server = await vault(({ method }) => (method === 'POST' ? errors(403, 'permission denied') : undefined));
    const service = await open(server, { target: { namespace: 'team' } });
    const rotate = await problem(service.act({ act: 'rotateKey', newerThan: 3 }));
    assert.deepEqual(
      [rotate.kind, rotate.command],
      ['accessDenied', `vault write -address=${server.address} -namespace=team -f transit/keys/k1/rotate`],
    );
    const raise = await problem(service.act({ act: 'raiseMinimum', version: 2 }));
    assert.deepEqual(
      [raise.kind, raise.command],
      ['accessDenied', `vault write -address=${server.address} -namespace=team transit/keys/k1/config min_decryption_version=2`],
    );
    assert.match(raise.reason, /update on transit\/keys\/k1\/config in the namespace team$/);
  });

  it('believes no rotation and no minimum that the key does not show', async () => {
    await using server = await vault(({ method }) => (method === 'POST' ? { status: 204 } : undefined));
    const service = await open(server);
    assert.equal((await problem(service.act({ act: 'rotateKey', newerThan: 3 }))).kind, 'badAnswer');
    assert.equal((await problem(service.act({ act: 'raiseMinimum', version: 2 }))).kind, 'badAnswer');
  });

  it('renews its token, and says what to do with one that can not be renewed', async () => {
    let renewals = 0;
    let renewable = true;
    let expiry: string | null = '2030-01-01T00:00:00Z';
    await using server = await vault(({ path: asked }) => {
      if (asked === '/v1/auth/token/lookup-self') return { body: { data: { expire_time: expiry, creation_ttl: 60, renewable } } };
      if (asked !== '/v1/auth/token/renew-self') return undefined;
      renewals += 1;
      return { body: { auth: {} } };
    });
    const service = await open(server);
    assert.equal((await service.act({ act: 'renewToken' })).kind, 'vaultTransit');
    assert.equal(renewals, 1);
    renewable = false;
    const refused = await problem(service.act({ act: 'renewToken' }));
    assert.equal(refused.kind, 'tokenExpired');
    assert.match(refused.reason, /2030-01-01T00:00:00.000Z/);
    expiry = null;
    await service.act({ act: 'renewToken' });
    assert.equal(renewals, 1);
  });
});
