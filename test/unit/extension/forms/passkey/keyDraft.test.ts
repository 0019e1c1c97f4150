import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { regionOfArn, withKeyId } from '../../../../../extension/forms/passkey/key/awsKeyDraft.ts';
import { keyCredentials } from '../../../../../extension/forms/passkey/key/keyCredentials.ts';
import {
  awsFieldProblem,
  emptyKey,
  type KeyDraft,
  keySecretsOf,
  serviceKeyOf,
  shownTarget,
  vaultFieldProblem,
} from '../../../../../extension/forms/passkey/key/keyDraft.ts';
import { keyAccessSchema, keySecretsSchema, keyTargetSchema } from '../../../../../protocol/keyServices.ts';
import type { SecretRef } from '../../../../../protocol/method.ts';

const arn = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555';

const typed: KeyDraft = {
  kind: 'awsKms',
  aws: {
    keyId: arn,
    region: 'eu-west-1',
    endpoint: '',
    source: 'chain',
    profile: 'work',
    roleArn: 'arn:aws:iam::123456789012:role/holdfast',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'very-secret',
    sessionToken: '',
  },
  vault: {
    address: 'https://vault.example.com:8200',
    namespace: '',
    mount: 'transit',
    key: 'holdfast',
    method: 'tokenFile',
    tokenFile: '/run/vault/token',
    roleId: 'role-id',
    secretIdFile: '/etc/secret-id',
    jwtFile: '/var/run/jwt',
    jwtRole: 'backup',
    jwtMount: 'kubernetes',
    token: 'hvs.very-secret',
    caFile: '/etc/ca.pem',
  },
};
const vault: KeyDraft = { ...typed, kind: 'vaultTransit' };
const sources = ['chain', 'profile', 'role', 'given'] as const;
const methods = ['tokenFile', 'appRole', 'jwt', 'environment', 'given'] as const;

