import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { DrKey } from '../../../../daemon/keys/dr/drKey.ts';
import { DrPassphrase } from '../../../../daemon/keys/dr/drPassphrase.ts';
import { drSalt, drScryptParameters } from '../../../../daemon/keys/dr/drScrypt.ts';
import { decodeDrSlot, type DrSlot, longestDrSlot } from '../../../../daemon/keys/dr/drSlot.ts';
import { slotOpenedBy } from '../../../../daemon/keys/dr/samePassphrase.ts';
import { sealWithGcmSiv } from '../../../../daemon/keys/gcmSiv.ts';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { contextOfSlot } from '../../../../daemon/keys/slot.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type InstallationId, uuidBytes } from '../../../../protocol/ids.ts';
import { FakeScrypt } from '../support/fakeScrypt.ts';
import { createdAt, installationId, newSlot, utf8, vaultSlot } from '../support/keyrings.ts';

const otherInstallation: InstallationId = idOf('99999999-4b5a-4978-8695-a4b3c2d1e0ff');

async function derive(passphrase: string, of: InstallationId = installationId): Promise<DrPassphrase> {
  return await DrPassphrase.derive({ installationId: of, passphrase: utf8(passphrase), scrypt: new FakeScrypt() });
}

function bytesOf(drKey: DrKey): string {
  return Buffer.from(drKey.wrapPlaintext()).toString('hex');
}

function isWrong(error: unknown): boolean {
  return (
    HoldfastError.is(error, 'wrongSecret') && error.message === 'Failed to open the disaster recovery key: the DR passphrase is wrong.'
  );
}

function refuses(slotJson: string | Uint8Array, of: InstallationId = installationId): void {
  assert.throws(
    () => decodeDrSlot(Buffer.from(slotJson), of),
    (error) => HoldfastError.is(error, 'damaged'),
  );
}

