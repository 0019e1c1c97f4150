import { decodeKeyring, encodeKeyring } from '../../../daemon/keys/keyring.ts';
import { noHeads } from '../noHeads.ts';
import { slotSchemas } from '../../../daemon/keys/slot.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { uuidBytes, type InstallationId, type StoreId } from '../../../protocol/ids.ts';
import { branded } from '../ids.ts';
import { bent, type MustRefuse, u16, u32, u64 } from './mustRefuse.ts';

const installationId = branded<InstallationId>('0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff');
const storeId = branded<StoreId>('11111111-2222-4333-8444-555555555555');
const uuid = '01234567-89ab-4cde-8f01-23456789abcd';
const createdAt = '2026-01-02T03:04:05.678Z';
const base64 = (length: number): string => Buffer.alloc(length, 7).toString('base64');
const reference = { N: 2 ** 18, r: 8, p: 1, salt: base64(32), commit: base64(32) };
const slot = { slotId: uuid, kind: 'passphrase', keyEpoch: 1, masterKeyId: base64(16), reference, createdAt, wrapped: base64(57) };
const bare = encodeKeyring(
  { objectId: Buffer.alloc(16, 1), sequence: 3, storeId },
  { keyEpoch: 1, createdAt, heads: noHeads, slots: [slotSchemas.passphrase.parse(slot)], unknownSlots: [] },
  MasterKey.fromBytes(installationId, 1, new Uint8Array(32).fill(5)),
);
const kms = { ...slot, kind: 'awsKms', reference: { keyArn: 'arn', region: 'eu' }, wrapped: base64(6144) };
const vault = {
  ...slot,
  kind: 'vaultTransit',
  reference: { address: 'https://v', namespace: null, mount: 'm', key: 'k', version: 1 },
  wrapped: base64(1),
};
const body = { keyEpoch: 1, createdAt, heads: noHeads, slots: [slot] };

function withBody(json: string): Buffer {
  return Buffer.concat([bare.subarray(0, 128), u32(Buffer.byteLength(json)), Buffer.from(json), Buffer.alloc(64)]);
}

const open = (bytes: Uint8Array): unknown => decodeKeyring(bytes, installationId);
const openBody = (json: unknown): unknown => open(withBody(JSON.stringify(json)));
const openSlot = (changes: object, of: object = slot): unknown => openBody({ ...body, slots: [{ ...of, ...changes }] });
const openReference = (changes: object, of: { readonly reference: object } = slot): unknown =>
  openSlot({ reference: { ...of.reference, ...changes } }, of);

export const goodKeyrings: readonly (() => unknown)[] = [
  () => open(bare),
  () => openBody({ ...body, slots: [] }),
  () => openBody({ ...body, 'x-more': { any: [1] } }),
  () => openBody({ ...body, slots: [slot, kms, vault] }),
  () => openBody({ ...body, slots: Array.from({ length: 32 }, () => slot) }),
  () => openBody({ ...body, slots: [{ kind: 'ofTomorrow', any: [1] }] }),
  () => openSlot({ 'x-more': 1 }),
  () => openReference({ N: 2 ** 17 }),
  () => openReference({ N: 2 ** 20, p: 4 }),
];

const header = (clause: string, refused: MustRefuse['refused'], at: number, change: Uint8Array): MustRefuse => ({
  section: '3.4',
  clause,
  refused,
  run: () => open(bent(bare, at, change)),
});
const damaged = (section: string, clause: string, run: () => unknown): MustRefuse => ({ section, clause, refused: 'damagedKeyring', run });

