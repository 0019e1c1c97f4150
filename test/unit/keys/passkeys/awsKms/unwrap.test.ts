import assert from 'node:assert/strict';
import { longestPlaintext } from '../../../../../daemon/keys/agent/keyService.ts';
import type { AwsKmsSlot } from '../../../../../daemon/keys/slot.ts';
import { installationId, newBinding, openAt, problemOf, unwrapAt, wrapAt } from '../../../../support/kmsBench.ts';
import { KmsWireServer, type Lie, type WireKey } from '../../../../support/servers/kmsWire.ts';

const plaintext = Buffer.from('forty-one bytes that stand for a key here');

/** Changes a member of the answers to one action. */
function changing(action: string, member: string, value: unknown): Lie {
  return (request, truth) => {
    if (request.action !== action) return undefined;
    const body: unknown = JSON.parse(truth.body);
    return { body: JSON.stringify({ ...(typeof body === 'object' ? body : {}), [member]: value }) };
  };
}

describe('a slot of AWS KMS', () => {
  let wire: KmsWireServer;
  let key: WireKey;
  let slot: AwsKmsSlot;
  beforeEach(async () => {
    wire = await KmsWireServer.start();
    key = wire.createKey();
    slot = await wrapAt(wire, key.arn, plaintext);
  });
  afterEach(async () => await wire[Symbol.asyncDispose]());

  it('is wrapped with the exact key and context of the format', async () => {
    const binding = newBinding();
    await wrapAt(wire, key.id, plaintext, binding);
    assert.deepEqual(wire.requests.at(-1)?.input, {
      KeyId: key.arn,
      Plaintext: plaintext.toString('base64'),
      EncryptionContext: {
        app: 'holdfast',
        installationId,
        masterKeyId: '07070707070707070707070707070707',
        slotId: binding.slotId,
        purpose: 'wrap-master-key-v1',
      },
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    });
  });

  it('is unwrapped by one request, which names the recorded key and the same context', async () => {
    const wrapping = wire.requests.splice(0).at(-1)?.input ?? {};
    assert.deepEqual(Buffer.from(await unwrapAt(wire, slot)), plaintext);
    assert.deepEqual(wire.actions(), ['Decrypt']);
    const { KeyId, EncryptionContext } = wire.requests[0]?.input ?? {};
    assert.deepEqual([KeyId, EncryptionContext], [key.arn, wrapping['EncryptionContext']]);
  });

  it('C9: that names an alias in place of a key is asked about nowhere', async () => {
    wire.aliases.set('alias/a', key.id);
    wire.requests.splice(0);
    for (const keyArn of ['alias/a', key.arn.replace(/key\/.*$/, 'alias/a'), key.id]) {
      const led = { ...slot, reference: { ...slot.reference, keyArn } };
      assert.equal((await problemOf(unwrapAt(wire, led))).kind, 'notOurs', keyArn);
    }
    assert.equal((await problemOf((await openAt(wire, wire.createKey().arn)).unwrap(slot, installationId))).kind, 'notOurs');
    assert.deepEqual(wire.requests, []);
  });

  it('that another key wrapped, or nobody, is not ours', async () => {
    const other = wire.createKey();
    assert.equal((await problemOf(unwrapAt(wire, { ...slot, reference: { ...slot.reference, keyArn: other.arn } }))).kind, 'notOurs');
    assert.equal((await problemOf(unwrapAt(wire, { ...slot, wrapped: Buffer.alloc(90, 1).toString('base64') }))).kind, 'notOurs');
  });

  for (const [title, given] of [
    ['33 bytes', Buffer.alloc(33, 1)],
    ['another plaintext', Buffer.alloc(plaintext.length, 1)],
    ['an empty plaintext', Buffer.alloc(0)],
  ] as const) {
    it(`D7: hands ${title} on as it is, for the daemon to check`, async () => {
      wire.lie = changing('Decrypt', 'Plaintext', given.toString('base64'));
      assert.deepEqual(Buffer.from(await unwrapAt(wire, slot)), given);
    });
  }

  for (const [title, member, value] of [
    ['another key', 'KeyId', 'arn:aws:kms:eu-test-1:111122223333:key/00000000-1111-4222-8333-444444444444'],
    ['no key', 'KeyId', undefined],
    ['no plaintext', 'Plaintext', undefined],
    ['null', 'Plaintext', null],
    ['a number', 'Plaintext', 33],
    ['more than any slot holds', 'Plaintext', Buffer.alloc(longestPlaintext + 1).toString('base64')],
    ['a megabyte', 'Plaintext', 'A'.repeat(1 << 20)],
  ] as const) {
    it(`D7: an answer with ${title} is a bad one`, async () => {
      wire.lie = changing('Decrypt', member, value);
      assert.equal((await problemOf(unwrapAt(wire, slot))).kind, 'badAnswer');
    });
  }

  for (const [title, member, value] of [
    ['another key', 'KeyId', 'arn:aws:kms:eu-test-1:111122223333:key/00000000-1111-4222-8333-444444444444'],
    ['nothing wrapped', 'CiphertextBlob', undefined],
    ['an empty one', 'CiphertextBlob', ''],
    ['one that is longer than any', 'CiphertextBlob', Buffer.alloc(6145).toString('base64')],
  ] as const) {
    it(`D7: a wrapping with ${title} is a bad answer`, async () => {
      wire.lie = changing('Encrypt', member, value);
      assert.equal((await problemOf(wrapAt(wire, key.arn, plaintext))).kind, 'badAnswer');
    });
  }
});
