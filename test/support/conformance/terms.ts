import { sealObject } from '../../../daemon/repository/container.ts';
import { openTerm, type TermKeys } from '../../../daemon/repository/term.ts';
import { entropyFrom, keysNamed, testStoreId } from '../repositoryKeys.ts';
import { bent, type MustRefuse, u32 } from './mustRefuse.ts';

const { installationId, masterKeyId, owner } = keysNamed('conformance of terms');
if (owner === undefined) throw new Error('no key');
const keys: TermKeys = { installationId, masterKeyId, ownership: owner };

const bytes32 = Buffer.alloc(32, 2).toString('base64');
const bytes16 = Buffer.alloc(16, 2).toString('base64');
const whole = {
  n: 2,
  previous: bytes32,
  machineId: '01234567-89ab-4cde-8f01-23456789abcd',
  storeTime: '2026-01-02T03:04:05.000Z',
  bundle: bytes16,
};
type Changes = Readonly<Record<string, unknown>>;

function textOf(changes: Changes = {}): string {
  return JSON.stringify({ ...whole, ...changes });
}

interface Around {
  readonly length?: number;
  readonly after?: Uint8Array;
  readonly sequence?: number;
  readonly scopeId?: Uint8Array;
}

/** An authentic container of this JSON text. */
function sealed(json: Uint8Array | string, { length, after, sequence = 2, scopeId = Buffer.alloc(16) }: Around = {}): Uint8Array {
  const text = Buffer.from(json);
  const objectId = Buffer.alloc(16, 4);
  const identity = {
    type: 'ownership',
    keyGeneration: 0,
    installationId,
    masterKeyId,
    scopeId,
    objectId,
    sequence,
    storeId: testStoreId,
  } as const;
  const content = Buffer.concat([u32(length ?? text.length), text, after ?? Buffer.alloc(0)]);
  return sealObject(keys.ownership, identity, content, entropyFrom('conformance')).bytes;
}

function open(stored: Uint8Array, number = 2): unknown {
  return openTerm(stored, keys, testStoreId, number);
}

const accepted: readonly Changes[] = [{}, { storeTime: null, bundle: null }, { 'x-more': [{ any: 1.5 }] }];

export const goodTerms: readonly (() => unknown)[] = [
  ...accepted.map((changes) => () => open(sealed(textOf(changes)))),
  () => open(sealed(textOf({ n: 1, previous: null }), { sequence: 1 }), 1),
  () => open(sealed(` { ${textOf().slice(1)} `)),
];

const json = (section: string, clause: string, text: string | Uint8Array, around: Around = {}): MustRefuse => ({
  section,
  clause,
  refused: 'termJson',
  run: () => open(sealed(text, around)),
});
const member = (section: string, clause: string, changes: Changes, around: Around = {}): MustRefuse => ({
  section,
  clause,
  refused: 'termMembers',
  run: () => open(sealed(textOf(changes), around), around.sequence ?? 2),
});
const withMember = (raw: string): string => `${textOf().slice(0, -1)},${raw}}`;

export const terms: readonly MustRefuse[] = [
  {
    section: '9.3',
    clause: 'a byte more than a term has',
    refused: 'storedLength',
    run: () => open(bent(Buffer.alloc(65_537), 0, sealed(textOf()))),
  },
  { section: '9.3', clause: 'a byte less', refused: 'storedLength', run: () => open(sealed(textOf()).subarray(0, 65_535)) },
  { section: '4.1', clause: 'the number of another term', refused: 'headerSequence', run: () => open(sealed(textOf()), 3) },
  {
    section: '4.1',
    clause: 'a scope',
    refused: 'headerScope',
    run: () => open(sealed(textOf(), { scopeId: Buffer.alloc(16, 1) })),
  },
  json('9.3', 'a length that is not that of the JSON', textOf(), { length: 1 }),
  json('9.3', 'something after the JSON', textOf(), { after: Buffer.alloc(32) }),
  json('9.3', 'no JSON', textOf().slice(0, -1)),
  json('1.3', 'a member that occurs twice', withMember('"n":2')),
  json('1.3', 'a member named __proto__', withMember('"x-a":{"__proto__":1}')),
  json('1.3', 'a number that is not written plainly', textOf().replace('"n":2', '"n":2.0')),
  json('1.3', 'invalid UTF-8', bent(Buffer.from(withMember('"x-a":"xx"')), withMember('"x-a":"xx"').indexOf('xx'), Buffer.of(0xff))),
  member('1.4', 'an unknown member', { more: 1 }),
  ...Object.keys(whole).map((name) => member('1.4', `no member ${name}`, { [name]: undefined })),
  member('1.4', 'a number as text', { n: '2' }),
  member('9.3', 'another number than its header', { n: 3 }),
  member('9.3', 'no number of a term', { n: 0 }),
  member('9.3', 'a first term with a previous one', { n: 1 }, { sequence: 1 }),
  member('9.3', 'a later term without a previous one', { previous: null }),
  member('9.3', 'a hash of another length', { previous: bytes16 }),
  member('9.3', 'a bundle of another length', { bundle: bytes32 }),
  member('9.3', 'base64 that is not canonical', { bundle: `${bytes16.slice(0, -3)}J==` }),
  member('9.3', 'a machine that is no UUID', { machineId: 'laptop' }),
  member('9.3', 'a machine in upper case', { machineId: whole.machineId.toUpperCase() }),
  member('9.3', 'a time with a zone', { storeTime: '2026-01-02T03:04:05.000+01:00' }),
];
