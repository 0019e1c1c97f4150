import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { noHeads } from '../../support/noHeads.ts';
import { DrKey } from '../../../daemon/keys/dr/drKey.ts';
import {
  decodeKeyring,
  encodeKeyring,
  hasRecoveryMac,
  isAuthenticKeyring,
  isRecoveryKeyring,
  type KeyringBody,
} from '../../../daemon/keys/keyring.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import type { PassphraseSlot } from '../../../daemon/keys/slot.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, uuidBytes } from '../../../protocol/ids.ts';
import { FakeScrypt } from './support/fakeScrypt.ts';
import { createdAt, installationId, newKeyring, newSlot, storeId, vaultSlot } from './support/keyrings.ts';

const masterKey = MasterKey.generate(installationId);
const objectId = Buffer.alloc(16, 0xab);

/** The bytes with another body (and its length), all else as it was. */
function withBody(json: string | Uint8Array): Uint8Array {
  const body = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([newKeyring(masterKey, 1, [vaultSlot]).subarray(0, 128), length, body, Buffer.alloc(64)]);
}

function refuses(bytes: Uint8Array, cause: RegExp, code: 'damaged' | 'unsupportedFormat' = 'damaged'): void {
  assert.throws(
    () => decodeKeyring(bytes, installationId),
    (error) => HoldfastError.is(error, code) && cause.test(error.message),
  );
}

function bodyJson(change: (body: Record<string, unknown>) => unknown, slots: readonly unknown[] = []): string {
  return JSON.stringify(change({ keyEpoch: 1, createdAt: createdAt.toISOString(), heads: noHeads, slots }));
}

