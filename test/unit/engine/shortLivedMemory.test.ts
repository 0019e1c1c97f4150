import assert from 'node:assert/strict';
import { zstdCompressSync } from 'node:zlib';
import { hashStateLength, ShortLivedMemory } from '../../../daemon/engine/threads/shortLivedMemory.ts';

const mebibyte = 1024 * 1024;

/** The most memory outside the heap, above what there was, that `step` leaves lying about in so many rounds; bytes. */
function mostLeft(rounds: number, step: () => void): number {
  const before = process.memoryUsage().external;
  let most = 0;
  for (let round = 0; round < rounds; round += 1) {
    step();
    most = Math.max(most, process.memoryUsage().external - before);
  }
  return most;
}

describe('short-lived memory', () => {
  it('is collected in time: buffers that are done with', () => {
    const memory = new ShortLivedMemory();
    const most = mostLeft(400, () => memory.note(Buffer.alloc(mebibyte).length));
    assert.ok(most < 24 * mebibyte, `${Math.round(most / mebibyte)} MiB were left lying about`);
  });

  it('is collected in time: what zlib holds on to', () => {
    const memory = new ShortLivedMemory();
    const raw = Buffer.alloc(mebibyte);
    const most = mostLeft(100, () => {
      zstdCompressSync(raw, { chunkSize: mebibyte });
      memory.noteHeld(mebibyte);
    });
    assert.ok(most < 48 * mebibyte, `${Math.round(most / mebibyte)} MiB were left lying about`);
  });

  it('counts small things too', () => {
    let collections = 0;
    const memory = new ShortLivedMemory(() => (collections += 1));
    for (let count = 0; count < 4096; count += 1) memory.note(hashStateLength);
    assert.equal(collections, 2);
  });
});
