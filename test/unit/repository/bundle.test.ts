import assert from 'node:assert/strict';
import { createHash, createSecretKey } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { longestDrSlot as longestOfKeys } from '../../../daemon/keys/dr/drSlot.ts';
import { deriveObjectKey, sealObject } from '../../../daemon/repository/container.ts';
import { longestDrSlot } from '../../../daemon/repository/drSlotSection.ts';
import { headerLength } from '../../../daemon/repository/header.ts';
import { segmentLength } from '../../../daemon/repository/padding.ts';
import { ruleOf } from '../../../daemon/repository/refusal.ts';
import { sealSegments } from '../../../daemon/repository/segments.ts';
import { SegmentSealer } from '../../../daemon/repository/segmentSealer.ts';
import { sealedBundle } from '../../support/conformance/bundles.ts';
import {
  bundleSourceOf,
  isBundleHeader,
  StoredBundle,
  type BundleSource,
  type OpenedBundle,
} from '../../../daemon/repository/storedBundle.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { branded, newId } from '../../support/ids.ts';
import { assertRejected } from '../../support/refusals.ts';
import { entropyFrom, identityOf, keysNamed } from '../../support/repositoryKeys.ts';
import {
  bundleId,
  bundleInstallation,
  bundleKey,
  bytesOf,
  catalog,
  created,
  drkId,
  drSlot,
  expected,
  frameOf,
  openSample,
  ownerKey,
  readSample,
  sampleBundle,
} from '../../support/sampleBundle.ts';
import { SeededRandom } from '../../support/random.ts';
import type { InstallationId } from '../../../protocol/ids.ts';

const sealedSegment = segmentLength + 16;
const bodyAt = headerLength + 4 + drSlot.length;

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** Random bytes, which no compressor makes shorter. */
function noise(length: number): Buffer {
  return Buffer.from(new SeededRandom(5).bytes(length));
}

async function rawOf(opened: OpenedBundle): Promise<Buffer> {
  const raw = zstdDecompressSync(await bytesOf(opened.frame()));
  assert.equal(raw.length, opened.facts.catalogLength);
  return raw;
}

function isFailed(error: unknown): boolean {
  return HoldfastError.is(error, 'failed');
}

