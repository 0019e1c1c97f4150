import { createHash } from 'node:crypto';
import { deriveObjectKey } from '../../../daemon/repository/container.ts';
import { encodeBoundHeader, headerLength } from '../../../daemon/repository/header.ts';
import { IndexBuilder } from '../../../daemon/repository/indexBuilder.ts';
import { indexKey } from '../../../daemon/repository/names.ts';
import { storedLengthOf } from '../../../daemon/repository/padding.ts';
import { type IndexPin, type IndexScope, openPinnedIndex } from '../../../daemon/repository/pinnedIndex.ts';
import { checkStoredLength, sealSegments } from '../../../daemon/repository/segments.ts';
import { uuidBytes } from '../../../protocol/ids.ts';
import { identityOf, keysNamed, testStoreId } from '../repositoryKeys.ts';
import { bent, type MustRefuse, u16, u32, u64 } from './mustRefuse.ts';

const keys = keysNamed('conformance of containers');
const objectId = Buffer.alloc(16, 4);
const sequence = 3;
const bound = encodeBoundHeader(identityOf(keys, 'index', objectId, sequence));
const [emptyIndex = Buffer.alloc(0)] = new IndexBuilder().encode();
const scope: IndexScope = { installationId: keys.installationId, scopeId: uuidBytes(keys.policyId), storeId: testStoreId };

/** An authentic object under this header, whatever it says. */
function sealed(header: Uint8Array, plaintext: Uint8Array): Buffer {
  const salt = Buffer.alloc(32, 9);
  const { key, commitment } = deriveObjectKey(keys.index, header, salt);
  const body = Buffer.alloc(storedLengthOf(plaintext.length) - headerLength);
  sealSegments(key, plaintext, body);
  return Buffer.concat([header, salt, commitment, body]);
}

function plaintextOf(content: Uint8Array, padding: Uint8Array = Buffer.alloc(100), length = content.length): Buffer {
  return Buffer.concat([u64(BigInt(length)), content, padding]);
}

const good = sealed(bound, plaintextOf(emptyIndex));
const long = sealed(bound, plaintextOf(emptyIndex, Buffer.alloc(300_000)));
const sealedSegment = 131_072 + 16;

function open(stored: Uint8Array, pin: Partial<IndexPin> = {}, within: Partial<IndexScope> = {}): unknown {
  const key = indexKey(keys.installationId, keys.policyId, sequence, objectId);
  const sha256 = createHash('sha256').update(stored).digest();
  const asStored = { key, objectId, sha256, length: stored.length, salt: stored.subarray(128, 160) };
  return openPinnedIndex({ ...asStored, ...pin }, stored, { ...scope, ...within }, () => keys.index);
}

/** What all the cases bend: it opens. */
export const goodContainers: readonly (() => unknown)[] = [
  () => open(good),
  () => open(long),
  () => open(good, { length: good.length, salt: Buffer.alloc(32, 9) }, { masterKeyId: keys.masterKeyId, keyGeneration: 1 }),
];

const header = (section: string, clause: string, refused: MustRefuse['refused'], at: number, change: Uint8Array): MustRefuse => ({
  section,
  clause,
  refused,
  run: () => open(sealed(bent(bound, at, change), plaintextOf(emptyIndex))),
});
const stored = (section: string, clause: string, refused: MustRefuse['refused'], bytes: () => Uint8Array): MustRefuse => ({
  section,
  clause,
  refused,
  run: () => open(bytes()),
});
const pinned = (clause: string, refused: MustRefuse['refused'], pin: Partial<IndexPin>): MustRefuse => ({
  section: '8.2',
  clause,
  refused,
  run: () => open(good, pin),
});
const other = keysNamed('another installation');

