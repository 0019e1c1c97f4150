import { createHash, createHmac } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { deriveObjectKey } from '../../../daemon/repository/container.ts';
import { encodeDrSlotSection, hashOfSection } from '../../../daemon/repository/drSlotSection.ts';
import { encodeBoundHeader, headerLength } from '../../../daemon/repository/header.ts';
import { storedLengthOf } from '../../../daemon/repository/padding.ts';
import { sealSegments } from '../../../daemon/repository/segments.ts';
import { bundleSourceOf, StoredBundle, type BundleExpectations } from '../../../daemon/repository/storedBundle.ts';
import { uuidBytes } from '../../../protocol/ids.ts';
import { testStoreId } from '../repositoryKeys.ts';
import {
  bundleId,
  bundleInstallation,
  bundleKey,
  bundleName,
  bytesOf,
  created,
  drkId,
  drSlot,
  expected,
  ownerKey,
} from '../sampleBundle.ts';
import { bent, type MustRefuse, u16, u32, u64 } from './mustRefuse.ts';

const raw = Buffer.alloc(5000, 'catalog ');
const frame = zstdCompressSync(raw);
const sha256 = createHash('sha256').update(frame).digest();
const base64 = (length: number): string => Buffer.alloc(length, 2).toString('base64');
const head = { sequence: 1, sha256: base64(32) };
const whole = {
  formatVersion: 1,
  created,
  machineId: '01234567-89ab-4cde-8f01-23456789abcd',
  keyring: base64(300),
  heads: { policies: { '01234567-89ab-4cde-8f01-23456789abcd': head }, keyring: head, term: null },
  base: null,
  restorePoints: 0,
  audit: null,
  catalogSha256: sha256.toString('base64'),
  catalogLength: raw.length,
};

export interface BentBundle {
  readonly section?: Uint8Array;
  readonly json?: string | Uint8Array;
  readonly jsonLength?: number;
  readonly tag?: Uint8Array;
  readonly frame?: Uint8Array;
  readonly frameLength?: bigint;
  readonly contentLength?: number;
  readonly after?: Uint8Array;
  readonly padding?: Uint8Array;
  readonly content?: Uint8Array;
}

const text = (changes: object = {}): string => JSON.stringify({ ...whole, ...changes });

/** An authentic object of this content, whatever it is. */
export function sealedBundle(change: BentBundle = {}): Buffer {
  const section = change.section ?? encodeDrSlotSection(drSlot);
  const bound = encodeBoundHeader({
    type: 'bundle',
    keyGeneration: 0,
    installationId: bundleInstallation,
    masterKeyId: Buffer.alloc(16, 1),
    scopeId: drkId,
    objectId: bundleId,
    sequence: 7,
    storeId: testStoreId,
    drSlotHash: hashOfSection(section),
  });
  const json = Buffer.from(change.json ?? text());
  const length = u32(change.jsonLength ?? json.length);
  const tag = change.tag ?? createHmac('sha256', ownerKey).update(bound).update(length).update(json).digest();
  const z = change.frame ?? frame;
  const content =
    change.content ?? Buffer.concat([length, json, tag, u64(change.frameLength ?? BigInt(z.length)), z, change.after ?? Buffer.alloc(0)]);
  const plaintext = Buffer.concat([u64(BigInt(change.contentLength ?? content.length)), content, change.padding ?? Buffer.alloc(50)]);
  const salt = Buffer.alloc(32, 9);
  const { key, commitment } = deriveObjectKey(bundleKey, bound, salt);
  const body = Buffer.alloc(storedLengthOf(plaintext.length) - headerLength);
  sealSegments(key, plaintext, body);
  return Buffer.concat([bound, salt, commitment, section, body]);
}

async function open(stored: Uint8Array, expecting: Partial<BundleExpectations> = {}): Promise<Buffer> {
  const bundle = await StoredBundle.read(bundleSourceOf(stored), 'a bundle');
  const opened = await bundle.open(bundleKey, { ...expected, ...expecting });
  opened.checkOwnerTag(ownerKey);
  return await bytesOf(opened.frame());
}

const good = sealedBundle();
const withJson = (changes: object): Promise<Buffer> => open(sealedBundle({ json: text(changes) }));
export const goodBundles: readonly (() => unknown)[] = [
  () => withJson({ catalogLength: 100 * frame.length + 4 * 2 ** 20 }),
  () => open(good),
  () => open(sealedBundle({ padding: Buffer.alloc(0) })),
  () => open(sealedBundle({ json: `  ${text()}\n` })),
  () => open(sealedBundle({ section: encodeDrSlotSection(Buffer.alloc(4096, 'a')) })),
  () => withJson({ base: base64(16), audit: head, restorePoints: 5, 'x-more': [1.5] }),
  () => withJson({ keyring: base64(65_536) }),
  () => withJson({ heads: { policies: { 'x-a': 1 }, keyring: null, term: head, 'x-b': 2 } }),
  () => open(sealedBundle({ json: text().replace('{', `{"x-pad":"${'x'.repeat(300_000)}",`) })),
];

const header = (clause: string, refused: MustRefuse['refused'], at: number, change: Uint8Array): MustRefuse => ({
  section: '4.1',
  clause,
  refused,
  run: () => open(bent(good, at, change)),
});
const bundle = (clause: string, refused: MustRefuse['refused'], run: () => unknown): MustRefuse => ({
  section: '9.2',
  clause,
  refused,
  run,
});
const member = (clause: string, changes: object): MustRefuse => bundle(clause, 'bundleMembers', () => withJson(changes));
const bodyAt = headerLength + 4 + drSlot.length;