describe('a key outside as a form has it', () => {
  it('is what the daemon takes, with what the answers call for and nothing else of what was typed', () => {
    assert.equal(serviceKeyOf(emptyKey), undefined);
    const drafts = [
      ...sources.map((source): KeyDraft => ({ ...typed, aws: { ...typed.aws, source } })),
      ...methods.map((method): KeyDraft => ({ ...vault, vault: { ...vault.vault, method } })),
    ];
    for (const draft of drafts) {
      const key = serviceKeyOf(draft) ?? assert.fail('a key outside');
      assert.deepEqual(keyTargetSchema.parse(key.target), key.target);
      assert.deepEqual(keyAccessSchema.parse(key.access), key.access);
    }
    assert.deepEqual(serviceKeyOf({ ...typed, aws: { ...typed.aws, source: 'role' } })?.access, {
      kind: 'awsKms',
      endpoint: null,
      credentials: { source: 'role', roleArn: typed.aws.roleArn },
    });
    assert.deepEqual(serviceKeyOf({ ...vault, vault: { ...vault.vault, method: 'jwt' } })?.access, {
      kind: 'vaultTransit',
      login: { method: 'jwt', jwtFile: '/var/run/jwt', role: 'backup', mount: 'kubernetes' },
      caFile: '/etc/ca.pem',
    });
  });

  it('has no authority of certificates where there is no certificate', () => {
    const plain = serviceKeyOf({ ...vault, vault: { ...vault.vault, address: 'http://127.0.0.1:8200' } });
    assert.ok(plain?.access.kind === 'vaultTransit' && plain.access.caFile === null);
  });

  it('M6: says of no target and no access what a secret is, and hands secrets over where they were typed alone', async () => {
    const handed: string[] = [];
    const daemon = {
      sendSecret: async (bytes: Uint8Array): Promise<SecretRef> => {
        handed.push(Buffer.from(bytes).toString());
        return { secretId: 1 };
      },
    };
    for (const source of sources) {
      const draft: KeyDraft = { ...typed, aws: { ...typed.aws, source } };
      assert.doesNotMatch(JSON.stringify(serviceKeyOf(draft)), /very-secret|AKID/);
      assert.equal('credentials' in (await keyCredentials(daemon, draft)), source === 'given');
    }
    for (const method of methods) {
      const draft: KeyDraft = { ...vault, vault: { ...vault.vault, method } };
      assert.doesNotMatch(JSON.stringify(serviceKeyOf(draft)), /very-secret/);
      assert.equal('credentials' in (await keyCredentials(daemon, draft)), method === 'given');
    }
    assert.deepEqual(handed, [
      '{"kind":"awsKms","accessKeyId":"AKIDEXAMPLE","secretAccessKey":"very-secret"}',
      '{"kind":"vaultTransit","token":"hvs.very-secret"}',
    ]);
    for (const text of handed) assert.ok(keySecretsSchema.safeParse(JSON.parse(text)).success);
    const temporary: KeyDraft = { ...typed, aws: { ...typed.aws, source: 'given', sessionToken: 'for-an-hour' } };
    assert.deepEqual(keySecretsOf(temporary), {
      kind: 'awsKms',
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'very-secret',
      sessionToken: 'for-an-hour',
    });
  });

  it('takes the region from an ARN, and leaves what was typed where there is none', () => {
    assert.equal(regionOfArn(arn), 'eu-west-1');
    assert.equal(withKeyId({ ...typed.aws, region: 'us-east-1' }, arn).region, 'eu-west-1');
    assert.equal(withKeyId({ ...typed.aws, region: 'us-east-1' }, 'alias/backup').region, 'us-east-1');
    for (const none of ['', 'alias/a', 'arn:aws:s3:eu-west-1:1:x', 'arn:aws:kms']) assert.equal(regionOfArn(none), undefined);
  });

  it('says while it is typed what the daemon would not take, and nothing of what it takes', () => {
    const good = [
      awsFieldProblem('keyId', 'alias/backup'),
      awsFieldProblem('keyId', arn),
      awsFieldProblem('region', 'eu-west-1'),
      awsFieldProblem('endpoint', 'http://127.0.0.1:9000'),
      awsFieldProblem('profile', 'work'),
      awsFieldProblem('roleArn', typed.aws.roleArn),
      vaultFieldProblem('address', 'https://vault.example.com'),
      vaultFieldProblem('namespace', 'team/backups'),
      vaultFieldProblem('mount', 'transit'),
      vaultFieldProblem('key', 'holdfast'),
      vaultFieldProblem('roleId', 'x'),
      vaultFieldProblem('jwtRole', 'backup'),
      vaultFieldProblem('jwtMount', 'jwt'),
      vaultFieldProblem('caFile', '/etc/ca.pem'),
    ];
    assert.deepEqual(
      good.filter((problem) => problem !== undefined),
      [],
    );
    for (const [problem, words] of [
      [awsFieldProblem('keyId', 'backup'), /^The key must be an id/],
      [awsFieldProblem('region', 'Europe!'), /^The region must be/],
      [awsFieldProblem('endpoint', 'http://kms.example.com'), /loopback/],
      [awsFieldProblem('profile', ''), /profile/],
      [awsFieldProblem('roleArn', 'holdfast'), /^The role must be an ARN/],
      [vaultFieldProblem('address', 'http://vault.example.com'), /loopback/],
      [vaultFieldProblem('namespace', 'a//b'), /mount/],
      [vaultFieldProblem('key', 'a/b'), /^A Vault key has/],
      [vaultFieldProblem('tokenFile', 'token'), /absolute path/],
      [vaultFieldProblem('jwtMount', '../x'), /mount/],
    ] as const) {
      assert.match(problem ?? '', words);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        const isTaken = keyTargetSchema.safeParse({ kind: 'awsKms', keyId: text, region: 'eu-west-1' }).success;
        assert.equal(awsFieldProblem('keyId', text) === undefined, isTaken);
      }),
    );
  });

  it('is shown as one looks for it', () => {
    assert.deepEqual(
      [typed, vault].map((draft) => shownTarget(serviceKeyOf(draft)?.target ?? assert.fail('a key outside'))),
      [`${arn} in eu-west-1`, 'transit/holdfast at https://vault.example.com:8200'],
    );
  });
});
