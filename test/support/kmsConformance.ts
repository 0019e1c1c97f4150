import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { CreateAliasCommand, CreateKeyCommand, type CreateKeyCommandInput, KMSClient } from '@aws-sdk/client-kms';
import { type InstallationId, idOf } from '../../protocol/ids.ts';
import { type KmsPlace, newBinding, openAt, problemOf, unwrapAt, wrapAt } from './kmsBench.ts';

/** What every server that answers as AWS KMS does: the fake of the wire and a server by somebody else are held to the same. */
export function kmsConformance(start: (context: Mocha.Context) => Promise<KmsPlace>): void {
  let place: KmsPlace;
  let client: KMSClient;
  const plaintext = Buffer.from('forty-one bytes that stand for a key here');

  const newKey = async (input: CreateKeyCommandInput = {}): Promise<{ readonly arn: string; readonly id: string }> => {
    const { KeyMetadata } = await client.send(new CreateKeyCommand(input));
    return { arn: KeyMetadata?.Arn ?? '', id: KeyMetadata?.KeyId ?? '' };
  };
  const newAlias = async (arn: string): Promise<string> => {
    const alias = `alias/test-${randomBytes(6).toString('hex')}`;
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }));
    return alias;
  };

  before(async function () {
    place = await start(this);
    client = new KMSClient({
      endpoint: place.endpoint,
      region: place.region,
      credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' },
    });
  });
  after(() => client.destroy());

  it('a key is found by its id, its ARN and its alias, and the ARN is told', async () => {
    const { arn, id } = await newKey();
    const alias = await newAlias(arn);
    for (const name of [arn, id, alias, arn.replace(/key\/.*$/, alias)]) {
      assert.deepEqual(await (await openAt(place, name)).describe(), {
        kind: 'awsKms',
        keyArn: arn,
        alias: name.includes('alias/') ? alias : null,
        region: place.region,
        state: 'Enabled',
        deletionDate: null,
        rotatesItself: false,
      });
    }
  });

  it('what was wrapped by an alias names the ARN, and is unwrapped where the alias names another key by then', async () => {
    const { arn } = await newKey();
    const alias = await newAlias(arn);
    const slot = await wrapAt(place, alias, plaintext);
    assert.deepEqual(slot.reference, { keyArn: arn, region: place.region });
    const other = await newKey();
    const moved = await (await openAt(place, arn)).act({ act: 'moveAlias', alias, keyArn: other.arn });
    assert.deepEqual([moved.kind === 'awsKms' && moved.keyArn, moved.kind === 'awsKms' && moved.alias], [other.arn, alias]);
    const now = await (await openAt(place, alias)).describe();
    assert.equal(now.kind === 'awsKms' && now.keyArn, other.arn);
    assert.deepEqual(Buffer.from(await unwrapAt(place, slot)), plaintext);
  });

  it('what was wrapped for another slot, master key or installation is not unwrapped', async () => {
    const { arn } = await newKey();
    const slot = await wrapAt(place, arn, plaintext);
    const { slotId } = newBinding();
    for (const changed of [
      { ...slot, slotId },
      { ...slot, masterKeyId: Buffer.alloc(16, 8).toString('base64') },
    ]) {
      assert.equal((await problemOf(unwrapAt(place, changed))).kind, 'notOurs');
    }
    const elsewhere = idOf<InstallationId>('a0000000-6d0e-4a5b-9c1d-2e3f4a5b6c7d');
    assert.equal((await problemOf((await openAt(place, arn)).unwrap(slot, elsewhere))).kind, 'notOurs');
  });

  it('a key that is not there is missing', async () => {
    const name = '00000000-1111-4222-8333-444444444444';
    assert.equal((await problemOf((await openAt(place, name)).describe())).kind, 'keyMissing');
    assert.equal((await problemOf((await openAt(place, 'alias/not-there')).describe())).kind, 'keyMissing');
  });

  it('a key of another kind is refused before anything is wrapped', async () => {
    const { arn } = await newKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    const mac = await newKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    for (const name of [arn, mac.arn]) {
      assert.equal((await problemOf((await openAt(place, name)).describe())).kind, 'wrongKeyType');
      assert.equal((await problemOf((await openAt(place, name)).wrap(plaintext, newBinding()))).kind, 'wrongKeyType');
    }
  });

  it('a successor has policy, description and tags of the old key, and is made once', async () => {
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Sid: 'mine', Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' }],
    });
    const { arn } = await newKey({ Policy: policy, Description: 'ours', Tags: [{ TagKey: 'team', TagValue: 'blue' }] });
    const tag = randomBytes(8).toString('hex');
    const key = await openAt(place, arn);
    const made = await key.act({ act: 'createSuccessor', tag, alias: null });
    assert.ok(made.kind === 'awsKms' && made.keyArn !== arn && made.state === 'Enabled');
    assert.deepEqual(await (await openAt(place, arn)).act({ act: 'createSuccessor', tag, alias: null }), made);
    assert.deepEqual(await key.act({ act: 'checkSuccessor', keyArn: made.keyArn }), made);
    const foreign = await newKey();
    assert.equal((await problemOf(key.act({ act: 'checkSuccessor', keyArn: foreign.arn }))).kind, 'notOurs');
    const again = await key.act({ act: 'createSuccessor', tag: `${tag}2`, alias: null });
    assert.ok(again.kind === 'awsKms' && again.keyArn !== made.keyArn);
  });

  it('a deletion is scheduled once, with its date', async () => {
    const { arn } = await newKey();
    const key = await openAt(place, arn);
    const facts = await key.act({ act: 'scheduleDeletion', days: 30 });
    assert.ok(facts.kind === 'awsKms' && facts.state === 'PendingDeletion' && facts.deletionDate !== null);
    assert.deepEqual(await key.act({ act: 'scheduleDeletion', days: 7 }), facts);
    const problem = await problemOf(key.wrap(plaintext, newBinding()));
    assert.deepEqual([problem.kind, problem.until], ['pendingDeletion', facts.deletionDate]);
  });
}