export const bundles: readonly MustRefuse[] = [
  header('an unknown type', 'headerType', 12, u16(9)),
  header('a keyGeneration', 'headerKeyGeneration', 20, u32(1)),
  header('another installation', 'headerInstallation', 24, uuidBytes(testStoreId)),
  header('another recovery key', 'headerScope', 56, Buffer.alloc(16, 1)),
  header('another objectId than its name', 'headerObjectId', 72, Buffer.alloc(16, 1)),
  header('a sequence of 0', 'headerSequence', 88, u64(0n)),
  header('another store', 'headerStore', 96, Buffer.alloc(16, 1)),
  header('another hash of the slot', 'headerSlotHash', 112, Buffer.alloc(16, 1)),
  header('another slot', 'headerSlotHash', headerLength + 10, Buffer.of(0)),
  header('another length of the slot', 'headerSlotHash', headerLength, u32(drSlot.length - 1)),
  header('another masterKeyId', 'commitment', 40, Buffer.alloc(16, 9)),
  header('another salt', 'commitment', 128, Buffer.of(0)),
  header('another commitment', 'commitment', 160, bent(good, 160, Buffer.alloc(1)).subarray(160, 192).toReversed()),
  header('another body', 'segmentTag', bodyAt + 3, Buffer.of((good[bodyAt + 3] ?? 0) ^ 1)),
  bundle('a DR slot of no bytes', 'slotSection', () => open(bent(good, headerLength, u32(0)))),
  bundle('a DR slot of more than 4,096 bytes', 'slotSection', () => open(bent(good, headerLength, u32(4097)))),
  bundle('a DR slot that is cut', 'slotSection', () => open(good.subarray(0, headerLength + 20))),
  bundle('no DR slot', 'slotSection', () => open(good.subarray(0, headerLength + 3))),
  bundle('no body', 'bodyLength', () => open(good.subarray(0, bodyAt))),
  bundle('a body that is cut', 'segmentTag', () => open(good.subarray(0, -1))),
  bundle('something after its body', 'segmentTag', () => open(Buffer.concat([good, Buffer.of(0)]))),
  bundle('too little content', 'contentLength', () => open(sealedBundle({ content: Buffer.alloc(30), padding: Buffer.alloc(0) }))),
  bundle('a contentLength below its parts', 'contentLength', () => open(sealedBundle({ contentLength: 43 }))),
  bundle('a contentLength beyond the object', 'contentLength', () => open(sealedBundle({ contentLength: 2 ** 40 }))),
  bundle('a zLen that is another', 'contentLength', () => open(sealedBundle({ frameLength: BigInt(frame.length + 1) }))),
  bundle('a zLen beyond what is there', 'contentLength', () => open(sealedBundle({ frameLength: 2n ** 63n }))),
  bundle('something after its catalog', 'contentLength', () => open(sealedBundle({ after: Buffer.of(0) }))),
  bundle('padding that is not zero', 'zeroPadding', () => open(sealedBundle({ padding: Buffer.of(0, 0, 1) }))),
  bundle('a jsonLen beyond its content', 'bundleJson', () => open(sealedBundle({ jsonLength: 2 ** 32 - 1 }))),
  bundle('a JSON of more than 4 MiB', 'bundleJson', () => open(sealedBundle({ json: text().padEnd(4 * 2 ** 20 + 1) }))),
  bundle('no JSON', 'bundleJson', () => open(sealedBundle({ json: '' }))),
  bundle('a member that occurs twice', 'bundleJson', () => open(sealedBundle({ json: text().replace('{', '{"base":null,') }))),
  ...Object.keys(whole).map((name) => member(`no member ${name}`, { [name]: undefined })),
  member('an unknown member', { more: 1 }),
  member('another version', { formatVersion: 2 }),
  member('a time of another form', { created: '2026-01-02T03:04:05Z' }),
  member('a machineId that is no UUID', { machineId: 'mine' }),
  member('no keyring', { keyring: '' }),
  member('a keyring above 64 KiB', { keyring: base64(65_537) }),
  member('a keyring that is not canonical', { keyring: 'AB==' }),
  member('a base of another length', { base: base64(15) }),
  member('a negative count of restore points', { restorePoints: -1 }),
  member('a head of no sequence', { audit: { sha256: base64(32) } }),
  member('an unknown member of heads', { heads: { ...whole.heads, more: null } }),
  member('a catalog of no bytes', { catalogLength: 0 }),
  member('a catalog above 16 GiB', { catalogLength: 2 ** 34 + 1 }),
  bundle('an ownerTag that does not hold', 'bundleOwnerTag', () => open(sealedBundle({ tag: Buffer.alloc(32) }))),
  bundle('another time than its name', 'bundleName', () => withJson({ created: '2026-01-02T03:04:06.678Z' })),
  bundle('another catalog than its SHA-256', 'bundleCatalog', () => withJson({ catalogSha256: base64(32) })),
  bundle('a catalog too large for its frame', 'bundleCatalog', () => withJson({ catalogLength: 100 * frame.length + 4 * 2 ** 20 + 1 })),
  bundle('a bundle of another name', 'headerObjectId', () => open(good, { name: { ...bundleName, bundleId: Buffer.alloc(16) } })),
];