describe('a bundle', () => {
  let small: Uint8Array;
  /** Five segments. */
  let large: Uint8Array;
  before(async () => {
    small = (await sampleBundle()).bytes;
    large = (await sampleBundle({ catalog: frameOf(noise(600_000)), entropy: entropyFrom('large') })).bytes;
  });

  it('comes back as it was written: facts, slot, catalog', async () => {
    const stored = await StoredBundle.read(bundleSourceOf(small), 'a bundle');
    assert.deepEqual(Buffer.from(stored.drSlot), Buffer.from(drSlot));
    const opened = await stored.open(bundleKey, expected);
    const { facts } = opened;
    assert.deepEqual([facts.created, facts.restorePoints, facts.base, facts.audit?.sequence], [created, 12, null, 4]);
    assert.deepEqual([Buffer.from(facts.keyring).toString(), facts.heads.keyring?.sequence, opened.header.sequence], ['a keyring', 3, 7]);
    assert.deepEqual(await rawOf(opened), catalog);
    assert.equal(opened.frameLength, zstdCompressSync(catalog).length);
    assert.equal(small.length, 65_536);
  });

  it('of any length, in pieces of any length, comes back through readers that give little at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 40_000, 130_300, 130_600, 131_072, 262_144, 400_001, 1_200_000),
        fc.nat(700),
        fc.integer({ min: 1, max: 300_000 }),
        async (most, more, pieceLength) => {
          const raw = noise(most + more);
          const { bytes } = await sampleBundle({ catalog: frameOf(raw, most > 1000 ? Math.max(500, pieceLength) : pieceLength) });
          const opened = await openSample(bytes);
          assert.deepEqual(await rawOf(opened), raw);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('C5: with any bit flipped is refused, at the latest by its last byte', async () => {
    for (const bytes of [small, large]) {
      await fc.assert(
        fc.asyncProperty(fc.oneof(fc.nat(bytes.length * 8 - 1), fc.nat(bodyAt * 8 - 1)), async (bit) => {
          await assert.rejects(readSample(flipped(bytes, bit)), (error) => ruleOf(error) !== undefined);
        }),
        { numRuns: 150 },
      );
    }
  });

  it('C6: cut, lengthened, or with segments dropped, doubled or in another order is refused', async () => {
    const segment = (from: number, to: number): Uint8Array => large.subarray(bodyAt + from * sealedSegment, bodyAt + to * sealedSegment);
    const front = large.subarray(0, bodyAt);
    const others = [
      Buffer.concat([front, segment(0, 1), segment(2, 9)]),
      Buffer.concat([front, segment(0, 2), segment(1, 9)]),
      Buffer.concat([front, segment(0, 1), segment(2, 3), segment(1, 2), segment(3, 9)]),
      Buffer.concat([front, segment(0, 4)]),
      Buffer.concat([large, Buffer.alloc(1)]),
      Buffer.concat([large, segment(0, 1)]),
    ];
    for (const bytes of others) await assert.rejects(readSample(bytes), (error) => ruleOf(error) !== undefined);
    await fc.assert(
      fc.asyncProperty(fc.nat(large.length - 1), async (length) => {
        await assert.rejects(readSample(large.subarray(0, length)), (error) => ruleOf(error) !== undefined);
      }),
      { numRuns: 100 },
    );
  });

  it('C6: that a store gives too little of, or other bytes at a second reading, is refused', async () => {
    const opened = async (read: BundleSource['read']): Promise<Buffer> => {
      const stored = await StoredBundle.read({ length: large.length, read }, 'a bundle');
      return await bytesOf((await stored.open(bundleKey, expected)).frame());
    };
    const good = bundleSourceOf(large);
    assert.equal((await opened(async (at, length) => await good.read(at, length))).length, zstdCompressSync(noise(600_000)).length);
    await assertRejected(() => opened(async (at, length) => (await good.read(at, length)).subarray(1)), 'storedLength');
    await assertRejected(() => opened(async (at, length) => (at === 0 ? await good.read(at, length) : Buffer.alloc(length))), 'segmentTag');
    await assert.rejects(
      opened(async (at, length) => (at === 0 ? await good.read(at, length) : await Promise.reject(new Error('gone')))),
      /^Error: gone$/,
    );
  });

  it('C7: with the slot of another bundle, or its body, is refused', async () => {
    const other = await sampleBundle({ drSlot: Buffer.from('{"what":"opens","is":"of yes matter here"}').subarray(0, drSlot.length) });
    const withSlot = Buffer.from(small);
    withSlot.set(other.bytes.subarray(headerLength, bodyAt), headerLength);
    await assertRejected(() => readSample(withSlot), 'headerSlotHash');
    withSlot.set(other.bytes.subarray(112, 128), 112);
    await assertRejected(() => readSample(withSlot), 'commitment');
    const withBody = Buffer.concat([large.subarray(0, bodyAt), small.subarray(bodyAt)]);
    await assertRejected(() => readSample(withBody), 'segmentTag');
  });

  it('C7: of another installation, recovery key, store or name is refused, and an object of another type is none', async () => {
    const { bytes } = await sampleBundle();
    const { name, ...unnamed } = expected;
    assert.ok(name !== undefined && (await openSample(bytes, { name })).facts.restorePoints === 12);
    const stored = await StoredBundle.read(bundleSourceOf(bytes), 'a bundle');
    const open =
      (more: object, key = bundleKey): (() => Promise<unknown>) =>
      () =>
        stored.open(key, { ...unnamed, ...more });
    await assertRejected(open({ installationId: branded<InstallationId>(newId()) }), 'headerInstallation');
    await assertRejected(open({ drkId: Buffer.alloc(16) }), 'headerScope');
    await assertRejected(open({ storeId: newId() }), 'headerStore');
    await assertRejected(open({ name: { ...name, bundleId: Buffer.alloc(16) } }), 'headerObjectId');
    await assertRejected(open({ name: { ...name, time: '20260102t030406z' } }), 'bundleName');
    await assertRejected(open({}, createSecretKey(Buffer.alloc(32))), 'commitment');
    const keys = keysNamed('bundles');
    const index = sealObject(keys.index, identityOf(keys, 'index', bundleId), Buffer.alloc(100), entropyFrom('index'));
    await assertRejected(() => StoredBundle.read(bundleSourceOf(index.bytes), 'a bundle'), 'headerType');
  });

  it('C7 D4: that somebody wrote who had the recovery key alone opens, but its owner’s tag does not hold', async () => {
    const { bytes } = await sampleBundle({ ownerKey: createSecretKey(Buffer.alloc(32, 9)) });
    const opened = await openSample(bytes);
    await assertRejected(async () => await Promise.resolve(opened.checkOwnerTag(ownerKey)), 'bundleOwnerTag');
  });

  it('is told by its first 192 bytes from what was written under no recovery key of ours', async () => {
    const first = small.subarray(0, headerLength);
    const of = { installationId: bundleInstallation, drkId };
    assert.ok(isBundleHeader(first, bundleKey, of));
    assert.ok(!isBundleHeader(first, createSecretKey(Buffer.alloc(32)), of));
    assert.ok(!isBundleHeader(first, bundleKey, { ...of, drkId: Buffer.alloc(16) }));
    assert.ok(!isBundleHeader(flipped(first, 900), bundleKey, of));
    assert.ok(!isBundleHeader(noise(192), bundleKey, of));
    assert.ok(!isBundleHeader(first.subarray(1), bundleKey, of));
  });

  it('C2: takes a key of its own each time, and is never sealed where no reader would take it', async () => {
    const one = await sampleBundle({ entropy: entropyFrom('one') });
    const other = await sampleBundle({ entropy: entropyFrom('other') });
    assert.notDeepEqual(one.bytes.subarray(128, 200), other.bytes.subarray(128, 200));
    assert.deepEqual(createHash('sha256').update(one.bytes).digest(), Buffer.from(one.sha256));
    await assert.rejects(sampleBundle({ facts: { created: 'today' } }), RangeError);
    await assert.rejects(sampleBundle({ facts: { keyring: Buffer.alloc(65_537) } }), RangeError);
    await assert.rejects(sampleBundle({ identity: { sequence: 0 } }), RangeError);
    await assert.rejects(sampleBundle({ drSlot: Buffer.alloc(longestDrSlot + 1) }), RangeError);
    assert.equal(longestDrSlot, longestOfKeys);
  });

  it('is not sealed of a catalog that is another than when it was made', async () => {
    const frame = frameOf(catalog);
    const longer = { ...frame, read: () => [Buffer.alloc(frame.length + 1)] };
    for (const other of [longer, { ...frame, length: frame.length - 1 }, { ...frame, length: frame.length + 1 }]) {
      await assert.rejects(sampleBundle({ catalog: other }), isFailed);
    }
    await assert.rejects(sampleBundle({ catalog: { ...frame, sha256: Buffer.alloc(32) } }), isFailed);
    const broken = { ...frame, read: () => [Buffer.alloc(frame.length, 1)] };
    await assert.rejects(sampleBundle({ catalog: broken }), isFailed);
    await assert.rejects(sampleBundle({ catalog: { ...frame, length: 2 ** 32, read: () => [] } }), /at most 4 GiB/);
  });

  it('stops where it is told to, while it is sealed and while it is read', async () => {
    const stop = new AbortController();
    const frame = frameOf(noise(3_000_000));
    async function* read(): AsyncGenerator<Uint8Array> {
      for await (const piece of frame.read()) {
        stop.abort(new Error('stop'));
        yield piece;
      }
    }
    await assert.rejects(sampleBundle({ catalog: { ...frame, read }, signal: stop.signal }), /^Error: stop$/);
    const opened = await openSample(large);
    await assert.rejects(bytesOf(opened.frame(stop.signal)), /^Error: stop$/);
  });

  it('C10: is padded, so that its length tells little of its catalog', async () => {
    const lengths = new Set<number>();
    for (let length = 200_000; length < 240_000; length += 4000) {
      lengths.add((await sampleBundle({ catalog: frameOf(noise(length), 50_000) })).bytes.length);
    }
    assert.ok(lengths.size <= 2);
    for (const length of lengths) assert.equal(length % 65_536, 0);
  });

  it('M5: reads no more than 4 MiB of a JSON, whatever it claims to be', async () => {
    const noisy = noise(9_000_000);
    const { bytes } = await sampleBundle({ catalog: frameOf(noisy, 1_000_000) });
    let most = 0;
    const counting: BundleSource = {
      length: bytes.length,
      read: async (at, length) => {
        most = Math.max(most, length);
        return await Promise.resolve(bytes.subarray(at, at + length));
      },
    };
    await (await StoredBundle.read(counting, 'a bundle')).open(bundleKey, expected);
    assert.ok(most < 140_000);
    const greedy = sealedBundle({ jsonLength: 8_000_000, frame: noisy });
    const source = { ...counting, length: greedy.length, read: async (at: number, length: number) => await readOf(greedy, at, length) };
    const stored = await StoredBundle.read(source, 'a bundle');
    most = 0;
    await assertRejected(() => stored.open(bundleKey, expected), 'bundleJson');
    assert.equal(most, 0);

    async function readOf(all: Buffer, at: number, length: number): Promise<Buffer> {
      most = Math.max(most, length);
      return await Promise.resolve(all.subarray(at, at + length));
    }
  });
});

describe('segments sealed as their plaintext comes', () => {
  it('C1: are those of a plaintext that was there whole, for every length and all pieces', () => {
    const { key } = deriveObjectKey(bundleKey, bytesLike(1), bytesLike(2));
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 131_071, 131_072, 131_073, 262_144, 300_000),
        fc.integer({ min: 1000, max: 200_000 }),
        (length, piece) => {
          const plaintext = noise(length);
          const whole = Buffer.alloc(length + Math.max(1, Math.ceil(length / segmentLength)) * 16);
          const inPieces = Buffer.alloc(whole.length);
          sealSegments(key, plaintext, whole);
          const sealer = new SegmentSealer(key, length, inPieces);
          for (let at = 0; at < length; at += piece) sealer.write(plaintext.subarray(at, at + piece));
          assert.throws(() => sealer.write(Buffer.of(0)), RangeError);
          sealer.finish();
          assert.deepEqual(inPieces, whole);
        },
      ),
      { numRuns: 30 },
    );
    assert.throws(() => new SegmentSealer(key, 10, Buffer.alloc(25)), RangeError);
    assert.throws(() => new SegmentSealer(key, 10, Buffer.alloc(26)).finish(), RangeError);
  });
});

function bytesLike(fill: number): Buffer {
  return Buffer.alloc(128, fill);
}
