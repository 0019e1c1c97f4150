import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CallSecrets } from '../../../../../daemon/keys/agent/keyCall.ts';
import type { KeyProblemKind } from '../../../../../daemon/keys/agent/keyProblem.ts';
import { openAwsKms } from '../../../../../daemon/keys/passkeys/awsKms/awsKmsKey.ts';
import type { AwsCredentials } from '../../../../../protocol/keyServices.ts';
import { canaries, givenSecrets, problemOf } from '../../../../support/kmsBench.ts';
import { KmsWireServer } from '../../../../support/servers/kmsWire.ts';

const [secret = '', token = ''] = canaries;

describe('what requests to AWS KMS are signed with', () => {
  const kept = new Map<string, string | undefined>();
  const scratch = mkdtempSync(path.join(tmpdir(), 'hf-kms-credentials-'));
  const set = (name: string, value: string | undefined): void => {
    if (!kept.has(name)) kept.set(name, process.env[name]);
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  let wire: KmsWireServer;

  beforeEach(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) set(name, undefined);
    set('AWS_EC2_METADATA_DISABLED', 'true');
    set('AWS_CONFIG_FILE', path.join(scratch, 'config'));
    set('AWS_SHARED_CREDENTIALS_FILE', path.join(scratch, 'credentials'));
    writeFileSync(path.join(scratch, 'config'), '');
    writeFileSync(path.join(scratch, 'credentials'), `[mine]\naws_access_key_id=AKIAMINE\naws_secret_access_key=${secret}\n`);
    wire = await KmsWireServer.start();
  });
  afterEach(async () => {
    for (const [name, value] of kept) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await wire[Symbol.asyncDispose]();
  });
  after(() => rmSync(scratch, { recursive: true }));

  const describeWith = async (credentials: AwsCredentials, secrets: CallSecrets = {}): Promise<string | undefined> => {
    const { arn } = wire.createKey();
    const key = await openAwsKms(
      { kind: 'awsKms', keyId: arn, region: wire.region },
      { kind: 'awsKms', endpoint: wire.endpoint, credentials },
      secrets,
    );
    await key.describe();
    return /Credential=(\w+)\//.exec(wire.requests.at(-1)?.raw ?? '')?.[1];
  };

  it('comes from the call where it is handed over, and from nowhere else then', async () => {
    set('AWS_ACCESS_KEY_ID', 'AKIAENV');
    set('AWS_SECRET_ACCESS_KEY', secret);
    assert.equal(await describeWith({ source: 'given' }, givenSecrets), 'AKIACANARY');
    assert.ok(wire.requests.at(-1)?.raw.includes(token));
    assert.equal((await problemOf(describeWith({ source: 'given' }))).kind, 'noCredentials');
  });

  it('comes from the environment or a profile as with the AWS tools', async () => {
    set('AWS_ACCESS_KEY_ID', 'AKIAENV');
    set('AWS_SECRET_ACCESS_KEY', secret);
    assert.equal(await describeWith({ source: 'chain' }), 'AKIAENV');
    assert.equal(await describeWith({ source: 'profile', profile: 'mine' }), 'AKIAMINE');
  });

  it('goes to no endpoint that the environment names', async () => {
    set('AWS_ENDPOINT_URL', wire.endpoint);
    set('AWS_ENDPOINT_URL_KMS', wire.endpoint);
    set('https_proxy', 'http://127.0.0.1:1');
    set('HTTPS_PROXY', 'http://127.0.0.1:1');
    const { arn } = wire.createKey();
    const target = { kind: 'awsKms', keyId: arn, region: wire.region } as const;
    const key = await openAwsKms(target, { kind: 'awsKms', endpoint: null, credentials: { source: 'given' } }, givenSecrets);
    const problem = await problemOf(key.describe());
    assert.deepEqual([problem.kind, wire.requests], ['unreachable', []]);
    assert.match(problem.reason, /^kms\.eu-test-1\.amazonaws\.com can not be reached/);
  });

  for (const [title, credentials] of [
    ['a profile that is not there', { source: 'profile', profile: 'another' }],
    ['a chain without any', { source: 'chain' }],
  ] as const) {
    it(`is said to be missing: ${title}`, async () => {
      assert.equal((await problemOf(describeWith(credentials))).kind, 'noCredentials');
      assert.deepEqual(wire.requests, []);
    });
  }

  for (const [title, status, code, kind] of [
    ['does not allow', 403, 'AccessDenied', 'accessDenied'],
    ['does not know', 403, 'InvalidClientTokenId', 'badLogin'],
    ['says is over', 400, 'ExpiredToken', 'tokenExpired'],
    ['can not answer now', 503, 'ServiceUnavailable', 'unreachable'],
  ] as const satisfies readonly (readonly [string, number, string, KeyProblemKind])[]) {
    it(`K6: of a role that its giver ${title} is told as ${kind}, without what the giver says`, async () => {
      const giver = createServer((_, response) => {
        response.writeHead(status, { 'content-type': 'text/xml' });
        response.end(`<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${secret}</Message></Error></ErrorResponse>`);
      });
      await new Promise<void>((resolve) => giver.listen(0, '127.0.0.1', resolve));
      const address = giver.address();
      set('AWS_ACCESS_KEY_ID', 'AKIAENV');
      set('AWS_SECRET_ACCESS_KEY', secret);
      set('AWS_MAX_ATTEMPTS', '1');
      set('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
      const problem = await problemOf(describeWith({ source: 'role', roleArn: 'arn:aws:iam::111122223333:role/backup' }));
      giver.closeAllConnections();
      await new Promise((resolve) => giver.close(resolve));
      assert.equal(problem.kind, kind);
      assert.ok(!JSON.stringify(problem).includes(secret));
    });
  }

  it('of a role whose giver is not reachable is a matter of the network', async () => {
    set('AWS_ACCESS_KEY_ID', 'AKIAENV');
    set('AWS_SECRET_ACCESS_KEY', secret);
    set('AWS_MAX_ATTEMPTS', '1');
    set('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1');
    const problem = await problemOf(describeWith({ source: 'role', roleArn: 'arn:aws:iam::111122223333:role/backup' }));
    assert.deepEqual([problem.kind, /ECONNREFUSED/.test(problem.reason)], ['unreachable', true]);
  });
});
