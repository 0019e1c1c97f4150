import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { compressCopy, expandCopy, type FrameFacts } from '../../../../daemon/catalog/copy/copyFrame.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';

const isDamaged = (error: unknown): boolean => HoldfastError.is(error, 'catalogDamaged');

const isStopped = (error: unknown): boolean => HoldfastError.is(error) && error.reason === 'it decodes to more than recorded';

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield await Promise.resolve(bytes.subarray(at, at + length));
}

function factsOf(frame: Uint8Array, catalogLength: number): FrameFacts {
  return { length: frame.length, sha256: createHash('sha256').update(frame).digest(), catalogLength };
}

describe('frames of copies', () => {
  let folder = '';
  let raw: Buffer;
  let frame: Buffer;
  let facts: FrameFacts;
  const out = (): string => join(folder, 'out');
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-frames-'));
    raw = Buffer.concat([randomBytes(300_000), Buffer.alloc(700_000), randomBytes(10)]);
    writeFileSync(join(folder, 'copy'), raw);
    facts = await compressCopy(join(folder, 'copy'), join(folder, 'frame'));
    frame = readFileSync(join(folder, 'frame'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Refused, and nothing is left. */
  async function refuses(bytes: Uint8Array, told: FrameFacts, length = 65_536): Promise<void> {
    await assert.rejects(expandCopy(pieces(bytes, length), told, out()), isDamaged);
    assert.ok(!existsSync(out()));
  }

  it('give the copy back, in pieces of any length, for this user alone', async () => {
    assert.deepEqual(facts, factsOf(frame, raw.length));
    assert.ok(frame.length < 400_000);
    for (const length of [1000, 4099, 1_000_000]) {
      await expandCopy(pieces(frame, length), facts, out());
      assert.ok(readFileSync(out()).equals(raw));
      if (process.platform !== 'win32') assert.equal(statSync(out()).mode & 0o777, 0o600);
      rmSync(out());
    }
    if (process.platform !== 'win32') assert.equal(statSync(join(folder, 'frame')).mode & 0o777, 0o600);
  });

  it('C5: are refused with any byte changed', async () => {
    for (const at of [0, 4, 5, 9, 100, frame.length - 1]) {
      const flipped = Buffer.from(frame);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      await refuses(flipped, facts);
    }
  });

  it('C6: are refused cut off, longer, doubled, or with bytes around them, whatever the hash says', async () => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7]);
    const others: readonly (readonly [Uint8Array, number])[] = [
      [frame.subarray(0, -1), raw.length],
      [frame.subarray(0, 3), raw.length],
      [new Uint8Array(0), 0],
      [Buffer.concat([frame, Buffer.alloc(1)]), raw.length],
      [Buffer.concat([frame, frame]), raw.length * 2],
      [Buffer.concat([skippable, frame]), raw.length],
      [Buffer.concat([frame, skippable]), raw.length],
    ];
    for (const [bytes, length] of others) {
      await refuses(bytes, factsOf(bytes, length));
      await refuses(bytes, facts);
    }
  });

  it('C6: are refused where they decode to another length than recorded', async () => {
    await refuses(frame, { ...facts, catalogLength: raw.length - 1 });
    await refuses(frame, { ...facts, catalogLength: raw.length + 1 });
  });

  it('M3: a bomb is refused by what it claims, or once it decodes to more than that', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 2 ** 20));
    assert.ok(bomb.length < 10_000);
    await refuses(bomb, factsOf(bomb, 64 * 2 ** 20));
    // Not once all of it lies on the disk.
    await assert.rejects(expandCopy(pieces(bomb, 65_536), factsOf(bomb, 100_000), out()), isStopped);
    await refuses(bomb, factsOf(bomb, 2 ** 50));
  });

  it('M3: a window of more than 8 MiB, a dictionary and a reserved bit are refused', async () => {
    const wide = zstdCompressSync(raw, { params: { [constants.ZSTD_c_windowLog]: 24, [constants.ZSTD_c_contentSizeFlag]: 0 } });
    // What the header says suffices.
    const windowed = Buffer.from([...wide.subarray(0, 4), 0, 14 << 3, ...wide.subarray(6)]);
    await refuses(windowed, factsOf(windowed, raw.length));
    for (const bit of [0x01, 0x02, 0x03, 0x08]) {
      const changed = Buffer.from(frame);
      changed[4] = (changed[4] ?? 0) | bit;
      await refuses(changed, factsOf(changed, raw.length));
    }
  });

  it('leave a file alone that is there already', async () => {
    writeFileSync(out(), 'mine');
    await assert.rejects(expandCopy(pieces(frame, 65_536), facts, out()));
    assert.equal(readFileSync(out(), 'utf8'), 'mine');
  });

  it('X4: leave nothing where they are given up', async () => {
    const gaveUp = new AbortController();
    const slowly = (async function* () {
      yield frame.subarray(0, 100);
      gaveUp.abort();
      yield await Promise.resolve(frame.subarray(100));
    })();
    await assert.rejects(expandCopy(slowly, facts, out(), gaveUp.signal));
    assert.ok(!existsSync(out()));
  });
});
