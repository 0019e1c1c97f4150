import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { makeClient, usesPathStyle } from '../../../../daemon/locations/s3/s3Client.ts';
import { CredentialSource } from '../../../../daemon/locations/s3/s3Credentials.ts';
import { Retries } from '../../../../daemon/locations/s3/s3Retries.ts';
import { failureOf } from '../../../../daemon/locations/s3/s3Failure.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../../protocol/ids.ts';
import type { S3Spec } from '../../../../protocol/methods/locations.ts';
import { errorXml, objectsXml, ScriptedS3, type ScriptedRequest, versionsXml } from '../../../support/scriptedS3.ts';

const storeId = idOf<StoreId>(randomUUID());
const other = idOf<StoreId>(randomUUID());
const until = new Date('2027-01-02T03:04:05.000Z');

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code;

const markerOf = (id: StoreId): string =>
  JSON.stringify({ format: 'holdfast-store/1', storeId: id, createdAt: '2026-01-02T03:04:05.678Z' });

/** Versions of the marker, newest first; what is put comes on top. */
function markers(versions: { readonly versionId: string; readonly body: string }[]): (request: ScriptedRequest) => object {
  return ({ method, query, body, headers }) => {
    if (query.has('versions')) {
      return {
        body: versionsXml(versions.map(({ versionId, body: { length: size } }) => ({ key: 'holdfast-store', versionId, size }))),
      };
    }
    if (method === 'PUT') {
      if (headers['if-none-match'] === '*' && versions.length > 0) return { status: 412, body: errorXml('PreconditionFailed') };
      versions.unshift({ versionId: `v${versions.length + 1}`, body: body.toString() });
      return { headers: { 'x-amz-version-id': versions[0]?.versionId } };
    }
    const found = versions.find(({ versionId }) => versionId === query.get('versionId'));
    if (found === undefined) return { status: 404, body: errorXml('NoSuchVersion') };
    const { length } = found.body;
    const lastModified = { 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' };
    return { status: 206, headers: { ...lastModified, 'content-range': `bytes 0-${length - 1}/${length}` }, body: found.body };
  };
}

function recorded(random: () => number = () => 1): { readonly retries: Retries; readonly waits: number[] } {
  const waits: number[] = [];
  const sleep = async (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    await Promise.resolve();
  };
  return { retries: new Retries(8, { sleep, random }), waits };
}

describe('a connection to a bucket', () => {
  let server: ScriptedS3;

  beforeEach(async () => {
    server = await ScriptedS3.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  describe('and its marker', () => {
    const features = { versions: true };

    it('makes one where there is none, and takes the one that is there', async () => {
      server.script = markers([]);
      const connection = await server.connect();
      assert.equal(await connection.readMarker({ features }), undefined);
      assert.equal((await connection.initialise({ storeId, now: new Date(), features })).storeId, storeId);
      assert.equal((await connection.initialise({ storeId: other, now: new Date(), features })).storeId, storeId);
      assert.equal((await connection.open({ features })).storeId, storeId);
      assert.equal(server.requests.filter(({ method }) => method === 'PUT').length, 1);
    });

    it('R2: believes the oldest that is one, whatever lies above or below it', async () => {
      server.script = markers([
        { versionId: 'v3', body: markerOf(other) },
        { versionId: 'v2', body: markerOf(storeId) },
        { versionId: 'v1', body: 'junk' },
      ]);
      assert.equal((await (await server.connect()).open({ storeId, features })).storeId, storeId);
    });

    it('opens no other store, none that is damaged, and none without a marker', async () => {
      server.script = markers([{ versionId: 'v1', body: markerOf(other) }]);
      await assert.rejects((await server.connect()).open({ storeId, features }), withCode('storeUnreachable'));
      server.script = markers([{ versionId: 'v1', body: 'junk' }]);
      await assert.rejects((await server.connect()).open({ features }), withCode('damaged'));
      server.script = markers([]);
      await assert.rejects((await server.connect()).open({ features }), withCode('storeUnreachable'));
    });
  });

  it('finds out by itself whether there are versions', async () => {
    for (const [answer, versions] of [
      [{ body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' }, true],
      [{ body: '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>' }, true],
      [{ body: '<VersioningConfiguration/>' }, false],
      [{ status: 403, body: errorXml('AccessDenied') }, true],
      [{ status: 501, body: errorXml('NotImplemented') }, false],
    ] as const) {
      server.script = () => answer;
      const store = await (await server.connect()).unmarked({ storeId });
      assert.equal(store.capabilities.versions, versions);
      assert.equal(store.versions !== undefined, versions);
    }
  });

  it('tells what the bucket is set to', async () => {
    const { facts } = await server.connect();
    const answers: Readonly<Record<string, string>> = {
      'object-lock':
        '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Years>2</Years></DefaultRetention></Rule></ObjectLockConfiguration>',
      lifecycle: `<LifecycleConfiguration>
        <Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>x/</Prefix></Filter><Expiration><Days>7</Days></Expiration></Rule>
        <Rule><Status>Disabled</Status><Filter><And><Prefix>y/</Prefix></And></Filter><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration></Rule>
        <Rule><Status>Enabled</Status><Expiration><Date>2027-01-01T00:00:00Z</Date></Expiration><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>
      </LifecycleConfiguration>`,
      encryption:
        '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:key</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>',
      versioning: '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>',
      location: '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">EU</LocationConstraint>',
    };
    server.script = ({ query }) => ({ body: Object.entries(answers).find(([name]) => query.has(name))?.[1] ?? '' });
    assert.deepEqual(await facts.objectLock(), { defaultRetention: { mode: 'governance', days: 730 } });
    assert.deepEqual(await facts.lifecycle(), [
      { id: 'a', isEnabled: true, prefix: 'x/', expirationDays: 7, noncurrentExpirationDays: null, hasTransition: false },
      { id: 'rule 2', isEnabled: false, prefix: 'y/', expirationDays: null, noncurrentExpirationDays: 3, hasTransition: false },
      { id: 'rule 3', isEnabled: true, prefix: '', expirationDays: 0, noncurrentExpirationDays: null, hasTransition: true },
    ]);
    assert.deepEqual(await facts.encryption(), { algorithm: 'aws:kms', kmsKeyId: 'arn:key' });
    assert.equal(await facts.versioning(), 'suspended');
    assert.equal(await facts.region(), 'eu-west-1');
  });

  it('tells what is not set, what is not known and what is refused apart', async () => {
    const { facts } = await server.connect();
    server.script = ({ query }) => {
      const name = query.has('lifecycle')
        ? 'NoSuchLifecycleConfiguration'
        : query.has('encryption')
          ? 'ServerSideEncryptionConfigurationNotFoundError'
          : 'ObjectLockConfigurationNotFoundError';
      return { status: 404, body: errorXml(name) };
    };
    assert.deepEqual([await facts.objectLock(), await facts.lifecycle(), await facts.encryption()], [null, [], null]);
    for (const [status, name, code] of [
      [403, 'AccessDenied', 'storeRefused'],
      [501, 'NotImplemented', 'notInThisVersion'],
    ] as const) {
      server.script = () => ({ status, body: errorXml(name) });
      for (const ask of [() => facts.objectLock(), () => facts.lifecycle(), () => facts.encryption(), () => facts.versioning()]) {
        await assert.rejects(ask, withCode(code));
      }
    }
    server.script = () => ({ status: 404 });
    await assert.rejects(facts.region(), withCode('objectMissing'));
  });

  it('reads, extends and proves locks by version', async () => {
    const connection = await server.connect();
    const { versions } = await connection.unmarked({ storeId, features: { versions: true } });
    assert.ok(versions !== undefined);
    server.script = () => ({
      body: '<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2027-01-02T03:04:05Z</RetainUntilDate></Retention>',
    });
    assert.deepEqual(await versions.lockOf('a/x', 'v1'), { mode: 'compliance', until });
    for (const [name, answer] of [
      ['NoSuchObjectLockConfiguration', null],
      ['ObjectLockConfigurationNotFoundError', null],
    ] as const) {
      server.script = () => ({ status: 404, body: errorXml(name) });
      assert.equal(await versions.lockOf('a/x', 'v1'), answer);
    }
    server.script = () => ({ status: 404, body: errorXml('NoSuchVersion') });
    await assert.rejects(versions.lockOf('a/x', 'v1'), withCode('objectMissing'));
    await assert.rejects(versions.extend('a/x', 'v1', { mode: 'compliance', until }), withCode('objectMissing'));
    server.script = () => ({});
    await versions.extend('a/x', 'v1', { mode: 'compliance', until });
    const sent = server.requests.at(-1);
    assert.deepEqual([sent?.method, sent?.key, sent?.query.get('versionId')], ['PUT', 'a/x', 'v1']);
    assert.match(String(sent?.body), /<Mode>COMPLIANCE<\/Mode><RetainUntilDate>2027-01-02T03:04:05Z</);
    assert.equal(sent?.headers['x-amz-bypass-governance-retention'], undefined);
    server.script = () => ({ status: 403, body: errorXml('AccessDenied') });
    await assert.rejects(versions.extend('a/x', 'v1', { mode: 'compliance', until }), withCode('lockRefused'));
    const { attempts } = connection;
    await assert.rejects(attempts.deleteVersion('a/x', 'v1'), withCode('lockRefused'));
    await assert.rejects(attempts.deleteVersionWithBypass('a/x', 'v1'), withCode('lockRefused'));
    assert.equal(server.requests.at(-1)?.headers['x-amz-bypass-governance-retention'], 'true');
    await assert.rejects(attempts.setLock('a/x', 'v1', { mode: 'governance', until }, { bypass: true }), withCode('lockRefused'));
    assert.equal(server.requests.at(-1)?.headers['x-amz-bypass-governance-retention'], 'true');
  });

  it('deletes by version alone, and says of a locked one until when', async () => {
    const store = await (await server.connect()).unmarked({ storeId, lock: 'compliance', features: { versions: true } });
    server.script = ({ query }) =>
      query.has('versions') ? { body: versionsXml([{ key: 'a/x', versionId: 'v1', size: 1 }]) } : { status: 204 };
    await store.delete('a/x', 'v7');
    await store.delete('a/x', null);
    assert.deepEqual(
      server.requests.filter(({ method }) => method === 'DELETE').map(({ query }) => query.get('versionId')),
      ['v7', 'v1'],
    );
    server.script = ({ query }) => {
      if (query.has('retention'))
        return { body: '<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2027-01-02T03:04:05Z</RetainUntilDate></Retention>' };
      return { status: 403, body: errorXml('AccessDenied') };
    };
    await assert.rejects(
      store.delete('a/x', 'v1'),
      (error) => HoldfastError.is(error, 'lockRefused') && error.message.includes('2027-01-02T03:04:05'),
    );
    server.script = ({ query }) =>
      query.has('retention')
        ? { status: 404, body: errorXml('NoSuchObjectLockConfiguration') }
        : { status: 403, body: errorXml('AccessDenied') };
    await assert.rejects(store.delete('a/x', 'v1'), withCode('storeRefused'));
    server.script = () => ({ status: 405, body: errorXml('MethodNotAllowed') });
    await assert.rejects(store.delete('a/x', 'v1'), withCode('notInThisVersion'));
  });

  it('S1: goes on for ever where every second request fails', async () => {
    server.script = (_, count) =>
      count % 2 === 0 ? { body: '<VersioningConfiguration/>' } : { status: 500, body: errorXml('InternalError') };
    const { facts } = await server.connect();
    for (let asked = 0; asked < 130; asked++) assert.equal(await facts.versioning(), 'off');
  });

  it('M8: goes where its profile says, not where the environment does, and through no proxy on this machine', async () => {
    const names = ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'HTTP_PROXY', 'http_proxy'];
    const kept = names.map((name) => [name, process.env[name]] as const);
    try {
      for (const name of names) process.env[name] = 'http://127.0.0.1:1';
      server.script = () => ({ body: objectsXml([]) });
      const store = await (await server.connect()).unmarked({ storeId, features: { versions: false } });
      for await (const _ of store.list('')) assert.fail('a page came');
      assert.ok(server.requests.length > 0);
    } finally {
      for (const [name, value] of kept) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });
});

describe('the client', () => {
  it('M8: at AWS takes its address from the profile alone', () => {
    const spec: S3Spec = { kind: 's3', bucket: 'mine', region: 'eu-west-1', credentials: { source: 'chain' } };
    const { client } = makeClient({ spec }, new CredentialSource(spec.credentials, spec.region, undefined));
    assert.deepEqual([client.config.ignoreConfiguredEndpointUrls, client.config.isCustomEndpoint], [true, false]);
    client.destroy();
  });
});

describe('style of addresses', () => {
  const aws: S3Spec = { kind: 's3', bucket: 'mine', region: 'eu-west-1', credentials: { source: 'chain' } };
  for (const [title, spec, isPath] of [
    ['AWS', aws, false],
    ['an endpoint', { ...aws, endpoint: 'https://s3.example.com' }, true],
    ['an endpoint that wants the bucket in its name', { ...aws, endpoint: 'https://s3.example.com', pathStyle: false }, false],
    ['AWS with path style', { ...aws, pathStyle: true }, true],
    ['a bucket with dots, which fits no certificate', { ...aws, bucket: 'my.bucket', pathStyle: false }, true],
  ] as const) {
    it(`has the bucket in the ${isPath ? 'path' : 'host name'}: ${title}`, () => assert.equal(usesPathStyle(spec), isPath));
  }
});

describe('attempts', () => {
  const busy = failureOf(Object.assign(new Error('busy'), { name: 'SlowDown', $metadata: { httpStatusCode: 503 } }));
  const failed = failureOf(Object.assign(new Error('failed'), { name: 'InternalError', $metadata: { httpStatusCode: 500 } }));
  const denied = failureOf(Object.assign(new Error('denied'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }));

  it('wait twice as long each time, up to ten seconds, and longer where the store is busy', async () => {
    const { retries, waits } = recorded();
    for (let made = 1; made <= 8; made++) await retries.another(failed, made, undefined);
    assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400]);
    waits.length = 0;
    for (let made = 1; made <= 7; made++) await retries.another(busy, made, undefined);
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('wait for any part of that, and at least as long as the store says', async () => {
    const { retries, waits } = recorded(() => 0.5);
    await retries.another(failed, 1, undefined);
    await retries.another({ ...failed, retryAfterMs: 3000 }, 1, undefined);
    await retries.another({ ...failed, retryAfterMs: 3_600_000 }, 1, undefined);
    assert.deepEqual(waits, [50, 3000, 10_000]);
  });

  it('are not made again where it would be the same', async () => {
    const { retries, waits } = recorded();
    assert.equal(await retries.another(denied, 1, undefined), false);
    assert.deepEqual(waits, []);
  });

  it('S1: share a budget, which requests that come through fill again', async () => {
    const { retries } = recorded(() => 0);
    let made = 0;
    while (await retries.another(failed, 1, undefined)) made += 1;
    assert.equal(made, 100);
    retries.succeeded();
    retries.succeeded();
    assert.deepEqual([await retries.another(failed, 1, undefined), await retries.another(failed, 1, undefined)], [true, false]);
  });
});