describe('a keyring', () => {
  let slot: PassphraseSlot;
  before(async () => {
    slot = await newSlot(masterKey, 'passphrase', new FakeScrypt());
  });

  it('C1: has the bytes of docs/format.md, The keyring object', () => {
    const body: KeyringBody = { keyEpoch: 1, createdAt: createdAt.toISOString(), heads: noHeads, slots: [slot], unknownSlots: [] };
    const bytes = Buffer.from(encodeKeyring({ objectId, sequence: 0x0102, storeId }, body, masterKey));
    const bodyLength = bytes.readUInt32LE(128);
    const header = Buffer.concat([
      Buffer.from('HOLDFAST'),
      Buffer.of(1, 0, 1, 0, 6, 0, 128, 0),
      Buffer.alloc(8),
      uuidBytes(installationId),
      masterKey.masterKeyId,
      Buffer.alloc(16),
      objectId,
      Buffer.of(2, 1, 0, 0, 0, 0, 0, 0),
      uuidBytes(storeId),
      Buffer.alloc(16),
    ]);
    assert.deepEqual(bytes.subarray(0, 128), header);
    const json: unknown = JSON.parse(bytes.subarray(132, 132 + bodyLength).toString());
    assert.deepEqual(json, { keyEpoch: 1, createdAt: '2026-01-02T03:04:05.678Z', heads: noHeads, slots: [slot] });
    const mac = createHmac('sha256', masterKey.keyringMac())
      .update(Buffer.of(1))
      .update(bytes.subarray(0, 132 + bodyLength))
      .digest();
    assert.deepEqual(bytes.subarray(132 + bodyLength), Buffer.concat([mac, Buffer.alloc(32)]));
  });

  it('comes back as it was written, slots of kinds that are not known yet included', () => {
    const unknown = { kind: 'passkeyOfTomorrow', slotId: 'anything', secret: [1, { deep: true }] };
    const head = { sequence: 9, sha256: Buffer.alloc(32, 9).toString('base64') };
    const body: KeyringBody = {
      keyEpoch: 1,
      createdAt: createdAt.toISOString(),
      heads: { policies: { [idOf('01234567-89ab-4cde-8f01-23456789abcd')]: head }, keyring: head, term: null },
      slots: [slot, vaultSlot],
      unknownSlots: [unknown],
    };
    const read = decodeKeyring(encodeKeyring({ objectId, sequence: 7, storeId }, body, masterKey), installationId);
    assert.deepEqual(structuredClone(read.body), body);
    assert.equal(read.sequence, 7);
    assert.equal(read.storeId, storeId);
    assert.ok(isAuthenticKeyring(read, masterKey));
  });

  it('C5: with any bit flipped it is refused or not authentic', () => {
    const bytes = newKeyring(masterKey, 3, [slot]);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        try {
          assert.ok(!isAuthenticKeyring(decodeKeyring(flipped, installationId), masterKey));
        } catch (error) {
          if (!HoldfastError.is(error)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('C6: cut or lengthened anywhere it is refused', () => {
    const bytes = newKeyring(masterKey, 3, [slot]);
    for (let length = 0; length < bytes.length; length += 7) refuses(bytes.subarray(0, length), /too short|length/);
    refuses(Buffer.concat([bytes, Buffer.alloc(1)]), /length/);
    refuses(new Uint8Array(64 * 1024 + 1), /more than 65536 bytes/);
  });

  it('C9: one that another master key wrote is not authentic, whatever id it claims', () => {
    using foreign = MasterKey.generate(installationId);
    const bytes = newKeyring(foreign, 3, [slot]);
    assert.ok(!isAuthenticKeyring(decodeKeyring(bytes, installationId), masterKey));
    bytes.set(masterKey.masterKeyId, 40);
    assert.ok(!isAuthenticKeyring(decodeKeyring(bytes, installationId), masterKey));
    using laterEpoch = MasterKey.fromBytes(installationId, 2, masterKey.wrapPlaintext().slice(9));
    assert.ok(!isAuthenticKeyring(decodeKeyring(newKeyring(masterKey, 3, [vaultSlot]), installationId), laterEpoch));
  });

  it('C1 C5: has the scope and the MAC of the recovery key while that is on, and any bit flipped breaks them', () => {
    using drKey = DrKey.generate(installationId);
    const body: KeyringBody = { keyEpoch: 1, createdAt: createdAt.toISOString(), heads: noHeads, slots: [slot], unknownSlots: [] };
    const bytes = Buffer.from(encodeKeyring({ objectId, sequence: 2, storeId }, body, masterKey, drKey));
    assert.deepEqual(bytes.subarray(56, 72), Buffer.from(drKey.drkId));
    const covered = bytes.subarray(0, -64);
    const mac = createHmac('sha256', drKey.keyringDrMac()).update(Buffer.of(2)).update(covered).digest();
    assert.deepEqual(bytes.subarray(-32), mac);
    const keyring = decodeKeyring(bytes, installationId);
    assert.ok(isAuthenticKeyring(keyring, masterKey) && isRecoveryKeyring(keyring, drKey) && hasRecoveryMac(keyring));
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        try {
          const read = decodeKeyring(flipped, installationId);
          assert.ok(!(isRecoveryKeyring(read, drKey) && isAuthenticKeyring(read, masterKey)));
        } catch (error) {
          if (!HoldfastError.is(error)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('C7: is none of a recovery key’s where it was written without it, under another one, or for another installation', () => {
    using drKey = DrKey.generate(installationId);
    using other = DrKey.generate(installationId);
    const body: KeyringBody = { keyEpoch: 1, createdAt: createdAt.toISOString(), heads: noHeads, slots: [slot], unknownSlots: [] };
    const identity = { objectId, sequence: 2, storeId };
    const plain = decodeKeyring(encodeKeyring(identity, body, masterKey), installationId);
    assert.ok(!isRecoveryKeyring(plain, drKey) && !hasRecoveryMac(plain));
    assert.ok(!isRecoveryKeyring(decodeKeyring(encodeKeyring(identity, body, masterKey, other), installationId), drKey));
    const renamed = Buffer.from(encodeKeyring(identity, body, masterKey, other));
    renamed.set(drKey.drkId, 56);
    assert.ok(!isRecoveryKeyring(decodeKeyring(renamed, installationId), drKey));
    renamed.set(
      createHmac('sha256', other.keyringDrMac()).update(Buffer.of(2)).update(renamed.subarray(0, -64)).digest(),
      renamed.length - 32,
    );
    assert.ok(!isRecoveryKeyring(decodeKeyring(renamed, installationId), other));
    using foreign = DrKey.generate(idOf('01234567-89ab-4cde-8f01-23456789abcd'));
    assert.throws(() => encodeKeyring(identity, body, masterKey, foreign), RangeError);
  });

  it('refuses headers that are not a keyring’s, and says when a newer program wrote them', () => {
    const changed = (at: number, value: number): Uint8Array => newKeyring(masterKey, 1, [vaultSlot]).with(at, value);
    refuses(changed(0, 0x68), /HOLDFAST/);
    refuses(changed(8, 2), /version 2/, 'unsupportedFormat');
    refuses(changed(10, 9), /suite 9/, 'unsupportedFormat');
    refuses(changed(16, 1), /features/, 'unsupportedFormat');
    refuses(changed(12, 1), /type 1/);
    refuses(changed(14, 192), /length of its header/);
    refuses(changed(20, 1), /key generation/);
    refuses(changed(24, 0), /another installation/);
    refuses(changed(88, 0), /sequence/);
    refuses(changed(95, 1), /sequence/);
    refuses(changed(112, 1), /reserved/);
    refuses(changed(newKeyring(masterKey, 1, [vaultSlot]).length - 1, 1), /recovery MAC/);
  });

  it('M2: refuses bodies with unknown, missing, doubled or dangerous members, deep ones and other encodings', () => {
    refuses(withBody(bodyJson((body) => ({ ...body, extra: 1 }))), /extra/);
    refuses(withBody(bodyJson(({ keyEpoch, createdAt: time, slots }) => ({ keyEpoch, createdAt: time, slots }))), /heads/);
    refuses(withBody(bodyJson((body) => body).replace('{', '{"keyEpoch":1,')), /twice/);
    refuses(withBody(bodyJson((body) => body).replace('{', '{"__proto__":{},')), /__proto__/);
    refuses(withBody(`\uFEFF${bodyJson((body) => body)}`), /unexpected/);
    refuses(
      withBody(
        Buffer.from(
          bodyJson((body) => body),
          'utf16le',
        ),
      ),
      /UTF-8|unexpected/,
    );
    refuses(withBody('['.repeat(30_000)), /deeper/);
    refuses(withBody(bodyJson((body) => ({ ...body, heads: { ...noHeads, policies: { 'NOT-A-UUID': null } } }))), /heads/);
    for (const keyEpoch of [0, -1, 1.5, 2 ** 32, '1', null])
      refuses(withBody(bodyJson((body) => ({ ...body, keyEpoch }))), /keyEpoch|plain integer/);
    for (const time of ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.678+00:00', '2026-02-30T03:04:05.678Z', 0]) {
      refuses(withBody(bodyJson((body) => ({ ...body, createdAt: time }))), /createdAt/);
    }
  });

  it('skips members that begin with x- wherever unknown ones refuse', () => {
    const { reference } = slot;
    const extended = { ...slot, 'x-note': 1, reference: { ...reference, 'x-note': 2 } };
    const bytes = withBody(
      bodyJson((body) => ({ ...body, 'x-note': { any: 1 }, heads: { ...noHeads, 'x-note': 3, policies: { 'x-note': 4 } } }), [extended]),
    );
    assert.deepEqual(structuredClone(decodeKeyring(bytes, installationId).body.slots), [slot]);
  });

  it('M5 C9: refuses slots with weak or greedy parameters, odd base64 or unknown members, and more than 32 of them', () => {
    const { reference } = slot;
    const bad: readonly object[] = [
      { ...slot, reference: { ...reference, N: 2 ** 16 } },
      { ...slot, reference: { ...reference, N: 2 ** 30 } },
      { ...slot, reference: { ...reference, r: 16 } },
      { ...slot, reference: { ...reference, p: 1000 } },
      { ...slot, reference: { ...reference, salt: Buffer.alloc(16).toString('base64') } },
      { ...slot, reference: { ...reference, commit: `${reference.commit.slice(0, -2)}B=` } },
      { ...slot, reference: { ...reference, hint: 'x' } },
      { ...slot, wrapped: slot.wrapped.slice(0, -4) },
      { ...slot, masterKeyId: slot.masterKeyId.replace('==', '') },
      { ...slot, slotId: slot.slotId.toUpperCase().replace(/^./, 'F') },
      { ...slot, extra: null },
      { ...vaultSlot, reference: { ...vaultSlot.reference, token: 'x' } },
    ];
    for (const one of bad) refuses(withBody(bodyJson((body) => body, [one])), /in a slot/);
    refuses(
      withBody(
        bodyJson(
          (body) => body,
          Array.from({ length: 33 }, () => ({ kind: 'x' })),
        ),
      ),
      /slots/,
    );
    refuses(withBody(bodyJson((body) => body, [{ noKind: 1 }])), /slots\.0/);
  });

  it('M1: any body at all is read or refused with a typed error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (body) => {
          try {
            decodeKeyring(withBody(body), installationId);
          } catch (error) {
            if (!HoldfastError.is(error, 'damaged')) throw error;
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is not written where a reader would refuse it', () => {
    assert.throws(() => newKeyring(masterKey, 0, [slot]), RangeError);
    assert.throws(() => newKeyring(masterKey, 1, [], [{ kind: 'ofTomorrow' }]), /nothing known here opens/);
    assert.equal(
      decodeKeyring(newKeyring(masterKey, 1, [slot], [{ kind: 'a' }, { kind: 'b' }]), installationId).body.unknownSlots.length,
      2,
    );
    assert.throws(() => newKeyring(masterKey, 1, [slot, slot]), /twice/);
    assert.throws(
      () =>
        newKeyring(
          masterKey,
          1,
          Array.from({ length: 33 }, () => slot),
        ),
      RangeError,
    );
    assert.throws(() => newKeyring(masterKey, 1, [slot], [{ kind: 'x', filler: 'x'.repeat(70_000) }]), RangeError);
    assert.throws(() => newKeyring(masterKey, 1, [{ ...slot, createdAt: 'today' }]), HoldfastError);
  });
});
