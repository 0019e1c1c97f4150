import assert from 'node:assert/strict';
import type { KeyProblemKind } from '../../../../../daemon/keys/agent/keyProblem.ts';
import { openAwsKms } from '../../../../../daemon/keys/passkeys/awsKms/awsKmsKey.ts';
import { accessTo, givenSecrets, newBinding, openAt, problemOf } from '../../../../support/kmsBench.ts';
import { KmsWireServer, type WireKey } from '../../../../support/servers/kmsWire.ts';

const open = async (keyId: string, region: string, endpoint: string | null): Promise<unknown> =>
  await openAwsKms({ kind: 'awsKms', keyId, region }, accessTo(endpoint), givenSecrets);

describe('a key of AWS KMS that is looked at', () => {
  let wire: KmsWireServer;
  beforeEach(async () => {
    wire = await KmsWireServer.start();
  });
  afterEach(async () => await wire[Symbol.asyncDispose]());

  const describeAt = async (keyId: string): Promise<unknown> => await (await openAt(wire, keyId)).describe();

  it('tells whether it rotates by itself, and null where that may not be read', async () => {
    const key = wire.createKey({ rotates: true });
    const facts = { kind: 'awsKms', keyArn: key.arn, alias: null, region: wire.region, state: 'Enabled', deletionDate: null };
    assert.deepEqual(await describeAt(key.arn), { ...facts, rotatesItself: true });
    wire.denied.add('GetKeyRotationStatus');
    assert.deepEqual(await describeAt(key.arn), { ...facts, rotatesItself: null });
  });

  it('D6: is told with its state where it is disabled or going to be deleted, and not refused for it', async () => {
    const key = wire.createKey({ state: 'PendingDeletion', deletionDate: new Date('2031-02-03T04:05:06Z') });
    const facts = { kind: 'awsKms', keyArn: key.arn, alias: null, region: wire.region, rotatesItself: false };
    assert.deepEqual(await describeAt(key.arn), { ...facts, state: 'PendingDeletion', deletionDate: '2031-02-03T04:05:06.000Z' });
    key.state = 'Disabled';
    key.deletionDate = undefined;
    assert.deepEqual(await describeAt(key.arn), { ...facts, state: 'Disabled', deletionDate: null });
  });

  for (const [title, key, words] of [
    ['of an asymmetric kind', { spec: 'RSA_2048' }, /RSA_2048/],
    ['for message authentication', { spec: 'HMAC_256', usage: 'GENERATE_VERIFY_MAC' }, /HMAC_256/],
    ['symmetric but for another use', { usage: 'SIGN_VERIFY' }, /encrypts/],
    ['AWS’s own', { manager: 'AWS' }, /managed by AWS/],
  ] as const satisfies readonly (readonly [string, Partial<WireKey>, RegExp])[]) {
    it(`is refused where it is ${title}, for looking and for wrapping`, async () => {
      const { arn } = wire.createKey(key);
      const problem = await problemOf(describeAt(arn));
      assert.equal(problem.kind, 'wrongKeyType');
      assert.match(problem.reason, words);
      assert.equal((await problemOf((await openAt(wire, arn)).wrap(Buffer.alloc(41), newBinding()))).kind, 'wrongKeyType');
      assert.ok(!wire.actions().includes('Encrypt'));
    });
  }

  it('is judged by its kind where the service does not say its use', async () => {
    const { arn } = wire.createKey({ usage: undefined });
    assert.ok(await describeAt(arn));
  });

  it('wraps nothing where its imported material expires, and the date is told', async () => {
    const { arn } = wire.createKey({ origin: 'EXTERNAL', expiresAt: new Date('2031-02-03T04:05:06Z') });
    const problem = await problemOf((await openAt(wire, arn)).wrap(Buffer.alloc(41), newBinding()));
    assert.equal(problem.kind, 'wrongKeyType');
    assert.match(problem.reason, /2031-02-03/);
    const kept = wire.createKey({ origin: 'EXTERNAL' });
    assert.equal((await (await openAt(wire, kept.arn)).wrap(Buffer.alloc(41), newBinding())).kind, 'awsKms');
  });

  for (const [title, keyId, region, endpoint, kind, words] of [
    [
      'an ARN of another region',
      'arn:aws:kms:eu-west-1:111122223333:key/00000000-1111-4222-8333-444444444444',
      'eu-west-2',
      null,
      'keyMissing',
      /eu-west-1, not in eu-west-2/,
    ],
    [
      'an alias of another region',
      'arn:aws:kms:eu-west-1:111122223333:alias/a',
      'eu-west-2',
      null,
      'keyMissing',
      /eu-west-1, not in eu-west-2/,
    ],
    ['a region that is a host', 'alias/a', 'evil.example.com/', null, 'keyMissing', /region/],
    ['a key without a form', 'my key', 'eu-west-1', null, 'keyMissing', /no id, ARN or alias/],
    ['plain http to another machine', 'alias/a', 'eu-west-1', 'http://kms.example.com', 'unreachable', /https/],
    ['a metadata service', 'alias/a', 'eu-west-1', 'https://169.254.169.254', 'unreachable', /metadata/],
  ] as const satisfies readonly (readonly [string, string, string, string | null, KeyProblemKind, RegExp])[]) {
    it(`C9: nothing is sent to ${title}`, async () => {
      const problem = await problemOf(open(keyId, region, endpoint));
      assert.equal(problem.kind, kind);
      assert.match(problem.reason, words);
    });
  }

  it('C9: is not believed to be another than the one that was asked for', async () => {
    const key = wire.createKey();
    const other = wire.createKey();
    const { arn } = key;
    wire.lie = ({ action }, truth) => (action === 'DescribeKey' ? { body: truth.body.replaceAll(key.id, other.id) } : undefined);
    for (const name of [arn, key.id]) assert.equal((await problemOf(describeAt(name))).kind, 'badAnswer');
    wire.lie = (_, truth) => ({ body: truth.body.replaceAll(wire.region, 'eu-other-1') });
    assert.match((await problemOf(describeAt(key.id))).reason, /in region eu-other-1, not in eu-test-1/);
    for (const body of ['{}', '{"KeyMetadata":{}}', '{"KeyMetadata":{"Arn":7}}', '{"KeyMetadata":[]}', '{"KeyMetadata":"x"}']) {
      wire.lie = () => ({ body });
      assert.equal((await problemOf(describeAt(arn))).kind, 'badAnswer', body);
    }
  });
});
