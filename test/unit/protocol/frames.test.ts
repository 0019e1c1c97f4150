import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { contentBytesLimit, contentFrame, readContentFrame } from '../../../protocol/contentFrames.ts';
import { secretBytesLimit, SecretFrameOpener, SecretFrameSealer } from '../../../protocol/secretFrames.ts';

const key = createSecretKey(Buffer.from('7ee392239c2553c08321de39f781aa6480630a96b64e4b1dd04fbcfc5cb7ff91', 'hex'));

describe('secret frames', () => {
  it('C1: are what a second implementation sealed', () => {
    const sealer = new SecretFrameSealer(key);
    assert.equal(
      sealer.seal(Buffer.from('correct horse')).frame.toString('hex'),
      '0100000000c82a815bf120d0ff0184c3d7dc563a7486ae460e72b0efd49a4330674f',
    );
    assert.equal(sealer.seal(Buffer.alloc(0)).frame.toString('hex'), '0100000001310e9a34018067c2031d3e14aadf192a');
  });

  it('open in their order, each once', () => {
    const sealer = new SecretFrameSealer(key);
    const opener = new SecretFrameOpener(key);
    const [first, second, third] = ['a', 'b', ''].map((text) => sealer.seal(Buffer.from(text)));
    assert.ok(first && second && third);
    assert.equal(opener.open(second.frame), undefined, 'not before the first');
    assert.equal(opener.open(first.frame)?.secret.toString(), 'a');
    assert.equal(opener.open(first.frame), undefined, 'W8: a replay');
    assert.deepEqual(opener.open(second.frame), { secretId: second.ref.secretId, secret: Buffer.from('b') });
    assert.equal(opener.open(third.frame)?.secret.length, 0);
    assert.equal(new SecretFrameOpener(createSecretKey(randomBytes(32))).open(first.frame), undefined, 'W8: another session’s key');
  });

  it('C3 C5: any flipped bit, cut or extra byte is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), fc.nat(7), (secret, at, bit) => {
        const { frame } = new SecretFrameSealer(key).seal(secret);
        const flipped = Buffer.from(frame);
        flipped.writeUInt8(flipped.readUInt8(at % frame.length) ^ (1 << bit), at % frame.length);
        for (const wrong of [flipped, frame.subarray(0, at % frame.length), Buffer.concat([frame, Buffer.alloc(1)])]) {
          assert.equal(new SecretFrameOpener(key).open(wrong), undefined);
        }
        assert.deepEqual(new SecretFrameOpener(key).open(frame)?.secret, Buffer.from(secret));
      }),
    );
  });

  it('hold no more than a secret may have, on both sides', () => {
    assert.throws(() => new SecretFrameSealer(key).seal(Buffer.alloc(secretBytesLimit + 1)), { code: 'badValue' });
    const { frame } = new SecretFrameSealer(key).seal(Buffer.alloc(secretBytesLimit));
    assert.equal(new SecretFrameOpener(key).open(frame)?.secret.length, secretBytesLimit);
    assert.equal(new SecretFrameOpener(key).open(Buffer.concat([frame, Buffer.alloc(1)])), undefined);
  });
});

describe('content frames', () => {
  it('come back as they were sent', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 300 }), (streamId, bytes) => {
        assert.deepEqual(readContentFrame(contentFrame(streamId, bytes)), { streamId, bytes: Buffer.from(bytes) });
      }),
    );
  });

  it('are not read from anything else', () => {
    for (const wrong of [Buffer.alloc(0), Buffer.of(2, 0, 0, 0), Buffer.of(1, 0, 0, 0, 0, 9), Buffer.alloc(contentBytesLimit + 6, 2)]) {
      assert.equal(readContentFrame(wrong), undefined);
    }
  });
});
