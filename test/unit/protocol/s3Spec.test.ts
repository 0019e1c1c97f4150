import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { HoldfastError } from '../../../protocol/errors.ts';
import { filesystemSpec, parseLocationSpec, parseLocationSpecFile, placeOf, readLocationSpecFile } from '../../../protocol/locationSpec.ts';
import { locationSpec } from '../../../protocol/methods/locations.ts';

const base = { kind: 's3', bucket: 'my-backups', region: 'eu-west-1' };
const chain = { source: 'chain' };
const file = (value: unknown): unknown => parseLocationSpecFile(Buffer.from(JSON.stringify(value)));
const refusedShortly = (error: unknown): boolean =>
  HoldfastError.is(error, 'badValue') &&
  error.message.startsWith('Failed to read the location: ') &&
  error.message.length < 200 &&
  error.fix !== undefined &&
  !/\p{Cc}/u.test(error.message);

describe('profile of an s3 location', () => {
  for (const [title, written, read] of [
    ['bucket and region', base, { ...base, credentials: chain }],
    ['a profile', { ...base, profile: 'backup.admin' }, { ...base, credentials: { source: 'profile', profile: 'backup.admin' } }],
    [
      'a role',
      { ...base, roleArn: 'arn:aws:iam::123456789012:role/path/backup' },
      { ...base, credentials: { source: 'role', roleArn: 'arn:aws:iam::123456789012:role/path/backup' } },
    ],
    ['a file of keys', { ...base, credentialsFile: './keys' }, { ...base, credentials: { source: 'sealed' } }],
    ['its own form', { ...base, credentials: { source: 'sealed' } }, { ...base, credentials: { source: 'sealed' } }],
    [
      'every member',
      {
        ...base,
        endpoint: 'HTTPS://S3.Example.com:443/',
        prefix: 'a-1/b/',
        pathStyle: false,
        protectionPeriod: 30,
        lockMode: 'governance',
      },
      { ...base, endpoint: 'https://s3.example.com', prefix: 'a-1/b', pathStyle: false, credentials: chain },
    ],
  ] as const) {
    it(`takes a file with ${title}`, () => {
      const parsed = file(written);
      assert.deepEqual(parsed, read);
      assert.deepEqual(locationSpec.parse(parsed), read);
      assert.deepEqual(parseLocationSpec(JSON.parse(JSON.stringify(parsed))), read);
    });
  }

  it('gives the name of the file of keys as it was written', () => {
    const { credentialsFile } = readLocationSpecFile(Buffer.from(JSON.stringify({ ...base, credentialsFile: './keys' })));
    assert.equal(credentialsFile, './keys');
    assert.equal(readLocationSpecFile(Buffer.from(JSON.stringify(base))).credentialsFile, null);
  });

  for (const endpoint of [
    'https://s3.example.com',
    'https://s3.example.com:8443/storage/v1/s3',
    'https://192.168.1.7:9000',
    'https://[2a01:4f8::1]:9000',
    'http://127.0.0.1:9000',
    'http://127.9.9.9',
    'http://localhost:9000',
    'http://[::1]:9000',
  ]) {
    it(`M8: takes the endpoint ${endpoint}`, () => {
      assert.equal(parseLocationSpec({ ...base, endpoint, credentials: chain }).kind, 's3');
    });
  }

  const long = 'x'.repeat(10_000);
  for (const endpoint of [
    'http://s3.example.com',
    'http://10.0.0.1:9000',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'https://user@s3.example.com',
    'https://user:secret@s3.example.com',
    'https://s3.example.com/?a=b',
    'https://s3.example.com/#a',
    'https://s3.example.com?',
    'https://s3.example.com#',
    'https://s3.example.com/../x',
    'https://s3.example.com/a/./b',
    'https://s3.example.com//a',
    'https://s3.example.com/%2e%2e/x',
    'https://s3.example.com\\@169.254.169.254',
    'https://169.254.169.254',
    'https://169.254.0.1:443',
    'http://169.254.169.254',
    'https://0xa9fea9fe',
    'https://2852039166',
    'https://0251.0376.0251.0376',
    'https://[::ffff:169.254.169.254]',
    'https://[64:ff9b::a9fe:a9fe]',
    'https://[fe80::1]',
    'https://[febf::1]',
    'https://[fe80::1%25eth0]',
    'https://[fd00:ec2::254]',
    'https://metadata.google.internal',
    'https://METADATA.google.internal.',
    'https://instance-data',
    'https://100.100.100.200',
    'https://0.0.0.0',
    'http://0.0.0.0:9000',
    'https://0',
    'https://[::]',
    'https://255.255.255.255',
    'https://s3.example.com:0',
    'https://s3.example.com:99999',
    'https://s3.exa\r\nmple.com',
    'https://s3.example.com\r\nHost: other',
    'https://s3.example.com\u0000',
    ' https://s3.example.com',
    'https://s3.ex\u00adample.com',
    'https://s３.example.com',
    'https:///s3.example.com',
    'https:s3.example.com',
    'https://',
    'ftp://s3.example.com',
    'file:///etc/passwd',
    's3.example.com',
    '',
    `https://${long}.com`,
    `https://s3.example.com/${long}`,
  ]) {
    it(`M8: refuses the endpoint ${JSON.stringify(endpoint.slice(0, 60))} with one short sentence`, () => {
      assert.throws(() => parseLocationSpec({ ...base, endpoint, credentials: chain }), refusedShortly);
    });
  }

  for (const bucket of ['abc', 'a.b', '0-9', 'my.bucket-1', 'x'.repeat(63)]) {
    it(`M8: takes the bucket ${bucket.slice(0, 20)}`, () =>
      assert.equal(parseLocationSpec({ ...base, bucket, credentials: chain }).kind, 's3'));
  }
  for (const bucket of [
    '',
    'ab',
    'x'.repeat(64),
    long,
    'Upper',
    'under_score',
    '-first',
    'last-',
    '.first',
    'two..dots',
    '127.0.0.1',
    'a/b',
    '../a',
    'a b',
    'ä-bucket',
    'a\r\nb',
    'abc\n',
    'abc\u0000',
    'xn--bucket',
    'mine-s3alias',
    'mine--x-s3',
    'arn:aws:s3:::bucket',
    7,
    null,
    ['abc'],
  ]) {
    it(`M8: refuses the bucket ${JSON.stringify(bucket).slice(0, 40)} with one short sentence`, () => {
      assert.throws(() => parseLocationSpec({ ...base, bucket, credentials: chain }), refusedShortly);
    });
  }

  for (const [member, values] of [
    ['region', ['', 'EU', 'eu west', 'eu-west-1.evil.com', 'eu-west-1/', 'eu-west-1\r\nx: y', '-eu', 'eu-', 'eu@evil', long, 1, null]],
    ['prefix', ['', '/', '/a', 'a//b', '../a', 'a/../b', 'A', 'a_b', 'a\nb', 'a.b', 'a b', 'a//', 'x'.repeat(201), long, 7, null]],
    ['pathStyle', ['true', 1, null]],
    ['secretAccessKey', ['x']],
    ['command', ['touch /tmp/x']],
    ['path', ['/tmp']],
    [
      'credentials',
      [
        null,
        'chain',
        {},
        { source: 'process', command: 'x' },
        { source: 'chain', secretAccessKey: 'x' },
        { source: 'profile' },
        { source: 'profile', profile: '' },
        { source: 'profile', profile: 'a]\n[b' },
        { source: 'profile', profile: long },
        { source: 'role', roleArn: 'backup' },
        { source: 'role', roleArn: 'arn:aws:iam::123456789012:user/x' },
        { source: 'role', roleArn: `arn:aws:iam::123456789012:role/${long}` },
        { source: 'sealed', key: 'x' },
      ],
    ],
  ] as const) {
    for (const value of values) {
      it(`M8: refuses ${member} ${JSON.stringify(value).slice(0, 60)} with one short sentence`, () => {
        assert.throws(() => parseLocationSpec({ ...base, credentials: chain, [member]: value }), refusedShortly);
      });
    }
  }

  for (const [title, value] of [
    ['two sources of credentials', { ...base, profile: 'a', roleArn: 'arn:aws:iam::123456789012:role/a' }],
    ['a file of keys with a line break in its name', { ...base, credentialsFile: 'a\nb' }],
    ['a file of keys that is no text', { ...base, credentialsFile: 7 }],
    ['a secret', { ...base, secretAccessKey: 'x' }],
    ['no bucket', { kind: 's3', region: 'eu-west-1' }],
    ['no region', { kind: 's3', bucket: 'abc' }],
  ] as const) {
    it(`M8: refuses a file with ${title}`, () => assert.throws(() => file(value), refusedShortly));
  }

  it('is named by bucket and prefix, and is no folder', () => {
    const spec = parseLocationSpec({ ...base, prefix: 'a/b', credentials: chain });
    assert.equal(placeOf(spec), 's3://my-backups/a/b');
    assert.throws(
      () => filesystemSpec(spec),
      (error) => HoldfastError.is(error, 'notInThisVersion'),
    );
  });

  it('M1 M8: takes or refuses any endpoint, and what it takes is https or loopback and stays what it is', () => {
    const part = fc.constantFrom(
      'http',
      'https',
      '://',
      ':',
      '/',
      '@',
      '127.0.0.1',
      '169.254.169.254',
      's3.example.com',
      '[::1]',
      '.',
      '#',
      '?',
      '%',
      '0x7f',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
          fc.webUrl(),
        ),
        (endpoint) => {
          try {
            const spec = parseLocationSpec({ ...base, endpoint, credentials: chain });
            assert.ok(spec.kind === 's3' && spec.endpoint !== undefined);
            const { protocol, hostname, username } = new URL(spec.endpoint);
            assert.equal(username, '');
            assert.ok(protocol === 'https:' || hostname.startsWith('127.') || hostname === '[::1]', spec.endpoint);
            assert.deepEqual(parseLocationSpec(spec), spec);
          } catch (error) {
            assert.ok(HoldfastError.is(error, 'badValue'), String(error));
          }
        },
      ),
    );
  });
});
