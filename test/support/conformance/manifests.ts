import { createHmac } from 'node:crypto';
import { sealObject } from '../../../daemon/repository/container.ts';
import { encodeBoundHeader } from '../../../daemon/repository/header.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { decodeLiveList } from '../../../daemon/repository/liveList.ts';
import { openManifest } from '../../../daemon/repository/manifest.ts';
import { restorePointKey } from '../../../daemon/repository/names.ts';
import { entropyFrom, identityOf, keysNamed } from '../repositoryKeys.ts';
import { bent, type MustRefuse, u16, u32, u64 } from './mustRefuse.ts';

const keys = keysNamed('conformance of manifests');
const objectId = Buffer.alloc(16, 4);
const uuid = '01234567-89ab-4cde-8f01-23456789abcd';
const bytes32 = Buffer.alloc(32, 2).toString('base64');
const bytes16 = Buffer.alloc(16, 2).toString('base64');
const finished = '2026-01-02T03:04:05.678Z';
const head = { sequence: 1, sha256: bytes32 };
const source = { id: uuid, kind: 'folder', label: '/home', nameEncoding: 'bytes', separator: '/', root: bytes32 };
const index = { key: 'any', versionId: null, length: 1, sha256: bytes32, objectId: bytes16, salt: bytes32 };
const live = { sequence: 1, objectId: bytes16, versionId: null, sha256: bytes32 };
const params = { chunker: 'c', min: 0, avg: 0, max: 0, codec: 'c', padding: 'p' };
const heads = { policies: { [uuid]: head }, keyring: head, term: null };

const whole = {
  formatVersion: 1,
  writer: 'somebody',
  policyId: keys.policyId,
  policy: { rate: 1.5 },
  sequence: 2,
  previous: bytes32,
  claimed: { started: null, finished, storeTime: null },
  keyGeneration: 1,
  sources: [source],
  indexes: [index],
  live: [live],
  heads,
  params,
  statistics: {},
  warnings: ['one'],
};

type Changes = Readonly<Record<string, unknown>>;

function textOf(changes: Changes): string {
  return JSON.stringify({ ...whole, ...changes });
}

/** An authentic manifest of this JSON text. */
function sealed(
  json: Uint8Array | string,
  more: { readonly tag?: Uint8Array; readonly after?: Uint8Array; readonly length?: number } = {},
): Uint8Array {
  const text = Buffer.from(json);
  const length = u32(more.length ?? text.length);
  const identity = identityOf(keys, 'manifest', objectId, 2);
  const owner = createHmac('sha256', keys.owner ?? '');
  const tag = more.tag ?? owner.update(encodeBoundHeader(identity)).update(length).update(text).digest();
  const content = Buffer.concat([length, text, tag, more.after ?? Buffer.alloc(0)]);
  return sealObject(keys.manifest, identity, content, entropyFrom('conformance')).bytes;
}

