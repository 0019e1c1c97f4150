import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { keysOfEnvironment, keysOfFile, secretOf } from '../../../cli/bucketKeys.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const id = 'AKIAIOSFODNN7EXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const token = 'FwoGZXIvYXdzEXAMPLE==';
const keys = { accessKeyId: id, secretAccessKey: secret };

function refused(read: () => unknown, pattern: RegExp): void {
  assert.throws(read, (error) => {
    assert.ok(HoldfastError.is(error, 'badValue') && error.fix !== undefined, String(error));
    assert.match(error.message, pattern);
    const told = `${error.message} ${error.fix} ${JSON.stringify(error.details ?? null)} ${String(error.cause)}`;
    for (const part of [id, secret, token]) assert.ok(!told.includes(part.slice(0, 8)), told);
    return true;
  });
}

const profile = (...lines: readonly string[]): string => ['[default]', ...lines].join('\n');
const inFile = (text: string): unknown => keysOfFile(Buffer.from(text));

describe('cli keys of a bucket', () => {
  it('are read from JSON, as the AWS tools export it too', () => {
    assert.deepEqual(inFile(JSON.stringify(keys)), keys);
    assert.deepEqual(inFile(`\n ${JSON.stringify({ ...keys, sessionToken: token })}\n`), { ...keys, sessionToken: token });
    const exported = { Version: 1, AccessKeyId: id, SecretAccessKey: secret, SessionToken: token, Expiration: '2026-03-01T12:00:00Z' };
    assert.deepEqual(inFile(JSON.stringify(exported)), { ...keys, sessionToken: token });
  });

  it('are read from the default profile of an AWS credentials file and from lines of a shell, whatever their line ends', () => {
    for (const end of ['\n', '\r\n']) {
      const ofAws = [
        '# mine',
        '[other]',
        'aws_access_key_id=x',
        'aws_secret_access_key = y',
        '',
        '[default]',
        `aws_access_key_id = ${id}`,
        `aws_secret_access_key=${secret}  `,
        'region = eu-west-1',
        '[last]',
      ];
      assert.deepEqual(inFile(ofAws.join(end)), keys);
      const ofShell = [`export AWS_ACCESS_KEY_ID=${id}`, `AWS_SECRET_ACCESS_KEY="${secret}"`, `AWS_SESSION_TOKEN=${token}`];
      assert.deepEqual(inFile(ofShell.join(end)), { ...keys, sessionToken: token });
    }
    assert.deepEqual(inFile(`[default]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\naws_session_token=\n`), keys);
  });

  it('M8: are refused where a file holds none, half of them or what can be no key, and nothing of it is repeated', () => {
    const cases: readonly (readonly [text: string, pattern: RegExp])[] = [
      ['', /it is empty/],
      [' \r\n\n', /it is empty/],
      [`${secret}\n`, /it holds no keys/],
      ['{', /no JSON/],
      [`{"accessKeyId":"${id}","secretAccessKey":"${secret}"`, /no JSON/],
      [`{"accessKeyId":"${id}","accessKeyId":"${id}"}`, /no JSON/],
      ['{}', /access key id is missing/],
      [`{"accessKeyId":"${id}"}`, /secret access key is missing/],
      [`{"accessKeyId":"${id}","secretAccessKey":7}`, /secret access key is missing/],
      [JSON.stringify({ ...keys, secretAccessKey: `${secret}\r\n` }), /secret access key has a space, a line end/],
      [JSON.stringify({ ...keys, accessKeyId: `${id}\r\nX-Evil: 1` }), /access key id has a space, a line end/],
      [JSON.stringify({ ...keys, sessionToken: 'x'.repeat(8193) }), /session token is longer/],
      [profile(`aws_access_key_id=${id}`), /secret access key is missing/],
      [profile(`aws_access_key_id=${id}`, `aws_secret_access_key=${secret} ${secret}`), /a space/],
      [profile(`aws_access_key_id=${id}`, `aws_access_key_id=${id}`), /more than one set/],
      [`[work]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n`, /no \[default\] profile/],
      [`\0${secret}`.repeat(2000), /too large/],
    ];
    for (const [text, pattern] of cases) refused(() => inFile(text), pattern);
  });

  it('M2: are refused with one short sentence where the file holds anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.throws(
          () => keysOfFile(bytes),
          (error) => HoldfastError.is(error, 'badValue') && error.message.length < 200,
        );
      }),
    );
  });

  it('are taken from the shell, whole or not at all', () => {
    assert.deepEqual(keysOfEnvironment({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret }), keys);
    assert.deepEqual(keysOfEnvironment({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token }), {
      ...keys,
      sessionToken: token,
    });
    for (const none of [{}, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, { AWS_SESSION_TOKEN: token }]) {
      assert.equal(keysOfEnvironment(none), undefined);
    }
    refused(() => keysOfEnvironment({ AWS_ACCESS_KEY_ID: id }), /AWS_SECRET_ACCESS_KEY is missing/);
    refused(() => keysOfEnvironment({ AWS_SECRET_ACCESS_KEY: secret }), /AWS_ACCESS_KEY_ID is missing/);
    refused(() => keysOfEnvironment({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: `${secret}\r\n` }), /AWS_SECRET_ACCESS_KEY has/);
  });

  it('go to the daemon as the protocol has them', () => {
    assert.deepEqual(JSON.parse(secretOf({ ...keys, sessionToken: token }).toString()), { ...keys, sessionToken: token });
  });
});
