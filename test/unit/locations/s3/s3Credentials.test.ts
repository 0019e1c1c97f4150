import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CredentialSource } from '../../../../daemon/locations/s3/s3Credentials.ts';
import { parseCredentialsFile } from '../../../../daemon/locations/s3/credentialsFile.ts';
import { connectS3 } from '../../../../daemon/locations/s3/openS3.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { bucketName, errorXml, ScriptedS3 } from '../../../support/scriptedS3.ts';

const secret = 'canary/secret+key=';
const keysOf = (text: string): unknown => {
  const { accessKeyId, secretAccessKey, sessionToken } = parseCredentialsFile(Buffer.from(text));
  return [accessKeyId, Buffer.from(secretAccessKey).toString(), sessionToken === undefined ? null : Buffer.from(sessionToken).toString()];
};

describe('file of credentials', () => {
  for (const [title, text, keys] of [
    ['lines of a shell', `AWS_ACCESS_KEY_ID=AKIA1\nAWS_SECRET_ACCESS_KEY=${secret}\n`, ['AKIA1', secret, null]],
    ['exports with quotes', `export AWS_ACCESS_KEY_ID="AKIA1"\nexport AWS_SECRET_ACCESS_KEY='${secret}'\n`, ['AKIA1', secret, null]],
    [
      'an AWS credentials file with one profile',
      `# mine\n[default]\naws_access_key_id = AKIA1\naws_secret_access_key = ${secret}\naws_session_token = token==\nregion = eu-west-1\n`,
      ['AKIA1', secret, 'token=='],
    ],
    ['line ends of Windows', `aws_access_key_id=AKIA1\r\naws_secret_access_key=${secret}\r\n`, ['AKIA1', secret, null]],
  ] as const) {
    it(`takes ${title}`, () => assert.deepEqual(keysOf(text), keys));
  }

  for (const [title, text] of [
    ['nothing', ''],
    ['no secret', 'AWS_ACCESS_KEY_ID=AKIA1'],
    ['no id', `AWS_SECRET_ACCESS_KEY=${secret}`],
    [
      'two sets of keys',
      `[a]\naws_access_key_id=A\naws_secret_access_key=${secret}\n[b]\naws_access_key_id=B\naws_secret_access_key=${secret}`,
    ],
    ['a megabyte', `aws_access_key_id=A\naws_secret_access_key=${secret}\n${'#'.repeat(1 << 20)}`],
    ['an id with a line break in it', `aws_access_key_id=A\u0001B\naws_secret_access_key=${secret}`],
  ] as const) {
    it(`K6 M8: refuses ${title} without showing it`, () => {
      assert.throws(
        () => keysOf(text),
        (error) => HoldfastError.is(error, 'badValue') && !JSON.stringify([error.message, error.fix]).includes(secret),
      );
    });
  }
});

describe('source of credentials', () => {
  const kept = new Map<string, string | undefined>();
  const scratch = mkdtempSync(path.join(tmpdir(), 'hf-credentials-'));
  const set = (name: string, value: string | undefined): void => {
    if (!kept.has(name)) kept.set(name, process.env[name]);
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };

  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) set(name, undefined);
    set('AWS_EC2_METADATA_DISABLED', 'true');
    set('AWS_CONFIG_FILE', path.join(scratch, 'config'));
    set('AWS_SHARED_CREDENTIALS_FILE', path.join(scratch, 'credentials'));
    writeFileSync(path.join(scratch, 'config'), '');
    writeFileSync(path.join(scratch, 'credentials'), `[mine]\naws_access_key_id=AKIAMINE\naws_secret_access_key=${secret}\n`);
  });
  afterEach(() => {
    for (const [name, value] of kept) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  after(() => rmSync(scratch, { recursive: true }));

  it('asks for handed-over keys each time, so that none outlives a lock', async () => {
    let isLocked = false;
    const source = new CredentialSource({ source: 'sealed' }, 'eu-west-1', () => {
      if (isLocked) throw new HoldfastError('locked', 'Locked.');
      return { accessKeyId: 'AKIA1', secretAccessKey: Buffer.from(secret) };
    });
    assert.deepEqual(await source.identity(), { accessKeyId: 'AKIA1', secretAccessKey: secret });
    isLocked = true;
    await assert.rejects(source.identity(), (error) => HoldfastError.is(error, 'locked'));
  });

  it('takes the environment’s as the AWS tools do', async () => {
    set('AWS_ACCESS_KEY_ID', 'AKIAENV');
    set('AWS_SECRET_ACCESS_KEY', secret);
    const { accessKeyId, secretAccessKey } = await new CredentialSource({ source: 'chain' }, 'eu-west-1', undefined).identity();
    assert.deepEqual([accessKeyId, secretAccessKey], ['AKIAENV', secret]);
  });

  it('takes a profile’s, and reads them again when the store says that they have expired', async () => {
    const source = new CredentialSource({ source: 'profile', profile: 'mine' }, 'eu-west-1', undefined);
    assert.equal((await source.identity()).accessKeyId, 'AKIAMINE');
    writeFileSync(path.join(scratch, 'credentials'), `[mine]\naws_access_key_id=AKIANEW\naws_secret_access_key=${secret}\n`);
    assert.equal((await source.identity()).accessKeyId, 'AKIAMINE');
    source.renew();
    assert.equal((await source.identity()).accessKeyId, 'AKIANEW');
  });

  it('S8: reads a profile again when the store says in mid-run that its keys have expired', async () => {
    await using server = await ScriptedS3.start(() => {
      writeFileSync(path.join(scratch, 'credentials'), `[mine]\naws_access_key_id=AKIANEW\naws_secret_access_key=${secret}\n`);
      return server.requests.length === 1 ? { status: 400, body: errorXml('ExpiredToken') } : { body: '<VersioningConfiguration/>' };
    });
    using connection = await connectS3({
      spec: {
        kind: 's3',
        bucket: bucketName,
        region: 'eu-west-1',
        endpoint: server.endpoint,
        credentials: { source: 'profile', profile: 'mine' },
      },
    });
    await connection.facts.versioning();
    assert.deepEqual(
      server.requests.map(({ headers }) => /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1]),
      ['AKIAMINE', 'AKIANEW'],
    );
  });

  it('says that the network is missing where a role’s giver is not reachable', async () => {
    set('AWS_ACCESS_KEY_ID', 'AKIAENV');
    set('AWS_SECRET_ACCESS_KEY', secret);
    set('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1');
    const source = new CredentialSource({ source: 'role', roleArn: 'arn:aws:iam::123456789012:role/backup' }, 'eu-west-1', undefined);
    await assert.rejects(
      source.identity(),
      (error) => HoldfastError.is(error, 'storeUnreachable') && error.message.includes('ECONNREFUSED'),
    );
  });

  for (const [title, spec] of [
    ['a profile that is not there', { source: 'profile', profile: 'another' }],
    ['a chain without any', { source: 'chain' }],
    ['sealed ones that were not handed over', { source: 'sealed' }],
  ] as const) {
    it(`K6: says in one sentence that there are none: ${title}`, async () => {
      const error: unknown = await new CredentialSource(spec, 'eu-west-1', undefined).identity().catch((cause: unknown) => cause);
      assert.ok(HoldfastError.is(error, 'storeRefused'));
      assert.match(error.message, /^Failed to get credentials for the bucket: [^\n]+\.$/);
      assert.ok(error.fix !== undefined && error.cause === undefined);
    });
  }
});
