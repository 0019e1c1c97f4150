import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { release } from '../../../daemon/repository/bytes.ts';

const mebibyte = 1024 * 1024;

describe('memory that is given back', () => {
  it('is gone at once, without a collection', () => {
    const plain = Buffer.alloc(mebibyte);
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 32; round += 1) {
      const sealed = createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12), { authTagLength: 16 }).update(plain);
      assert.equal(sealed.length, mebibyte);
      release(sealed);
      assert.equal(sealed.length, 0);
      release(sealed);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 4 * mebibyte);
  });

  it('is never memory in which something else lies, or that threads share', () => {
    const pooled = Buffer.from('a word in the pool');
    const beside = Buffer.from('another one');
    const part = Buffer.alloc(mebibyte, 1).subarray(0, mebibyte / 2);
    const end = Buffer.alloc(mebibyte, 1).subarray(1);
    const shared = new Uint8Array(new SharedArrayBuffer(mebibyte));
    for (const bytes of [pooled, beside, part, end, shared]) {
      const { length } = bytes;
      release(bytes);
      assert.equal(bytes.length, length);
    }
    assert.equal(beside.toString(), 'another one');
  });
});