describe('a DR passphrase', () => {
  const drKey = DrKey.generate(installationId);
  let right: DrPassphrase;
  let slot: DrSlot;
  let json: Uint8Array;
  before(async () => {
    right = await derive('right');
    json = right.wrap(drKey, createdAt);
    slot = decodeDrSlot(json, installationId);
  });

  it('D4: opens the slot that it made, by one derivation with the parameters and the salt of the page', async () => {
    const scrypt = new FakeScrypt();
    using passphrase = await DrPassphrase.derive({ installationId, passphrase: utf8('right'), scrypt });
    using opened = passphrase.open(slot);
    assert.equal(bytesOf(opened), bytesOf(drKey));
    assert.deepEqual(opened.drkId, drKey.drkId);
    passphrase.nameKey();
    const salt = createHash('sha256').update('holdfast/dr/v1').update(uuidBytes(installationId)).digest();
    assert.deepEqual(scrypt.salts, [salt.toString('base64')]);
    const { N, r, p } = slot.reference;
    assert.deepEqual([N, r, p, slot.reference.salt], [2 ** 18, 8, 1, salt.toString('base64')]);
    assert.equal(slot.createdAt, createdAt.toISOString());
  });

  it('D4: that is wrong, of another installation or of impossible form is answered by one sentence, as a slot that was changed is', async () => {
    using wrong = await derive('wrong');
    using other = await derive('right', otherInstallation);
    const changed = (member: 'wrapped' | 'drkId', at: number): DrSlot => {
      const bytes = Buffer.from(slot[member], 'base64');
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return { ...slot, [member]: bytes.toString('base64') };
    };
    for (const open of [
      () => wrong.open(slot),
      () => other.open(slot),
      () => right.open(changed('wrapped', 0)),
      () => right.open(changed('wrapped', 52)),
      () => right.open(changed('drkId', 3)),
      () => right.open({ ...slot, slotId: idOf('99999999-8888-4777-8666-555555555555') }),
    ]) {
      assert.throws(open, isWrong);
    }
    for (const typed of [new Uint8Array(0), Uint8Array.of(0xff), new Uint8Array(1025).fill(0x61)]) {
      await assert.rejects(DrPassphrase.derive({ installationId, passphrase: typed, scrypt: new FakeScrypt() }), isWrong);
    }
  });

  it('C7: a slot that wraps another key than it names opens nothing', async () => {
    const derived = await new FakeScrypt().derive(utf8('right'), drSalt(installationId), drScryptParameters, 96);
    const slotNaming = (key: DrKey): DrSlot => {
      const drkId = Buffer.from(key.drkId).toString('base64');
      const { slotId, kind, reference } = slot;
      const context = contextOfSlot({ installationId, keyId: drkId, slotId, kind, scrypt: reference });
      const wrapped = sealWithGcmSiv(derived.subarray(0, 32), context, drKey.wrapPlaintext());
      return { ...slot, drkId, wrapped: Buffer.from(wrapped).toString('base64') };
    };
    assert.equal(bytesOf(right.open(slotNaming(drKey))), bytesOf(drKey));
    assert.equal(right.tryToOpen(slotNaming(DrKey.generate(installationId))), undefined);
  });

  it('is taken in NFC, and may not be set with control characters or with spaces around it', async () => {
    using composed = await derive('\u00e9t\u00e9');
    using decomposed = await derive('e\u0301te\u0301');
    assert.equal(bytesOf(decomposed.open(decodeDrSlot(composed.wrap(drKey, createdAt), installationId))), bytesOf(drKey));
    for (const text of [' right', 'right ', 'a\u0007b']) {
      const request = { installationId, passphrase: utf8(text), scrypt: new FakeScrypt() };
      await assert.rejects(DrPassphrase.deriveNew(request), (error) => HoldfastError.is(error, 'badValue'));
    }
    using set = await DrPassphrase.deriveNew({ installationId, passphrase: utf8('right'), scrypt: new FakeScrypt() });
    assert.equal(bytesOf(set.open(slot)), bytesOf(drKey));
  });

  it('C5: a slot with any bit flipped is refused or opens nothing', () => {
    fc.assert(
      fc.property(fc.nat({ max: json.length * 8 - 1 }), (bit) => {
        const flipped = Buffer.from(json);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        try {
          const read = decodeDrSlot(flipped, installationId);
          // The time is a claim that nothing binds.
          if (read.createdAt === slot.createdAt) assert.equal(right.tryToOpen(read), undefined);
        } catch (error) {
          if (!HoldfastError.is(error, 'damaged')) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });

  it('M1 C7: slots of another form, of other parameters or of another installation are refused before anything is derived', () => {
    const { reference } = slot;
    const bad: readonly object[] = [
      { ...slot, reference: { ...reference, N: 2 ** 17 } },
      { ...slot, reference: { ...reference, N: 2 ** 19 } },
      { ...slot, reference: { ...reference, p: 2 } },
      { ...slot, reference: { ...reference, r: 16 } },
      { ...slot, reference: { ...reference, salt: Buffer.alloc(32).toString('base64') } },
      { ...slot, reference: { ...reference, commit: Buffer.alloc(31).toString('base64') } },
      { ...slot, reference: { ...reference, hint: 'x' } },
      { ...slot, kind: 'passphrase' },
      { ...slot, wrapped: Buffer.alloc(57).toString('base64') },
      { ...slot, drkId: Buffer.alloc(15).toString('base64') },
      { ...slot, createdAt: 'today' },
      { ...slot, more: 1 },
      { ...slot, slotId: undefined },
      { ...slot, 'x-long': 'x'.repeat(longestDrSlot) },
    ];
    for (const one of bad) refuses(JSON.stringify(one));
    refuses(json, otherInstallation);
    refuses(Buffer.concat([json, Buffer.from('}')]));
    refuses('[1]');
    assert.deepEqual(structuredClone(decodeDrSlot(Buffer.from(JSON.stringify({ ...slot, 'x-more': 1 })), installationId)), slot);
    assert.throws(() => right.wrap(DrKey.generate(otherInstallation), createdAt), RangeError);
  });

  it('D4: is found to open a passkey too, by trying each of its sets once', async () => {
    using masterKey = MasterKey.generate(installationId);
    const making = new FakeScrypt();
    const slots = [vaultSlot, await newSlot(masterKey, 'one', making), await newSlot(masterKey, 'two', making)];
    const scrypt = new FakeScrypt();
    const same = (passphrase: string): Promise<string | undefined> =>
      slotOpenedBy({ installationId, slots, passphrase: utf8(passphrase), scrypt });
    assert.equal(await same('two'), slots[2]?.slotId);
    assert.equal(scrypt.count, 2);
    assert.equal(await same('three'), undefined);
    assert.equal(await same(''), undefined);
    assert.equal(scrypt.count, 4);
  });
});