function open(stored: Uint8Array, key = restorePointKey(keys.installationId, keys.policyId, 2, finished, objectId)): unknown {
  return openManifest(stored, keySourceOf(keys), { key }, 'a restore point');
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

const accepted: readonly Changes[] = [
  {},
  { policy: undefined, statistics: undefined, warnings: undefined },
  { 'x-more': { any: [1] }, claimed: { ...whole.claimed, 'x-y': 1 }, heads: { ...heads, policies: { ...heads.policies, 'x-z': 1 } } },
  { live: { id: bytes32, count: 257 } },
  { sources: [{ ...source, kind: 'command' }] },
  { sources: [{ ...source, separator: '\\' }] },
  { policy: nested(63) },
  { indexes: Array.from({ length: 256 }, () => index), live: Array.from({ length: 256 }, () => live) },
];

const liveRow = (sequence: bigint, version = ''): Buffer =>
  Buffer.concat([u64(sequence), Buffer.alloc(48, 1), u16(Buffer.byteLength(version)), Buffer.from(version)]);
const liveChunk = Buffer.concat([Buffer.from('HFV1'), u32(2), liveRow(1n), liveRow(2n, 'v')]);

export const goodManifests: readonly (() => unknown)[] = [
  ...accepted.map((changes) => () => open(sealed(textOf(changes)))),
  () => decodeLiveList(liveChunk, 2, 'a list'),
];

const json = (section: string, clause: string, text: string | Uint8Array): MustRefuse => ({
  section,
  clause,
  refused: 'manifestJson',
  run: () => open(sealed(text)),
});
const member = (section: string, clause: string, changes: Changes): MustRefuse => ({
  section,
  clause,
  refused: 'manifestMembers',
  run: () => open(sealed(textOf(changes))),
});
const list = (clause: string, chunk: Uint8Array, count = 2): MustRefuse => ({
  section: '8.3',
  clause,
  refused: 'liveList',
  run: () => decodeLiveList(chunk, count, 'a list'),
});
const without = (name: string): Changes => ({ [name]: undefined });
const withMember = (raw: string): string => `${textOf({}).slice(0, -1)},${raw}}`;
const timed = (time: string): Changes => ({ claimed: { started: time, finished, storeTime: null } });

export const manifests: readonly MustRefuse[] = [
  json('1.3', 'invalid UTF-8', bent(Buffer.from(textOf({ writer: 'xx' })), textOf({}).indexOf('somebody'), Buffer.of(0xff))),
  json('1.3', 'a BOM', `\uFEFF${textOf({})}`),
  json('1.3', 'a member that occurs twice', withMember('"writer":"again"')),
  json('1.3', 'a member named __proto__, at any level', withMember('"x-a":[{"__proto__":1}]')),
  json('1.3', 'half a surrogate pair', withMember('"x-a":"\\ud800"')),
  json('1.3', 'nesting deeper than 64', textOf({ policy: nested(64) })),
  json('1.3', 'something after the JSON', `${textOf({})}1`),
  json('1.3', 'no JSON', textOf({}).slice(0, -1)),
  ...['1.0', '1e3', '-0', 'NaN', '9007199254740992', '01', '+1'].map((number) =>
    json('1.3', `the number ${number}`, withMember(`"x-a":${number}`)),
  ),
  ...[
    '2026-1-02T03:04:05.678Z',
    '2026-01-02T03:04:05Z',
    '2026-02-30T03:04:05.678Z',
    '2026-01-02T24:00:00.000Z',
    '2026-01-02T03:04:60.000Z',
    '2026-01-02T03:04:05.678+00:00',
  ].map((time) => member('1.3', `the time ${time}`, timed(time))),
  member('1.3', 'base64 that is not canonical', { previous: `${bytes32.slice(0, -2)}J=` }),
  member('1.3', 'base64 without padding', { previous: bytes32.slice(0, -1) }),
  member('1.3', 'a UUID in upper case', { sources: [{ ...source, id: uuid.toUpperCase() }] }),
  member('1.4', 'an unknown member', { more: 1 }),
  ...Object.keys(whole)
    .filter((name) => !['policy', 'statistics', 'warnings'].includes(name))
    .map((name) => member('1.4', `no member ${name}`, without(name))),
  member('1.4', 'an unknown member of claimed', { claimed: { ...whole.claimed, more: 1 } }),
  member('1.4', 'an unknown member of a source', { sources: [{ ...source, more: 1 }] }),
  member('1.4', 'an unknown member of an index', { indexes: [{ ...index, more: 1 }] }),
  member('1.4', 'an unknown member of a live restore point', { live: [{ ...live, more: 1 }] }),
  member('1.4', 'an unknown member of heads', { heads: { ...heads, more: 1 } }),
  member('1.4', 'an unknown member of params', { params: { ...params, more: 1 } }),
  member('1.4', 'a member of another type', { params: { ...params, min: '1' } }),
  member('8.2', 'another formatVersion', { formatVersion: 2 }),
  member('8.2', 'another policyId than its header', { policyId: uuid }),
  member('8.2', 'another sequence than its header', { sequence: 3 }),
  member('8.2', 'another keyGeneration than its header', { keyGeneration: 2 }),
  member('8.2', 'a previous of another length', { previous: bytes16 }),
  member('8.2', 'claimed.finished of null', { claimed: { ...whole.claimed, finished: null } }),
  member('8.2', 'a source id that is no UUID', { sources: [{ ...source, id: '../..' }] }),
  member('8.2', 'two sources of one id', { sources: [source, source] }),
  member('8.2', 'a source of an unknown kind', { sources: [{ ...source, kind: 'volume' }] }),
  member('8.2', 'an unknown nameEncoding', { sources: [{ ...source, nameEncoding: 'utf-8' }] }),
  ...[null, '', '//', ':'].map((separator) =>
    member('8.2', `the separator ${JSON.stringify(separator)}`, { sources: [{ ...source, separator }] }),
  ),
  member('8.2', 'a command whose separator is not /', { sources: [{ ...source, kind: 'command', separator: '\\' }] }),
  member('8.2', 'more than 256 indexes', { indexes: Array.from({ length: 257 }, () => index) }),
  member('8.2', 'an index of length 0', { indexes: [{ ...index, length: 0 }] }),
  member('8.2', 'a head of a policy that is no UUID', { heads: { ...heads, policies: { x: head } } }),
  member('8.2', 'a head of sequence 0', { heads: { ...heads, keyring: { ...head, sequence: 0 } } }),
  member('8.3', 'more than 256 live restore points in the manifest', { live: Array.from({ length: 257 }, () => live) }),
  member('8.3', 'a list of live restore points with a count below 257', { live: { id: bytes32, count: 256 } }),
  {
    section: '8.1',
    clause: 'an ownerTag that does not hold',
    refused: 'manifestOwnerTag',
    run: () => open(sealed(textOf({}), { tag: Buffer.alloc(32) })),
  },
  {
    section: '8.1',
    clause: 'something after the ownerTag',
    refused: 'manifestJson',
    run: () => open(sealed(textOf({}), { after: Buffer.of(0) })),
  },
  { section: '8.1', clause: 'a jsonLen that is another', refused: 'manifestJson', run: () => open(sealed(textOf({}), { length: 5 })) },
  { section: '10.1', clause: 'a name of another kind', refused: 'objectName', run: () => open(sealed(textOf({})), 'elsewhere') },
  {
    section: '10.1',
    clause: 'a time in its name that is not that of the JSON',
    refused: 'manifestName',
    run: () => open(sealed(textOf({})), restorePointKey(keys.installationId, keys.policyId, 2, '2026-01-02T03:04:06.000Z', objectId)),
  },
  list('another magic', bent(liveChunk, 3, Buffer.from('2'))),
  list('another count than the manifest', liveChunk, 3),
  list('a list that is cut', liveChunk.subarray(0, -1)),
  list('something after its rows', Buffer.concat([liveChunk, Buffer.of(0)])),
  list('rows that do not ascend', Buffer.concat([liveChunk.subarray(0, 8), liveRow(2n), liveRow(1n)])),
  list('a row twice', Buffer.concat([liveChunk.subarray(0, 8), liveRow(1n), liveRow(1n)])),
  list('a sequence of 0', Buffer.concat([liveChunk.subarray(0, 8), liveRow(0n), liveRow(1n)])),
  list('a version id that is not UTF-8', bent(liveChunk, liveChunk.length - 1, Buffer.of(0x80))),
];
