import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fallsWith, type OutsideKey, outsideKeyOf } from '../../../../daemon/keys/gate/outsideKey.ts';
import { countWays, type WayIn } from '../../../../daemon/keys/gate/waysIn.ts';
import type { Slot } from '../../../../daemon/keys/slot.ts';
import { idOf, type SlotId } from '../../../../protocol/ids.ts';

const members = { keyEpoch: 1, masterKeyId: '', createdAt: '2026-03-01T00:00:00.000Z', wrapped: '' };

function keyAt(keyArn: string): OutsideKey {
  const slot: Slot = {
    ...members,
    slotId: idOf<SlotId>(randomUUID()),
    kind: 'awsKms',
    reference: { keyArn, region: keyArn.split(':')[3] ?? '' },
  };
  return outsideKeyOf(slot) ?? assert.fail();
}

function waysOf(...arns: readonly string[]): number {
  return countWays(
    arns.map((arn): WayIn => ({ slotId: idOf<SlotId>(randomUUID()), state: 'ready', isLeftOut: false, outsideKey: keyAt(arn) })),
  );
}

describe('a KMS key outside', () => {
  const multi = 'mrk-1234567890abcdef1234567890abcdef';
  const plain = '12345678-90ab-cdef-1234-567890abcdef';
  const first = `arn:aws:kms:eu-west-1:111122223333:key/${multi}`;

  for (const { title, second, isOne } of [
    { title: 'a replica of a multi-region key', second: `arn:aws:kms:us-east-1:111122223333:key/${multi}`, isOne: true },
    { title: 'the same ARN', second: first, isOne: true },
    { title: 'another multi-region key', second: first.replace('1234567890', '1234567891'), isOne: false },
    { title: 'a multi-region key of another account', second: first.replace('111122223333', '111122224444'), isOne: false },
    { title: 'one of another partition', second: first.replace('arn:aws:', 'arn:aws-cn:'), isOne: false },
    { title: 'a key of one region alone', second: `arn:aws:kms:eu-west-1:111122223333:key/${plain}`, isOne: false },
  ]) {
    it(`D3: ${title} is ${isOne ? 'the same way in, and is needed while the other one is' : 'a way in of its own'}`, () => {
      assert.equal(waysOf(first, second), isOne ? 1 : 2);
      assert.deepEqual([fallsWith(keyAt(first), keyAt(second)), fallsWith(keyAt(second), keyAt(first))], [isOne, isOne]);
    });
  }

  it('D3: keys of one region alone are two in two regions, whatever their id', () => {
    assert.equal(waysOf(`arn:aws:kms:eu-west-1:111122223333:key/${plain}`, `arn:aws:kms:us-east-1:111122223333:key/${plain}`), 2);
  });

  it('what a keyring names in another form is a key by its very text', () => {
    assert.equal(waysOf(`${first}/more`, `arn:aws:kms:us-east-1:111122223333:key/${multi}/more`), 2);
    assert.equal(waysOf(`x ${first}`, `x arn:aws:kms:us-east-1:111122223333:key/${multi}`), 2);
  });
});
