import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  type BlockToPlace,
  type ChunkToPlace,
  decodeBlocks,
  encodeBlocks,
  type FileTarget,
  type Place,
} from '../../../../daemon/engine/restore/packJobCodec.ts';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const long = fc.maxSafeNat();
/** Bytes as latin-1 characters. */
const rawText = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const target: fc.Arbitrary<FileTarget> = fc.record({
  temporary: rawText,
  path: rawText,
  size: long,
  mode: word,
  uid: fc.integer({ min: -1, max: 2 ** 32 - 1 }),
  gid: fc.integer({ min: -1, max: 2 ** 32 - 1 }),
  mtime: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined }),
  mayReplace: fc.boolean(),
});
const place: fc.Arbitrary<Place> = fc.record({
  file: word,
  part: word,
  pieces: fc.array(fc.record({ offset: long, length: long }), { maxLength: 3 }),
  isWhole: fc.boolean(),
  target,
});
const chunk: fc.Arbitrary<ChunkToPlace> = fc.record({
  id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  offsetInRaw: word,
  length: word,
  places: fc.array(place, { maxLength: 3 }),
});
const block: fc.Arbitrary<BlockToPlace> = fc.record({
  offset: word,
  storedLength: word,
  rawLength: word,
  codec: fc.constantFrom('raw', 'zstd'),
  chunks: fc.array(chunk, { maxLength: 4 }),
});

/** Ids are buffers on one side, and the generated objects have no prototype. */
function plain(blocks: readonly BlockToPlace[]): unknown {
  return structuredClone(
    blocks.map(({ chunks, ...rest }) => ({
      ...rest,
      chunks: chunks.map((sent) => ({ ...sent, id: Buffer.from(sent.id).toString('hex') })),
    })),
  );
}

describe('blocks on their way to a restore worker', () => {
  it('arrive as they were sent, names that are no text included', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 4 }), (blocks) => {
        assert.deepEqual(plain([...decodeBlocks(encodeBlocks(blocks))]), plain(blocks));
      }),
    );
  });

  it('are none where none were sent', () => {
    assert.deepEqual([...decodeBlocks(encodeBlocks([]))], []);
    assert.deepEqual([...decodeBlocks(new Uint8Array())], []);
  });
});
