import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { isProofTag, type ProofBinding, proofTag, proofTranscript, secretFrameKey } from '../../../protocol/proof.ts';

const key = createSecretKey(Buffer.from(Array.from({ length: 32 }, (_, index) => index)));
const binding: ProofBinding = {
  path: '/run/user/1000/holdfast/ä.sock',
  instanceId: Buffer.from(Array.from({ length: 16 }, (_, index) => 100 + index)),
  clientNonce: Buffer.alloc(32, 1),
  serverNonce: Buffer.alloc(32, 2),
};

describe('proof', () => {
  it('C1: gives the values that a second implementation computed from docs/protocol.md', () => {
    const transcript = proofTranscript(binding);
    assert.equal(transcript.toString('hex'), '36a0bc16c62e5d1c7abd135eb5a70bcad8f94aaec11e6dbe98b5dcb53ff5c4e3');
    assert.equal(proofTag(key, 'server', transcript).toString('hex'), '268c560fd20c4ab6b6cbb97592b3ceb0de7f2ad3c131e2c8a039935b877faf3f');
    assert.equal(proofTag(key, 'client', transcript).toString('hex'), '4138aba1fe180c8413ff158c7833445df626cbe1e4fcc3a022e1ac2c292eac4c');
    assert.equal(
      secretFrameKey(key, transcript).export().toString('hex'),
      '7ee392239c2553c08321de39f781aa6480630a96b64e4b1dd04fbcfc5cb7ff91',
    );
  });

  it('W8: a tag holds for one side, one transcript and one key', () => {
    const transcript = proofTranscript(binding);
    const tag = proofTag(key, 'client', transcript);
    assert.ok(isProofTag(key, 'client', transcript, tag));
    assert.ok(!isProofTag(key, 'server', transcript, tag), 'swapped labels');
    assert.ok(!isProofTag(createSecretKey(randomBytes(32)), 'client', transcript, tag));
    for (const wrong of [Buffer.alloc(0), tag.subarray(1), Buffer.concat([tag, Buffer.alloc(1)])])
      assert.ok(!isProofTag(key, 'client', transcript, wrong));
    fc.assert(
      fc.property(fc.nat(255), fc.nat(7), (byte, bit) => {
        const flipped = Buffer.from(tag);
        flipped.writeUInt8(flipped.readUInt8(byte % 32) ^ (1 << bit), byte % 32);
        assert.ok(!isProofTag(key, 'client', transcript, flipped));
      }),
    );
  });

  it('W8: the transcript changes with every part of it, and no part can be moved into its neighbour', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const part = fc.record({
      path: fc.string({ maxLength: 40 }),
      instanceId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      clientNonce: bytes,
      serverNonce: bytes,
    });
    fc.assert(
      fc.property(part, part, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        assert.equal(proofTranscript(one).equals(proofTranscript(other)), isSame);
        for (const name of ['path', 'instanceId', 'clientNonce', 'serverNonce'] as const) {
          const mixed = { ...one, [name]: other[name] };
          assert.equal(proofTranscript(mixed).equals(proofTranscript(one)), JSON.stringify(mixed) === JSON.stringify(one), name);
        }
      }),
    );
    assert.throws(() => proofTranscript({ ...binding, serverNonce: Buffer.alloc(31) }), RangeError);
    assert.throws(() => proofTranscript({ ...binding, instanceId: Buffer.alloc(17) }), RangeError);
  });
});
