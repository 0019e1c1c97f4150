import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { s3Error, type S3Request } from '../../../../daemon/locations/s3/s3Errors.ts';
import type { S3Failure } from '../../../../daemon/locations/s3/s3Failure.ts';
import { failureOf } from '../../../../daemon/locations/s3/s3Failure.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../../protocol/ids.ts';
import { accessKeyId, canarySecret, canaryToken, errorXml, type Reply, ScriptedS3 } from '../../../support/scriptedS3.ts';

const request: S3Request = {
  action: 'put object x',
  permission: 's3:PutObject',
  bucket: 'mine',
  region: 'eu-west-1',
  host: 's3.example.com',
};
const nothing: S3Failure = {
  name: '',
  status: undefined,
  system: undefined,
  region: undefined,
  requestId: undefined,
  retryAfterMs: undefined,
  clockCorrected: false,
};

async function drained(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pages) continue;
}

describe('failures of requests to a bucket', () => {
  for (const [failure, code, words] of [
    [{ name: 'AccessDenied', status: 403 }, 'storeRefused', /s3:PutObject/],
    [{ name: 'InvalidAccessKeyId', status: 403 }, 'storeRefused', /access key/],
    [{ name: 'SignatureDoesNotMatch', status: 403 }, 'storeRefused', /secret key/],
    [{ name: 'ExpiredToken', status: 400 }, 'storeRefused', /expired/],
    [{ name: 'RequestTimeTooSkewed', status: 403 }, 'storeRefused', /clock/],
    [{ name: 'PermanentRedirect', status: 301, region: 'us-east-2' }, 'storeRefused', /is in region us-east-2, not in eu-west-1/],
    [{ name: 'AuthorizationHeaderMalformed', status: 400, region: 'us-east-2' }, 'storeRefused', /is in region us-east-2/],
    [{ status: 301, region: 'us-east-2' }, 'storeRefused', /is in region us-east-2/],
    [{ status: 400, region: 'us-east-2' }, 'storeRefused', /is in region us-east-2/],
    [{ name: 'PermanentRedirect', status: 301 }, 'storeRefused', /is not in region eu-west-1/],
    [{ name: 'NoSuchBucket', status: 404 }, 'storeUnreachable', /no bucket mine at s3\.example\.com/],
    [{ name: 'NoSuchKey', status: 404 }, 'objectMissing', /not there/],
    [{ name: 'NoSuchVersion', status: 404 }, 'objectMissing', /not there/],
    [{ name: 'SlowDown', status: 503 }, 'storeUnreachable', /slow down/],
    [{ status: 503 }, 'storeUnreachable', /busy/],
    [{ status: 429 }, 'storeUnreachable', /busy/],
    [{ status: 507 }, 'storeFull', /no space/],
    [{ name: 'XMinioStorageFull', status: 507 }, 'storeFull', /no space/],
    [{ name: 'QuotaExceeded', status: 403 }, 'storeFull', /quota/],
    [{ name: 'NotImplemented', status: 501 }, 'notInThisVersion', /does not know/],
    [{ status: 501 }, 'notInThisVersion', /does not know/],
    [{ name: 'PreconditionFailed', status: 412 }, 'objectExists', /there already/],
    [{ name: 'BadDigest', status: 400 }, 'storeFailed', /other bytes/],
    [{ name: 'InternalError', status: 500 }, 'storeFailed', /the store failed/],
    [{ name: 'SomethingNew', status: 418 }, 'storeFailed', /did not understand/],
    [{ name: 'BadAnswer' }, 'storeFailed', /cut off/],
    [{ name: 'TimeoutError' }, 'storeUnreachable', /in time/],
    [{ system: 'ENOTFOUND' }, 'storeUnreachable', /name of s3\.example\.com is not known/],
    [{ system: 'ECONNREFUSED' }, 'storeUnreachable', /nothing answers at s3\.example\.com/],
    [{ system: 'ECONNRESET' }, 'storeUnreachable', /was cut/],
    [{ system: 'ENETUNREACH' }, 'storeUnreachable', /no network/],
    [{ system: 'ERR_PROXY_TUNNEL' }, 'storeUnreachable', /proxy does not lead to s3\.example\.com/],
    [{ system: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'storeUnreachable', /not trusted/],
    [{ system: 'CERT_HAS_EXPIRED' }, 'storeUnreachable', /not trusted/],
    [{ system: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'storeUnreachable', /another name/],
    [{ system: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'storeUnreachable', /TLS/],
    [{ name: 'constructor', system: 'toString' }, 'storeFailed', /did not understand/],
  ] as const satisfies readonly (readonly [Partial<S3Failure>, string, RegExp])[]) {
    it(`are ${code} with one sentence and one way out: ${JSON.stringify(failure)}`, () => {
      const error = s3Error(request, { ...nothing, ...failure });
      assert.equal(error.code, code);
      assert.match(error.message, words);
      assert.match(error.message, /^Failed to put object x: [^\n]+\.$/);
      assert.match(error.fix ?? '', /^[A-Z][^\n]+\.$/);
      assert.equal(error.cause, undefined);
    });
  }

  it('are the lock’s where the request is about one', () => {
    assert.equal(s3Error({ ...request, lock: 'act' }, { ...nothing, name: 'AccessDenied', status: 403 }).code, 'lockRefused');
    assert.equal(s3Error({ ...request, lock: 'act' }, { ...nothing, name: 'InvalidArgument', status: 400 }).code, 'lockRefused');
    assert.equal(s3Error({ ...request, lock: 'carried' }, { ...nothing, name: 'AccessDenied', status: 403 }).code, 'storeRefused');
    assert.equal(s3Error({ ...request, lock: 'carried' }, { ...nothing, name: 'InvalidRequest', status: 400 }).code, 'lockRefused');
  });

  it('K6: take from an error only single words', () => {
    const failure = failureOf(
      Object.assign(new Error(`secret ${canarySecret}`), {
        name: 'Evil name\nwith lines',
        code: `x ${canarySecret}`,
        Region: 'a b',
        $metadata: { httpStatusCode: 400, requestId: '<script>' },
        $response: { headers: { 'x-amz-bucket-region': '\u001b[2J', 'retry-after': 'soon' } },
      }),
    );
    assert.deepEqual(failure, { ...nothing, status: 400 });
  });

  describe('on the wire', () => {
    let server: ScriptedS3;

    beforeEach(async () => {
      server = await ScriptedS3.start();
    });
    afterEach(() => server[Symbol.asyncDispose]());

    const replies: readonly Reply[] = [
      ...[
        'AccessDenied',
        'SignatureDoesNotMatch',
        'InvalidToken',
        'ExpiredToken',
        'AuthorizationHeaderMalformed',
        'InternalError',
        'SlowDown',
        'InvalidRequest',
      ].map((name) => ({
        status: name.startsWith('In') ? 500 : 403,
        body: errorXml(name, `<StringToSign>${canarySecret}</StringToSign><Token-0>${canaryToken}</Token-0>`),
      })),
      { status: 403, body: `<html>${canarySecret}</html>` },
      { status: 200, body: canarySecret },
      { isLost: true },
    ];

    it('K6: never hold a secret, whatever the store repeats, on any verb', async () => {
      const connection = await server.connect({ limits: { attempts: 2 } });
      const store = await connection.unmarked({ storeId: idOf<StoreId>(randomUUID()), features: { versions: true } });
      const { facts, attempts } = connection;
      const lock = { mode: 'compliance', until: new Date('2027-01-02T03:04:05.000Z') } as const;
      const verbs: readonly (() => Promise<unknown>)[] = [
        () => store.put('a/x', Buffer.from('x'), { lock }),
        () => store.get('a/x'),
        () => store.get('a/x', { versionId: 'v1' }),
        () => store.head('a/x', { versionId: 'v1' }),
        () => store.delete('a/x', 'v1'),
        () => drained(store.list('')),
        () => store.versions?.lockOf('a/x', 'v1') ?? Promise.resolve(),
        () => store.versions?.extend('a/x', 'v1', lock) ?? Promise.resolve(),
        () => store.versions?.time() ?? Promise.resolve(),
        () => facts.region(),
        () => facts.versioning(),
        () => facts.objectLock(),
        () => facts.lifecycle(),
        () => facts.encryption(),
        () => attempts.deleteVersion('a/x', 'v1'),
        () => attempts.deleteVersionWithBypass('a/x', 'v1'),
        () => attempts.setLock('a/x', 'v1', lock),
        () => attempts.overwrite('a/x', Buffer.from('x')),
        () => attempts.putDeleteMarker('a/x'),
        () => connection.readMarker(),
      ];
      let seen = 0;
      for (const reply of replies) {
        server.script = () => reply;
        for (const verb of verbs) {
          try {
            await verb();
          } catch (error) {
            assert.ok(HoldfastError.is(error), inspect(error));
            const text =
              inspect(error, { depth: 20, showHidden: true }) + JSON.stringify([error.message, error.fix, error.details, error.reason]);
            assert.ok(!text.includes(canarySecret) && !text.includes(canaryToken), text);
            assert.ok(!text.includes('text of the store'), text);
            seen += 1;
          }
        }
      }
      assert.ok(seen > 150, String(seen));
      assert.ok(server.requests.some(({ headers }) => headers.authorization?.includes(accessKeyId)));
    });

    it('say where the bucket is, where only a header does', async () => {
      server.script = () => ({ status: 301, headers: { 'x-amz-bucket-region': 'us-east-2' } });
      const connection = await server.connect();
      assert.equal(await connection.facts.region(), 'us-east-2');
      server.script = () => ({ status: 301, headers: { 'x-amz-bucket-region': 'us-east-2' }, body: errorXml('PermanentRedirect') });
      await assert.rejects(
        connection.facts.versioning(),
        (error) => HoldfastError.is(error, 'storeRefused') && error.message.includes('is in region us-east-2, not in eu-test-1'),
      );
    });

    it('go on where only this machine’s clock is off, which the client puts right by the answer', async () => {
      const store = new Date(Date.now() + 3_600_000);
      server.script = ({ headers }) => {
        const signed = String(headers['x-amz-date']).replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z');
        const isNear = Math.abs(new Date(signed).getTime() - store.getTime()) < 300_000;
        const date = { date: store.toUTCString() };
        return isNear
          ? { headers: date, body: '<VersioningConfiguration/>' }
          : { status: 403, headers: date, body: errorXml('RequestTimeTooSkewed') };
      };
      assert.equal(await (await server.connect()).facts.versioning(), 'off');
    });
  });
});