export const containers: readonly MustRefuse[] = [
  header('4.1', 'another magic', 'headerMagic', 0, Buffer.from('h')),
  header('4.1', 'an unknown version', 'headerVersion', 8, u16(2)),
  header('4.1', 'an unknown suite', 'headerSuite', 10, u16(2)),
  header('4.1', 'an unknown type', 'headerType', 12, u16(7)),
  header('4.1', 'a keyring where an index belongs', 'headerType', 12, u16(6)),
  header('4.1', 'a manifest where an index belongs', 'headerType', 12, u16(3)),
  header('4.1', 'another header length', 'headerLength', 14, u16(128)),
  header('4.1', 'a required feature', 'headerFeatures', 16, u32(0x8000_0000)),
  header('4.1', 'keyGeneration 0 of an object of a policy', 'headerKeyGeneration', 20, u32(0)),
  header('4.6', 'another installation', 'headerInstallation', 24, uuidBytes(other.installationId)),
  header('4.6', 'another policy', 'headerScope', 56, uuidBytes(other.policyId)),
  header('4.6', 'another objectId than its name', 'headerObjectId', 72, Buffer.of(5)),
  header('4.6', 'another sequence than its name', 'headerSequence', 88, u64(4n)),
  header('1.2', 'a sequence of 0', 'headerSequence', 88, u64(0n)),
  header('1.2', 'a sequence above 2^53 - 1', 'headerSequence', 88, u64(2n ** 53n)),
  header('4.6', 'another store', 'headerStore', 96, Buffer.of(1, 2, 3)),
  header('4.1', 'bytes 112 to 128 that are not zero', 'headerSlotHash', 127, Buffer.of(1)),
  {
    section: '4.6',
    clause: 'another master key than the record',
    refused: 'headerMasterKey',
    run: () => open(good, {}, { masterKeyId: Buffer.alloc(16) }),
  },
  stored('4.1', 'fewer bytes than a header', 'headerTruncated', () => good.subarray(0, 191)),
  stored('4.2', 'a commitment that does not hold', 'commitment', () => bent(good, 191, Buffer.of((good[191] ?? 0) ^ 1))),
  stored('4.2', 'a salt that is another', 'commitment', () => bent(good, 128, Buffer.of(0))),
  stored('4.3', 'a segment whose tag does not hold', 'segmentTag', () => bent(good, 200, Buffer.of((good[200] ?? 0) ^ 1))),
  stored('4.3', 'a body without its last segment', 'segmentTag', () => long.subarray(0, headerLength + sealedSegment)),
  stored('4.3', 'segments in another order', 'segmentTag', () =>
    Buffer.concat([
      long.subarray(0, headerLength),
      long.subarray(headerLength + sealedSegment, headerLength + 2 * sealedSegment),
      long.subarray(headerLength, headerLength + sealedSegment),
      long.subarray(headerLength + 2 * sealedSegment),
    ]),
  ),
  stored('4.3', 'a body that is shorter than a tag', 'bodyLength', () => good.subarray(0, headerLength + 15)),
  stored('4.3', 'a last segment of no bytes after another one', 'bodyLength', () => long.subarray(0, headerLength + sealedSegment + 16)),
  { section: '4.3', clause: 'a pack above 256 MiB', refused: 'storedLength', run: () => checkStoredLength('pack', 2 ** 28 + 1, 'a pack') },
  {
    section: '4.3',
    clause: 'an object above 4 GiB',
    refused: 'storedLength',
    run: () => checkStoredLength('index', 2 ** 32 + 1, 'an index'),
  },
  stored('4.4', 'a content that is longer than its object', 'contentLength', () =>
    sealed(bound, plaintextOf(emptyIndex, Buffer.alloc(0), emptyIndex.length + 1)),
  ),
  stored('4.4', 'no room for a content length', 'contentLength', () => sealed(bound, Buffer.alloc(7))),
  stored('4.4', 'padding that is not zero', 'zeroPadding', () => sealed(bound, plaintextOf(emptyIndex, Buffer.of(0, 0, 1)))),
  pinned('a key outside the grammar', 'objectName', { key: '../../etc/passwd' }),
  pinned('a key of another installation', 'objectName', { key: indexKey(other.installationId, keys.policyId, sequence, objectId) }),
  pinned('a key of another policy', 'objectName', { key: indexKey(keys.installationId, other.policyId, sequence, objectId) }),
  pinned('a key that names another object', 'objectName', { objectId: Buffer.alloc(16, 5) }),
  pinned('a stored length that is another', 'storedLength', { length: good.length + 1 }),
  pinned('a SHA-256 that is another', 'storedHash', { sha256: Buffer.alloc(32) }),
  pinned('a salt that is another', 'headerSalt', { salt: Buffer.alloc(32) }),
];
