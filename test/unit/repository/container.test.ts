import assert from 'node:assert/strict';
import { createHash, createHmac, createDecipheriv } from 'node:crypto';
import * as fc from 'fast-check';
import { deriveObjectKey, openObject, sealObject, sealPack, sealedPackHolds } from '../../../daemon/repository/container.ts';
import { newObjectId, newSalt } from '../../../daemon/repository/entropy.ts';
import { encodeBoundHeader, headerLength } from '../../../daemon/repository/header.ts';
import { segmentLength } from '../../../daemon/repository/padding.ts';
import { openRange, openSegments, planRange, sealSegments } from '../../../daemon/repository/segments.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { assertRefused, assertTyped } from '../../support/refusals.ts';
import { entropyFrom, identityOf, keysNamed, testStoreId } from '../../support/repositoryKeys.ts';

const keys = keysNamed('container');
const objectId = newObjectId(entropyFrom('object'));
const sealedLength = segmentLength + 16;

function sealIndex(content: Uint8Array, seed = 'seal'): Uint8Array {
  return sealObject(keys.index, identityOf(keys, 'index', objectId), content, entropyFrom(seed)).bytes;
}

function openIndex(stored: Uint8Array): Buffer {
  return openObject(stored, { type: 'index' }, () => keys.index, 'an index').content;
}

function flipped(bytes: Uint8Array, at: number, bit = 0): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at);
  return copy;
}

/** A body of `segments` segments (the last one short) under a key of its own. */
function bodyOf(segments: number): {
  readonly body: Buffer;
  readonly plaintext: Buffer;
  readonly key: ReturnType<typeof deriveObjectKey>['key'];
} {
  const { key } = deriveObjectKey(keys.pack, encodeBoundHeader(identityOf(keys, 'pack', objectId)), Buffer.alloc(32, segments));
  const plaintext = Buffer.alloc((segments - 1) * segmentLength + 1000);
  for (let at = 0; at < plaintext.length; at += 1) plaintext[at] = (at * 31 + (at >> 13)) & 255;
  const body = Buffer.alloc(plaintext.length + segments * 16);
  sealSegments(key, plaintext, body);
  return { body, plaintext, key };
}

