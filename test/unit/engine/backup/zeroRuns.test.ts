import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { looksIncompressible } from '../../../../daemon/engine/backup/compressibility.ts';
import { ZeroRuns } from '../../../../daemon/engine/backup/zeroRuns.ts';
import { testSeed } from '../../../support/mochaHooks.ts';
import { SeededRandom } from '../../../support/random.ts';

const page = 4096;

describe('holes of sparse files', () => {
  it('and data between them give the file again, and no hole is shorter than worth it', () => {
    const part = fc.record({ isZero: fc.boolean(), length: fc.integer({ min: 1, max: 150_000 }) });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 30 }), (parts, pages) => {
        const file = Buffer.concat(parts.map(({ isZero, length }) => Buffer.alloc(length, isZero ? 0 : 7)));
        const data: Buffer[] = [];
        const runs = new ZeroRuns((bytes) => void data.push(Buffer.from(bytes)));
        for (let at = 0; at < file.length; at += pages * page) runs.push(file.subarray(at, at + pages * page), at);
        const bytes = Buffer.concat(data);
        const again = Buffer.alloc(file.length);
        let taken = 0;
        let end = 0;
        for (let index = 0; index < runs.extents.length; index += 2) {
          const [offset = 0, length = 0] = runs.extents.slice(index, index + 2);
          assert.equal(length > 0 && offset >= end, true);
          if (index > 0) assert.equal(offset - end >= 64 * 1024, true);
          bytes.copy(again, offset, taken, taken + length);
          taken += length;
          end = offset + length;
        }
        assert.equal(taken, bytes.length);
        assert.ok(again.equals(file));
      }),
      { numRuns: 60 },
    );
  });

  it('that are all of a file leave nothing', () => {
    const runs = new ZeroRuns(() => assert.fail('there is no data'));
    for (let at = 0; at < 10 * page; at += page) runs.push(Buffer.alloc(page), at);
    assert.deepEqual(runs.extents, []);
  });
});

describe('a look at whether compressing is in vain', () => {
  it('finds random bytes, and nothing else', () => {
    const random = new SeededRandom(testSeed());
    assert.equal(looksIncompressible(random.bytes(200_000)), true);
    assert.equal(looksIncompressible(random.bytes(60_000)), false, 'short ones are cheap to try');
    assert.equal(looksIncompressible(random.text(200_000)), false);
    assert.equal(looksIncompressible(Buffer.alloc(200_000)), false);
    assert.equal(looksIncompressible(Buffer.from(Buffer.from(random.bytes(150_000)).toString('base64'))), false);
    assert.equal(looksIncompressible(Buffer.concat([random.bytes(150_000), random.text(50_000)])), false, 'text at the end');
  });
});