export const keyrings: readonly MustRefuse[] = [
  header('another magic', 'damagedKeyring', 0, Buffer.from('h')),
  header('an unknown version', 'newerKeyring', 8, u16(2)),
  header('an unknown suite', 'newerKeyring', 10, u16(2)),
  header('another type', 'damagedKeyring', 12, u16(3)),
  header('another header length', 'damagedKeyring', 14, u16(192)),
  header('a required feature', 'newerKeyring', 16, u32(1)),
  header('a keyGeneration', 'damagedKeyring', 20, u32(1)),
  header('another installation', 'damagedKeyring', 24, uuidBytes(storeId)),
  header('a sequence of 0', 'damagedKeyring', 88, u64(0n)),
  header('a sequence above 2^53 - 1', 'damagedKeyring', 88, u64(2n ** 53n)),
  header('bytes 112 to 128 that are not zero', 'damagedKeyring', 112, Buffer.of(1)),
  header('a bodyLength that is another', 'damagedKeyring', 128, u32(5)),
  header('a drMac without a DR key', 'damagedKeyring', bare.length - 1, Buffer.of(1)),
  damaged('3.4', 'fewer bytes than its parts', () => open(bare.subarray(0, 131))),
  damaged('3.4', 'something after its drMac', () => open(Buffer.concat([bare, Buffer.of(0)]))),
  damaged('3.4', 'more than 64 KiB', () => open(withBody(JSON.stringify(body) + ' '.repeat(65_536)))),
  damaged('1.3', 'nesting deeper than 8', () => openBody({ ...body, 'x-a': [[[[[[[[1]]]]]]]] })),
  damaged('1.3', 'a member that occurs twice', () => open(withBody(`${JSON.stringify(body).slice(0, -1)},"keyEpoch":1}`))),
  damaged('1.3', 'a number with a fraction of zero', () =>
    open(withBody(JSON.stringify(body).replace('"keyEpoch":1,', '"keyEpoch":1.0,'))),
  ),
  damaged('1.4', 'an unknown member', () => openBody({ ...body, more: 1 })),
  ...Object.keys(body).map((name) => damaged('1.4', `no member ${name}`, () => openBody({ ...body, [name]: undefined }))),
  damaged('1.4', 'an unknown member of a slot', () => openSlot({ more: 1 })),
  ...Object.keys(slot).map((name) => damaged('3.1', `a slot without ${name}`, () => openSlot({ [name]: undefined }))),
  damaged('1.4', 'an unknown member of a reference', () => openReference({ more: 1 })),
  damaged('1.4', 'an unknown member of heads', () => openBody({ ...body, heads: { ...noHeads, more: 1 } })),
  damaged('3.4', 'keyEpoch 0', () => openBody({ ...body, keyEpoch: 0 })),
  damaged('3.4', 'a keyEpoch above 2^32 - 1', () => openBody({ ...body, keyEpoch: 2 ** 32 })),
  damaged('3.4', 'more than 32 slots', () => openBody({ ...body, slots: Array.from({ length: 33 }, () => slot) })),
  damaged('3.4', 'a slot whose kind is no string', () => openBody({ ...body, slots: [{ kind: 1 }] })),
  damaged('3.1', 'a slotId that is no UUID', () => openSlot({ slotId: 'one' })),
  damaged('3.1', 'a slot of keyEpoch 0', () => openSlot({ keyEpoch: 0 })),
  damaged('3.1', 'a masterKeyId of another length', () => openSlot({ masterKeyId: base64(15) })),
  damaged('3.1', 'a passphrase slot that wraps other than 57 bytes', () => openSlot({ wrapped: base64(56) })),
  damaged('3.1', 'a service’s slot that wraps more than 6,144 bytes', () => openSlot({ wrapped: base64(6145) }, kms)),
  damaged('3.1', 'a service’s slot that wraps nothing', () => openSlot({ wrapped: '' }, vault)),
  damaged('3.1', 'an empty string in a reference', () => openReference({ region: '' }, kms)),
  damaged('3.1', 'a string of more than 2,048 characters in a reference', () => openReference({ mount: 'm'.repeat(2049) }, vault)),
  damaged('3.1', 'version 0 in a reference', () => openReference({ version: 0 }, vault)),
  damaged('3.1', 'a reference without a member', () => openReference({ namespace: undefined }, vault)),
  ...[2 ** 16, 2 ** 21, 2 ** 18 + 1, -1].map((N) => damaged('3.2', `scrypt N of ${N}`, () => openReference({ N }))),
  ...[1, 9].map((r) => damaged('3.2', `scrypt r of ${r}`, () => openReference({ r }))),
  ...[0, 5].map((p) => damaged('3.2', `scrypt p of ${p}`, () => openReference({ p }))),
  damaged('3.2', 'a salt of 31 bytes', () => openReference({ salt: base64(31) })),
  damaged('3.2', 'a commit of 31 bytes', () => openReference({ commit: base64(31) })),
  damaged('1.3', 'base64 that is not canonical', () => openReference({ salt: `${base64(32).slice(0, -2)}/=` })),
];