describe('container', () => {
  it('opens what it sealed, whatever the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.constantFrom(0, 65_000, 131_056, 131_064, 262_144), (head, more) => {
        const content = Buffer.concat([head, Buffer.alloc(more, 7)]);
        assert.deepEqual(openIndex(sealIndex(content)), content);
      }),
      { numRuns: 30 },
    );
  });

  it('C1: agrees with a second derivation and decryption written from the page', () => {
    const content = Buffer.from('what is stored outlives every version');
    const stored = Buffer.from(sealIndex(content));
    const prk = createHmac('sha256', stored.subarray(128, 160)).update(keys.index.export()).digest();
    const info = Buffer.concat([Buffer.from('holdfast/v1/object'), Buffer.of(0), stored.subarray(0, 128)]);
    const first = createHmac('sha256', prk).update(info).update(Buffer.of(1)).digest();
    const second = createHmac('sha256', prk).update(first).update(info).update(Buffer.of(2)).digest();
    assert.deepEqual(second, stored.subarray(160, 192));
    const body = stored.subarray(headerLength);
    const decipher = createDecipheriv('aes-256-gcm', first, Buffer.from('000000000000000000000001', 'hex'), { authTagLength: 16 });
    decipher.setAuthTag(body.subarray(-16));
    const plaintext = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
    assert.equal(plaintext.readBigUInt64LE(0), BigInt(content.length));
    assert.deepEqual(plaintext.subarray(8, 8 + content.length), content);
    assert.ok(plaintext.subarray(8 + content.length).every((byte) => byte === 0));
    assert.equal(stored.length, 65_536);
  });

  it('C2: gives every object its own key, even where randomness repeats', () => {
    const constant = { randomBytes: (length: number) => Buffer.alloc(length, 5), now: () => 1n };
    const later = { ...constant, now: () => 2n };
    const other = Buffer.alloc(16, 1);
    const salts = [newSalt(constant, objectId), newSalt(later, objectId), newSalt(constant, other), newSalt(entropyFrom('x'), objectId)];
    assert.equal(new Set(salts.map((salt) => Buffer.from(salt).toString('hex'))).size, salts.length);
    assert.deepEqual(
      salts[0],
      createHash('sha256').update(Buffer.alloc(32, 5)).update(Buffer.from('0100000000000000', 'hex')).update(objectId).digest(),
    );
    const derived = [
      deriveObjectKey(keys.index, encodeBoundHeader(identityOf(keys, 'index', objectId)), salts[0] ?? objectId),
      deriveObjectKey(keys.index, encodeBoundHeader(identityOf(keys, 'index', objectId, 2)), salts[0] ?? objectId),
      deriveObjectKey(keys.index, encodeBoundHeader(identityOf(keys, 'index', other)), salts[0] ?? objectId),
      deriveObjectKey(keys.manifest, encodeBoundHeader(identityOf(keys, 'index', objectId)), salts[0] ?? objectId),
    ];
    assert.equal(new Set(derived.map(({ key }) => key.export().toString('hex'))).size, derived.length);
  });

  it('C2: never uses a nonce twice within an object', () => {
    // Equal plaintext under one key: equal ciphertext would mean an equal nonce.
    const { key } = bodyOf(1);
    const body = Buffer.alloc(4 * sealedLength);
    sealSegments(key, Buffer.alloc(4 * segmentLength), body);
    const starts = [0, 1, 2, 3].map((segment) => body.subarray(segment * sealedLength, segment * sealedLength + 32).toString('hex'));
    assert.equal(new Set(starts).size, 4);
  });

  it('C3: refuses tags that are cut', () => {
    const stored = sealIndex(Buffer.from('content'));
    for (const cut of [1, 4, 8, 12, 15]) {
      const short = stored.subarray(0, stored.length - cut);
      assertRefused(() => openIndex(short), 'segmentTag');
    }
    const { key } = bodyOf(1);
    const empty = Buffer.alloc(16);
    assert.equal(sealSegments(key, Buffer.alloc(0), empty), 16);
    for (let length = 0; length < 16; length += 1) {
      assertRefused(() => openSegments(key, empty.subarray(0, length), Buffer.alloc(16), 'a body'), 'bodyLength');
    }
    assert.equal(openSegments(key, empty, Buffer.alloc(0), 'a body'), 0);
  });

  it('C4: releases no byte of a segment whose tag does not hold', () => {
    const { body, plaintext, key } = bodyOf(3);
    const out = Buffer.alloc(plaintext.length, 0xee);
    assertRefused(() => openSegments(key, flipped(body, sealedLength + 5), out, 'a body'), 'segmentTag');
    assert.deepEqual(out.subarray(0, segmentLength), plaintext.subarray(0, segmentLength));
    assert.ok(out.subarray(segmentLength).every((byte) => byte === 0xee));
  });

  it('C5: refuses a flipped bit in every byte of the header', () => {
    const stored = sealIndex(Buffer.from('content'));
    for (let at = 0; at < headerLength; at += 1) {
      for (const bit of [0, 7]) assert.throws(() => openIndex(flipped(stored, at, bit)), { name: 'HoldfastError' });
    }
  });

  it('C5: refuses a flipped bit at any place of the body', () => {
    const stored = sealIndex(Buffer.alloc(300_000, 3));
    fc.assert(
      fc.property(fc.integer({ min: headerLength, max: stored.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        assertRefused(() => openIndex(flipped(stored, at, bit)), 'segmentTag');
      }),
      { numRuns: 40 },
    );
  });

  it('C6: refuses segments dropped, doubled, reordered, cut and appended', () => {
    const { body, key } = bodyOf(4);
    const segment = (index: number): Buffer => body.subarray(index * sealedLength, (index + 1) * sealedLength);
    const forged: Readonly<Record<string, readonly Buffer[]>> = {
      'first dropped': [segment(1), segment(2), segment(3)],
      'middle dropped': [segment(0), segment(2), segment(3)],
      'last dropped': [segment(0), segment(1), segment(2)],
      doubled: [segment(0), segment(0), segment(1), segment(2), segment(3)],
      reordered: [segment(0), segment(2), segment(1), segment(3)],
      'cut in the middle of a segment': [body.subarray(0, 2 * sealedLength + 500)],
      'last cut': [body.subarray(0, -1)],
      'last appended again': [body, segment(3)],
      'zeros appended': [body, Buffer.alloc(100)],
      'empty final segment appended': [segment(0), segment(1), segment(2), Buffer.alloc(17)],
    };
    for (const [name, parts] of Object.entries(forged)) {
      const forgery = Buffer.concat(parts);
      assert.throws(() => openSegments(key, forgery, Buffer.alloc(forgery.length), name), { name: 'HoldfastError' }, name);
    }
  });

  it('C6: refuses a shorter object in a range read, for the last flag comes from the recorded length', () => {
    const { body, plaintext, key } = bodyOf(4);
    const plan = planRange(headerLength + body.length, 2 * segmentLength - 10, 20, 'a pack');
    assert.deepEqual([plan.storedOffset, plan.storedLength], [headerLength + sealedLength, 2 * sealedLength]);
    const fetched = body.subarray(sealedLength, 3 * sealedLength);
    assert.deepEqual(openRange(key, plan, fetched, 'a pack'), plaintext.subarray(2 * segmentLength - 10, 2 * segmentLength + 10));
    assertRefused(() => openRange(key, plan, fetched.subarray(0, -1), 'a pack'), 'storedLength');
    const asIfLast = planRange(headerLength + 3 * sealedLength, 2 * segmentLength, 20, 'a pack');
    assertRefused(() => openRange(key, asIfLast, body.subarray(2 * sealedLength, 3 * sealedLength), 'a pack'), 'segmentTag');
  });

  it('reads any range as a slice of the whole', () => {
    const { body, plaintext, key } = bodyOf(3);
    fc.assert(
      fc.property(fc.nat(plaintext.length - 1), fc.nat(plaintext.length), (offset, wanted) => {
        const length = Math.max(1, Math.min(wanted, plaintext.length - offset));
        const plan = planRange(headerLength + body.length, offset, length, 'a pack');
        const at = plan.storedOffset - headerLength;
        assert.ok(
          openRange(key, plan, body.subarray(at, at + plan.storedLength), 'a pack').equals(plaintext.subarray(offset, offset + length)),
        );
      }),
      { numRuns: 50 },
    );
    assertRefused(() => planRange(headerLength + body.length, plaintext.length - 1, 2, 'a pack'), 'bodyLength');
    assertRefused(() => planRange(100, 0, 1, 'a pack'), 'bodyLength');
  });

  it('C7: refuses an object under another type, installation, policy, id, sequence, generation, master key or store', () => {
    const stored = sealIndex(Buffer.from('content'));
    const open = (expected: Parameters<typeof openObject>[1]): unknown => openObject(stored, expected, () => keys.index, 'an index');
    const other = keysNamed('other');
    assertRefused(() => open({ type: 'manifest' }), 'headerType');
    assertRefused(() => open({ type: 'index', installationId: other.installationId }), 'headerInstallation');
    assertRefused(() => open({ type: 'index', scopeId: Buffer.alloc(16, 9) }), 'headerScope');
    assertRefused(() => open({ type: 'index', objectId: Buffer.alloc(16, 9) }), 'headerObjectId');
    assertRefused(() => open({ type: 'index', sequence: 2 }), 'headerSequence');
    assertRefused(() => open({ type: 'index', keyGeneration: 2 }), 'headerKeyGeneration');
    assertRefused(() => open({ type: 'index', masterKeyId: other.masterKeyId }), 'headerMasterKey');
    assertRefused(() => open({ type: 'index', storeId: newId<StoreId>() }), 'headerStore');
    open({ ...identityOf(keys, 'index', objectId), storeId: testStoreId });
  });

  it('C7 C11: refuses an object whose header was rewritten to pass for another, under whatever key', () => {
    const stored = Buffer.from(sealIndex(Buffer.from('content')));
    for (const identity of [
      identityOf(keys, 'manifest', objectId),
      identityOf(keys, 'index', Buffer.alloc(16, 9)),
      identityOf(keys, 'index', objectId, 2),
      identityOf(keysNamed('other'), 'index', objectId),
      { ...identityOf(keys, 'index', objectId), scopeId: Buffer.alloc(16, 9) },
      { ...identityOf(keys, 'index', objectId), storeId: newId<StoreId>() },
    ]) {
      const forged = Buffer.from(stored);
      forged.set(encodeBoundHeader(identity));
      for (const key of [keys.index, keys.manifest, keysNamed('other').index]) {
        assertRefused(() => openObject(forged, { type: identity.type }, () => key, 'a forgery'), 'commitment');
      }
    }
    assertRefused(() => openObject(stored, { type: 'index' }, () => keys.manifest, 'an index'), 'commitment');
  });

  it('names the rule for each wrong field of the header', () => {
    const stored = sealIndex(Buffer.from('content'));
    const withBytes = (at: number, ...bytes: readonly number[]): Buffer => {
      const copy = Buffer.from(stored);
      copy.set(bytes, at);
      return copy;
    };
    assertRefused(() => openIndex(stored.subarray(0, 191)), 'headerTruncated');
    assertRefused(() => openIndex(withBytes(0, 0)), 'headerMagic');
    assertRefused(() => openIndex(withBytes(8, 2)), 'headerVersion');
    assertRefused(() => openIndex(withBytes(10, 2)), 'headerSuite');
    assertRefused(() => openIndex(withBytes(12, 9)), 'headerType');
    assertRefused(() => openIndex(withBytes(12, 6)), 'headerType');
    assertRefused(() => openIndex(withBytes(14, 128)), 'headerLength');
    assertRefused(() => openIndex(withBytes(16, 0, 0, 0, 128)), 'headerFeatures');
    assertRefused(() => openIndex(withBytes(20, 0)), 'headerKeyGeneration');
    assertRefused(() => openIndex(withBytes(88, 0)), 'headerSequence');
    assertRefused(() => openIndex(withBytes(95, 1)), 'headerSequence');
    assertRefused(() => openIndex(withBytes(112, 1)), 'headerSlotHash');
    assertRefused(() => openIndex(withBytes(128, 1, 2, 3)), 'commitment');
    assertRefused(() => openIndex(withBytes(160, 1, 2, 3)), 'commitment');
  });

  it('M3: refuses a content length that the plaintext does not have, and padding that is not zero', () => {
    const seal = (plaintext: Buffer): Buffer => {
      const bound = encodeBoundHeader(identityOf(keys, 'index', objectId));
      const salt = Buffer.alloc(32, 1);
      const { key, commitment } = deriveObjectKey(keys.index, bound, salt);
      const body = Buffer.alloc(plaintext.length + 16);
      sealSegments(key, plaintext, body);
      return Buffer.concat([bound, salt, commitment, body]);
    };
    const claiming = (length: bigint, rest = Buffer.alloc(20)): Buffer => {
      const plaintext = Buffer.concat([Buffer.alloc(8), rest]);
      plaintext.writeBigUInt64LE(length);
      return seal(plaintext);
    };
    assert.equal(openIndex(claiming(20n)).length, 20);
    assert.equal(openIndex(claiming(0n)).length, 0);
    assertRefused(() => openIndex(claiming(21n)), 'contentLength');
    assertRefused(() => openIndex(claiming(2n ** 63n)), 'contentLength');
    assertRefused(() => openIndex(seal(Buffer.alloc(7))), 'contentLength');
    assertRefused(() => openIndex(claiming(10n, Buffer.from([...Buffer.alloc(19), 1]))), 'zeroPadding');
  });

  it('M1: answers any bytes with a typed refusal', () => {
    const stored = sealIndex(Buffer.from('content'));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => assertTyped(() => openIndex(bytes))));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(192), (bytes, at) => {
        const forged = Buffer.from(stored.subarray(0, 400));
        forged.set(bytes, at);
        assertTyped(() => openIndex(forged));
      }),
    );
  });

  it('seals a pack between shared buffers, and notices a bit that flips in the output', () => {
    const plaintext = new Uint8Array(new SharedArrayBuffer(300_000)).fill(8);
    const out = new Uint8Array(new SharedArrayBuffer(400_000));
    const sealed = sealPack(keys.pack, identityOf(keys, 'pack', objectId), plaintext, out, entropyFrom('pack'));
    const stored = out.slice(0, sealed.storedLength);
    assert.deepEqual(sealed.sha256, createHash('sha256').update(stored).digest());
    assert.equal(sealedPackHolds(keys.pack, stored, plaintext), true);
    const opened = openObject(stored, { type: 'pack' }, () => keys.pack, 'a pack');
    assert.ok(opened.content.equals(plaintext));
    for (const at of [24, 130, 170, 200, stored.length - 1])
      assert.equal(sealedPackHolds(keys.pack, flipped(stored, at), plaintext), false);
    plaintext[299_999] = 9;
    assert.equal(sealedPackHolds(keys.pack, stored, plaintext), false);
  });
});
