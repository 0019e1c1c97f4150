import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  type BucketDraft,
  draftOf,
  emptyBucket,
  fieldProblem,
  keyProblem,
  keysOf,
  specOf,
} from '../../../../../extension/forms/location/bucketDraft.ts';
import { secretOfKeys } from '../../../../../extension/forms/location/secretOfKeys.ts';
import { parseLocationSpec } from '../../../../../protocol/locationSpec.ts';
import type { SecretRef } from '../../../../../protocol/method.ts';

const typed: BucketDraft = {
  ...emptyBucket,
  isAws: false,
  endpoint: 'https://s3.example.com',
  bucket: 'vault',
  region: 'us-east-1',
  prefix: 'backups/laptop',
  profile: 'work',
  roleArn: 'arn:aws:iam::123456789012:role/holdfast',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'very-secret',
};

describe('a bucket as a form has it', () => {
  it('is a profile that the daemon takes, with what the answers call for and nothing else of what was typed', () => {
    const where = { kind: 's3', bucket: 'vault', region: 'us-east-1', prefix: 'backups/laptop' };
    const endpoint = { endpoint: 'https://s3.example.com' };
    assert.deepEqual(specOf(typed), { ...where, ...endpoint, credentials: { source: 'sealed' } });
    assert.deepEqual(specOf({ ...typed, isAws: true, source: 'chain' }), { ...where, credentials: { source: 'chain' } });
    assert.deepEqual(specOf({ ...typed, source: 'profile' }).credentials, { source: 'profile', profile: 'work' });
    assert.deepEqual(specOf({ ...typed, source: 'role' }).credentials, { source: 'role', roleArn: typed.roleArn });
    assert.equal('prefix' in specOf({ ...typed, prefix: '' }), false);
    for (const source of ['sealed', 'chain', 'profile', 'role'] as const) {
      assert.deepEqual(parseLocationSpec(specOf({ ...typed, source })), specOf({ ...typed, source }));
    }
  });

  it('M6: says of no spec what the secret key is, and hands keys over where they were typed alone', async () => {
    const handed: string[] = [];
    const daemon = {
      sendSecret: async (bytes: Uint8Array): Promise<SecretRef> => {
        handed.push(Buffer.from(bytes).toString());
        return { secretId: 1 };
      },
    };
    for (const source of ['chain', 'profile', 'role'] as const) {
      assert.equal(keysOf({ ...typed, source }), undefined);
      assert.deepEqual(await secretOfKeys(daemon, { ...typed, source }), {});
    }
    assert.deepEqual(handed, []);
    assert.ok('keys' in (await secretOfKeys(daemon, typed)));
    assert.deepEqual(handed, ['{"accessKeyId":"AKIDEXAMPLE","secretAccessKey":"very-secret"}']);
    assert.deepEqual(keysOf({ ...typed, sessionToken: 'for-an-hour' }), {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'very-secret',
      sessionToken: 'for-an-hour',
    });
    assert.doesNotMatch(JSON.stringify(specOf({ ...typed, sessionToken: 'for-an-hour' })), /very-secret|AKID|hour/);
  });

  it('begins as the bucket that there is, with nothing that is a secret', () => {
    for (const source of ['sealed', 'chain', 'profile', 'role'] as const) {
      for (const isAws of [true, false]) {
        const { kind: _kind, ...spec } = specOf({ ...typed, source, isAws });
        const draft = draftOf(spec);
        assert.deepEqual(specOf(draft), { kind: 's3', ...spec });
        assert.deepEqual([draft.accessKeyId, draft.secretAccessKey, draft.sessionToken], ['', '', '']);
      }
    }
  });

  it('refuses while typing exactly what the daemon would refuse', () => {
    const fields = ['endpoint', 'bucket', 'region', 'prefix'] as const;
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('vault', 'http://127.0.0.1:1', 'https://s3.example.com', 'a/b', 'a//b', 'xn--a', 'eu-west-1'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...fields), text, (field, value) => {
        const spec = { ...specOf({ ...typed, prefix: 'p' }), [field]: value };
        const isTaken = fieldProblem(field, value) === undefined;
        if (isTaken) parseLocationSpec(spec);
        else assert.throws(() => parseLocationSpec(spec));
      }),
    );
  });

  it('says what is wrong as a sentence', () => {
    assert.equal(fieldProblem('bucket', 'No Bucket'), 'A bucket has 3 to 63 lower-case letters, digits, dots and hyphens.');
    assert.match(fieldProblem('endpoint', 'http://10.0.0.1') ?? '', /^The endpoint with plain http must be a loopback address/);
    assert.match(fieldProblem('roleArn', 'role') ?? '', /^The role must be an ARN/);
    assert.match(fieldProblem('profile', 'a b') ?? '', /^The profile has no name/);
    assert.match(fieldProblem('prefix', 'a\u202e') ?? '', /^A prefix has a-z/);
  });

  it('M6: says of a key that can be none why, and nothing of it', () => {
    assert.equal(keyProblem('abc', 3), undefined);
    for (const bad of ['a b', 'a\n', 'ä', 'abcd']) {
      const problem = keyProblem(bad, 3) ?? '';
      assert.match(problem, /^It /);
      assert.equal(problem.includes(bad), false);
    }
  });
});
