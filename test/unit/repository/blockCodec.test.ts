import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { decodeBlock, encodeBlock, useBlock } from '../../../daemon/repository/blockCodec.ts';
import { assertRefused, assertTyped } from '../../support/refusals.ts';

const text = Buffer.from('the same words again and again, '.repeat(4000));

/** A frame that does not say its size, so that only the limit stops its decoder. */
function unsizedFrame(raw: Uint8Array, windowLog = 17): Buffer {
  return zstdCompressSync(raw, { params: { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_windowLog]: windowLog } });
}

function decode(stored: Uint8Array, rawLength: number): Buffer {
  return decodeBlock(stored, 'zstd', rawLength, 'a block');
}

describe('block codec', () => {
  it('gives back what went in, compressed only where that helps', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), fc.integer({ min: 1, max: 40 }), (bytes, repeats) => {
        const raw = Buffer.concat(Array.from({ length: repeats }, () => bytes));
        const { codec, stored } = encodeBlock(raw, 1);
        assert.ok(stored.length <= raw.length);
        assert.deepEqual(decodeBlock(stored, codec, raw.length, 'a block'), raw);
      }),
    );
    assert.equal(encodeBlock(text, 1).codec, 'zstd');
    assert.equal(encodeBlock(randomBytes(10_000), 1).codec, 'raw');
  });

  it('reads frames with and without content size and checksum, and keeps to a window of 8 MiB', () => {
    for (const checksum of [0, 1]) {
      for (const contentSize of [0, 1]) {
        const params = { [constants.ZSTD_c_checksumFlag]: checksum, [constants.ZSTD_c_contentSizeFlag]: contentSize };
        const frame = zstdCompressSync(text, { pledgedSrcSize: text.length, params });
        assert.deepEqual(decode(frame, text.length), text);
      }
    }
    const eightMiB = Buffer.alloc(8 * 1024 * 1024, 1);
    assert.deepEqual(decode(encodeBlock(eightMiB, 19).stored, eightMiB.length), eightMiB);
  });

  it('M3: refuses a window above 8 MiB', () => {
    const frame = unsizedFrame(text);
    const withWindow = (descriptor: number): Buffer => {
      const copy = Buffer.from(frame);
      copy.writeUInt8(descriptor, 5);
      return copy;
    };
    assert.deepEqual(decode(withWindow(13 << 3), text.length), text);
    assertRefused(() => decode(withWindow((13 << 3) + 1), text.length), 'blockCodec');
    assertRefused(() => decode(withWindow(31 << 3), text.length), 'blockCodec');
  });

  it('M3: refuses a bomb before it grows', () => {
    const bomb = unsizedFrame(Buffer.alloc(64 * 1024 * 1024), 20);
    const before = process.memoryUsage().arrayBuffers;
    assertRefused(() => decode(bomb, 1000), 'blockCodec');
    assertRefused(() => decode(bomb, 64 * 1024 * 1024), 'blockLength');
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    const sized = zstdCompressSync(text, { pledgedSrcSize: text.length });
    assertRefused(() => decode(sized, text.length - 1), 'blockLength');
    assertRefused(() => decode(sized, text.length + 1), 'blockLength');
    const unsized = unsizedFrame(text);
    assertRefused(() => decode(unsized, text.length - 1), 'blockCodec');
    assertRefused(() => decode(unsized, text.length + 1), 'blockLength');
  });

  it('refuses anything but exactly one frame', () => {
    const frame = zstdCompressSync(text);
    assertRefused(() => decode(Buffer.concat([frame, zstdCompressSync(Buffer.alloc(0))]), text.length), 'blockCodec');
    assertRefused(() => decode(Buffer.concat([frame, Buffer.alloc(1)]), text.length), 'blockCodec');
    assertRefused(() => decode(frame.subarray(0, -1), text.length), 'blockCodec');
    assertRefused(() => decode(Buffer.concat([Buffer.from('502a4d1800000000', 'hex'), frame]), text.length), 'blockCodec');
    assertRefused(() => decode(Buffer.alloc(0), 1), 'blockCodec');
    assertRefused(() => decodeBlock(Buffer.alloc(5), 'raw', 6, 'a block'), 'blockLength');
  });

  it('lends a block to who needs it no longer, and leaves alone what is only a view of what was stored', () => {
    for (const raw of [text, randomBytes(100_000), Buffer.from('short')]) {
      const { codec, stored } = encodeBlock(raw, 1);
      const kept = Buffer.from(stored);
      let seen: Buffer | undefined;
      useBlock(kept, codec, raw.length, 'a block', (lent) => {
        assert.deepEqual(lent, raw);
        seen = lent;
      });
      assert.equal(seen?.length, codec === 'zstd' ? 0 : raw.length);
      assert.deepEqual(kept, Buffer.from(stored));
    }
    const unsized = unsizedFrame(text);
    for (const length of [text.length - 1, text.length + 1]) {
      assertRefused(
        () => useBlock(unsized, 'zstd', length, 'a block', () => assert.fail()),
        length < text.length ? 'blockCodec' : 'blockLength',
      );
    }
  });

  it('M1: answers any bytes with a typed refusal', () => {
    const frame = zstdCompressSync(text);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => assertTyped(() => decode(bytes, 1000))));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat(frame.length), (bytes, at) => {
        const forged = Buffer.from(frame);
        forged.set(bytes.subarray(0, forged.length - at), at);
        assertTyped(() => decode(forged, text.length));
        assertTyped(() => decode(Buffer.concat([frame.subarray(0, 12), bytes]), text.length));
      }),
    );
  });
});
