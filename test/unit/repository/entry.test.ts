import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { criticalTagsOf, entryKinds, tags, type Entry, type EntryKind } from '../../../daemon/repository/entry.ts';
import { decodeEntry } from '../../../daemon/repository/entryDecoder.ts';
import { encodeEntry, maxEntryLength } from '../../../daemon/repository/entryEncoder.ts';
import { nameFaultOf } from '../../../daemon/repository/entryName.ts';
import { assertRefused, assertTyped } from '../../support/refusals.ts';

const names = fc.uint8Array({ minLength: 1, maxLength: 255 }).filter((name) => nameFaultOf(name) === undefined);
const byteStrings = fc.uint8Array({ maxLength: 40 });
const words = fc.integer({ min: 0, max: 0xffff_ffff });
const times = fc.bigInt({ min: -(2n ** 40n) * 1_000_000_000n, max: 2n ** 40n * 1_000_000_000n });
const withoutNul = byteStrings.map((bytes) => bytes.map((byte) => (byte === 0 ? 1 : byte)));

const common = fc.record(
  {
    mtime: times,
    birthTime: times,
    owner: fc.record({ uid: words, gid: words }),
    ownerNames: fc.record({ user: withoutNul, group: withoutNul }),
    extendedAttributes: fc.uniqueArray(fc.record({ name: byteStrings, value: byteStrings }), {
      minLength: 1,
      maxLength: 5,
      selector: ({ name }) => Buffer.from(name).toString('hex'),
    }),
    windowsAttributes: words,
    accessLists: fc.uniqueArray(fc.record({ form: fc.integer({ min: 1, max: 4 }), bytes: byteStrings }), {
      minLength: 1,
      selector: ({ form }) => form,
    }),
    changedWhileRead: fc.constant(true),
  },
  { requiredKeys: [] },
);

const idsContent = fc.integer({ min: 1, max: 64 }).map((count) => ({ form: 'ids' as const, ids: Buffer.alloc(count * 32, count) }));
const listContent = fc.record({
  form: fc.constant('list' as const),
  id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  level: fc.integer({ min: 0, max: 4 }),
  chunks: fc.integer({ min: 65, max: 1_000_000 }),
});
const content = fc.oneof(idsContent, listContent);
const streams = fc.uniqueArray(fc.record({ name: byteStrings, size: fc.integer({ min: 1_000_000, max: 2 ** 50 }), content }), {
  maxLength: 3,
  minLength: 1,
  selector: ({ name }) => Buffer.from(name).toString('hex'),
});
const ids = fc.uint8Array({ minLength: 32, maxLength: 32 });
const hardLinkGroup = fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined });

const bodies: fc.Arbitrary<Omit<Entry, 'name' | 'mode'>> = fc.oneof(
  fc.record({ kind: fc.constantFrom('file' as const, 'stream' as const), size: fc.integer({ min: 1_000_000, max: 2 ** 50 }), content }),
  fc.record({ kind: fc.constant('file' as const), size: fc.constant(0) }),
  fc.record({ kind: fc.constant('file' as const), size: fc.constant(5_000_000), content, streams }),
  fc.record({ kind: fc.constant('file' as const), size: fc.nat(), extents: fc.constant([]) }),
  fc.record({
    kind: fc.constant('file' as const),
    size: fc.constant(9_000_000),
    content,
    extents: fc.constantFrom(
      [{ offset: 0, length: 9_000_000 }],
      [
        { offset: 5, length: 4_000_000 },
        { offset: 4_000_005, length: 2_000_000 },
      ],
    ),
  }),
  fc.record({ kind: fc.constant('directory' as const), child: ids }),
  fc.record({ kind: fc.constant('link' as const), linkTarget: withoutNul.filter((target) => target.length > 0) }),
  fc.record({ kind: fc.constantFrom('fifo' as const, 'socket' as const) }),
  fc.record({
    kind: fc.constantFrom('characterDevice' as const, 'blockDevice' as const),
    device: fc.record({ major: words, minor: words }),
  }),
);

const entries: fc.Arbitrary<Entry> = fc
  .tuple(names, fc.integer({ min: 0, max: 0o7777 }), common, bodies, hardLinkGroup)
  .map(([name, mode, rest, body, group]) => ({
    name,
    mode,
    ...rest,
    ...body,
    ...(group === undefined || body.kind === 'directory' || body.kind === 'stream' ? {} : { hardLinkGroup: group }),
  }));

/** Bytes as Buffers and repeated records in stored order, so that entries can be compared. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain).toSorted((a, b) => (JSON.stringify(a, texts) < JSON.stringify(b, texts) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

function texts(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}

function tlv(tag: number, value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'hex') : Buffer.from(value);
  const head = Buffer.alloc(5);
  head.writeUInt8(tag);
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function record(kind: EntryKind | number, tlvs: readonly Buffer[], name = Buffer.from('name'), mode = 0o644): Buffer {
  const values = Buffer.concat(tlvs);
  const head = Buffer.alloc(2 + name.length + 9);
  head.writeUInt16LE(name.length);
  head.set(name, 2);
  head.writeUInt8(typeof kind === 'number' ? kind : entryKinds[kind], 2 + name.length);
  head.writeUInt32LE(mode, 3 + name.length);
  head.writeUInt32LE(values.length, 7 + name.length);
  return Buffer.concat([head, values]);
}

function u64(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(value, index * 8);
  return bytes;
}

const size = (value: bigint): Buffer => tlv(tags.size, u64(value));
const oneId = tlv(tags.chunkIds, Buffer.alloc(32, 1));
const listTlv = (level: number, chunks: bigint): Buffer =>
  tlv(tags.list, Buffer.concat([Buffer.alloc(32, 2), Buffer.of(level), u64(chunks)]));

describe('tree entry', () => {
  it('decodes to what was encoded', () => {
    fc.assert(fc.property(entries, (entry) => assert.deepEqual(plain(decodeEntry(encodeEntry(entry))), plain(entry))));
  });

  it('stores what the page says, byte for byte', () => {
    const entry: Entry = {
      name: Buffer.from('ab'),
      kind: 'file',
      mode: 0o644,
      mtime: -1n,
      owner: { uid: 1, gid: 2 },
      size: 3,
      content: { form: 'ids', ids: Buffer.alloc(32, 7) },
    };
    assert.equal(
      encodeEntry(entry).toString('hex'),
      [
        '0200',
        '6162',
        '01',
        'a4010000',
        '50000000',
        '01',
        '0c000000',
        'ffffffffffffffff',
        'ffc99a3b',
        '03',
        '08000000',
        '01000000',
        '02000000',
        '81',
        '08000000',
        '0300000000000000',
        '82',
        '20000000',
        '07'.repeat(32),
      ].join(''),
    );
  });

  it('M6: refuses names that lead elsewhere', () => {
    for (const name of ['', '.', '..', '/', 'a/b', '/etc/passwd', '../x', 'a\0', '\0']) {
      assertRefused(() => decodeEntry(record('fifo', [], Buffer.from(name))), 'entryName');
      assert.throws(() => encodeEntry({ name: Buffer.from(name), kind: 'fifo', mode: 0 }), RangeError);
    }
    for (const name of ['...', '..a', '.a', 'a\n', '\\', 'C:', 'CON']) decodeEntry(record('fifo', [], Buffer.from(name)));
    assertRefused(() => decodeEntry(record('fifo', [], Buffer.from('a\\b')), 0x5c), 'entryName');
    assertRefused(() => decodeEntry(record('fifo', [], Buffer.from('a/b')), 0x5c), 'entryName');
  });

  it('refuses a kind that it does not know, and critical records that do not belong to the kind', () => {
    for (const kind of [0, 9, 255]) assertRefused(() => decodeEntry(record(kind, [])), 'entryKind');
    for (const tag of [0x80, 0x8a, 0xff]) {
      assertRefused(
        () =>
          decodeEntry(
            record(
              'file',
              [size(0n), tlv(tag, '')].toSorted((a, b) => a.compare(b)),
            ),
          ),
        'entryCritical',
      );
    }
    const kinds = Object.keys(entryKinds).filter((kind): kind is EntryKind => kind in entryKinds);
    for (const kind of kinds) {
      for (const tag of Object.values(tags)) {
        if (tag < 0x80 || criticalTagsOf[kind].includes(tag)) continue;
        assertRefused(() => decodeEntry(record(kind, [tlv(tag, Buffer.alloc(8))])), 'entryCritical');
      }
    }
  });

  it('skips records that it does not know and does not need', () => {
    assert.equal(decodeEntry(record('fifo', [tlv(0x00 + 0x09, 'ffff'), tlv(0x7f, '')])).kind, 'fifo');
  });

  it('names the rule that a record breaks', () => {
    const refusedTlv: Readonly<Record<string, readonly Buffer[]>> = {
      'twice the same': [size(0n), size(0n)],
      descending: [tlv(tags.owner, Buffer.alloc(8)), tlv(tags.mtime, Buffer.alloc(12))],
      'time too long': [tlv(tags.mtime, Buffer.alloc(13)), size(0n)],
      'too many nanoseconds': [tlv(tags.mtime, Buffer.concat([u64(0n), Buffer.from('00ca9a3b', 'hex')])), size(0n)],
      'owner too short': [tlv(tags.owner, Buffer.alloc(7)), size(0n)],
      'owner names without NUL': [tlv(tags.ownerNames, Buffer.from('user')), size(0n)],
      'owner names with two NULs': [tlv(tags.ownerNames, Buffer.from('a\0b\0c')), size(0n)],
      'attribute without a name': [tlv(tags.extendedAttribute, '01'), size(0n)],
      'attribute name too long': [tlv(tags.extendedAttribute, '0200ff'), size(0n)],
      'two attributes of one name': [tlv(tags.extendedAttribute, '010061ff'), tlv(tags.extendedAttribute, '010061ffff'), size(0n)],
      'attributes descending': [tlv(tags.extendedAttribute, '010062'), tlv(tags.extendedAttribute, '010061'), size(0n)],
      'windows attributes too long': [tlv(tags.windowsAttributes, Buffer.alloc(5)), size(0n)],
      'empty access list': [tlv(tags.accessList, ''), size(0n)],
      'two access lists of one form': [tlv(tags.accessList, '0101'), tlv(tags.accessList, '0102'), size(0n)],
      'a value where there is none': [tlv(tags.changedWhileRead, '00'), size(0n)],
      'size too short': [tlv(tags.size, Buffer.alloc(7))],
      'ids cut': [size(1n), tlv(tags.chunkIds, Buffer.alloc(33))],
      'no ids': [size(1n), tlv(tags.chunkIds, '')],
      'list cut': [size(100n), tlv(tags.list, Buffer.alloc(40))],
      'extents cut': [size(1n), oneId, tlv(tags.extents, Buffer.alloc(15))],
      'group too short': [size(0n), tlv(tags.hardLinkGroup, Buffer.alloc(4))],
      'stream cut': [size(0n), tlv(tags.stream, '00000000')],
    };
    for (const [name, tlvs] of Object.entries(refusedTlv)) assertRefused(() => decodeEntry(record('file', tlvs)), 'entryTlv', name);
    assertRefused(() => decodeEntry(record('link', [tlv(tags.linkTarget, '')])), 'entryTlv');
    assertRefused(() => decodeEntry(record('link', [tlv(tags.linkTarget, '6100')])), 'entryTlv');
    assertRefused(() => decodeEntry(record('directory', [tlv(tags.child, Buffer.alloc(31))])), 'entryTlv');
    assertRefused(() => decodeEntry(record('blockDevice', [tlv(tags.device, Buffer.alloc(9))])), 'entryTlv');
    const whole = record('file', [size(0n)]);
    assertRefused(() => decodeEntry(whole.subarray(0, -1)), 'entryTlv');
    assertRefused(() => decodeEntry(Buffer.concat([whole, Buffer.alloc(1)])), 'entryTlv');
    assertRefused(() => decodeEntry(record('file', [size(0n), Buffer.of(0x86, 1, 0)])), 'entryTlv');
    assertRefused(() => decodeEntry(record('file', [Buffer.of(0x81, 0xff, 0xff, 0xff, 0xff)])), 'entryTlv');
  });

  it('refuses content that does not fit the entry', () => {
    const refusedContent: Readonly<Record<string, readonly Buffer[]>> = {
      'no size': [],
      'data without chunks': [size(1n)],
      'chunks without data': [size(0n), oneId],
      'more chunks than bytes': [size(1n), tlv(tags.chunkIds, Buffer.alloc(64))],
      '65 ids': [size(1000n), tlv(tags.chunkIds, Buffer.alloc(65 * 32))],
      'ids and a list': [size(1000n), oneId, listTlv(0, 65n)],
      'a list of 64': [size(1000n), listTlv(0, 64n)],
      'size above 2^63 - 1': [size(2n ** 63n)],
      'extents descending': [size(100n), oneId, tlv(tags.extents, u64(10n, 5n, 0n, 5n))],
      'extents overlapping': [size(100n), oneId, tlv(tags.extents, u64(0n, 6n, 5n, 5n))],
      'an empty extent': [size(100n), tlv(tags.extents, u64(10n, 0n))],
      'extents beyond the size': [size(100n), oneId, tlv(tags.extents, u64(90n, 11n))],
      'extents without chunks': [size(100n), tlv(tags.extents, u64(0n, 1n))],
      'a hole with chunks': [size(100n), oneId, tlv(tags.extents, '')],
      'a stream without chunks': [size(0n), tlv(tags.stream, Buffer.concat([Buffer.from('010061', 'hex'), u64(1n), Buffer.of(0)]))],
    };
    for (const [name, tlvs] of Object.entries(refusedContent)) assertRefused(() => decodeEntry(record('file', tlvs)), 'entryContent', name);
    assertRefused(() => decodeEntry(record('directory', [])), 'entryContent');
    assertRefused(() => decodeEntry(record('link', [])), 'entryContent');
    assertRefused(() => decodeEntry(record('file', [size(1000n), listTlv(5, 65n)])), 'listLevel');
    assertRefused(() => decodeEntry(record('fifo', [], Buffer.from('a'), 0o10000)), 'entryContent');
    assert.equal(decodeEntry(record('file', [size(100n), tlv(tags.extents, '')])).size, 100);
  });

  it('names sizes that this program cannot handle as unsupported, not as damaged', () => {
    assert.throws(() => decodeEntry(record('file', [size(2n ** 63n - 1n), tlv(tags.extents, '')])), { code: 'unsupportedFormat' });
  });

  it('refuses to encode what would not be read, and entries above what a node can hold', () => {
    const file: Entry = { name: Buffer.from('f'), kind: 'file', mode: 0, size: 0 };
    assert.throws(() => encodeEntry({ ...file, mode: 0o10000 }), RangeError);
    assert.throws(() => encodeEntry({ ...file, size: 1 }), RangeError);
    assert.throws(() => encodeEntry({ ...file, child: Buffer.alloc(32) }), RangeError);
    assert.throws(() => encodeEntry({ ...file, kind: 'link', linkTarget: Buffer.alloc(0) }), RangeError);
    const twice = { name: Buffer.from('a'), value: Buffer.from('b') };
    assert.throws(() => encodeEntry({ ...file, extendedAttributes: [twice, { ...twice, value: Buffer.from('c') }] }), RangeError);
    const attribute = (length: number): Entry => ({
      ...file,
      extendedAttributes: [{ name: Buffer.from('a'), value: Buffer.alloc(length) }],
    });
    const overhead = encodeEntry(attribute(0)).length;
    assert.equal(encodeEntry(attribute(maxEntryLength - overhead)).length, maxEntryLength);
    assert.throws(() => encodeEntry(attribute(maxEntryLength - overhead + 1)), RangeError);
  });

  it('M3: reads an entry full of records in time that grows with its length', () => {
    const attributes = Array.from({ length: 60_000 }, (_, index) => {
      const name = Buffer.alloc(6);
      name.writeUInt16LE(4);
      name.writeUInt32BE(index, 2);
      return tlv(tags.extendedAttribute, name);
    });
    assert.equal(decodeEntry(record('file', [...attributes, size(0n)])).extendedAttributes?.length, 60_000);
  });

  it('M1: answers any bytes with a typed refusal', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assertTyped(() => decodeEntry(bytes))));
    fc.assert(
      fc.property(entries, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }), (entry, at, bytes) => {
        const forged = Buffer.from(encodeEntry(entry));
        const place = at % forged.length;
        forged.set(bytes.subarray(0, forged.length - place), place);
        assertTyped(() => decodeEntry(forged));
      }),
    );
    const anyTlvs = fc.array(fc.tuple(fc.constantFrom(...Object.values(tags)), fc.uint8Array({ maxLength: 70 })), { maxLength: 5 });
    fc.assert(
      fc.property(anyTlvs, fc.integer({ min: 1, max: 8 }), (tlvs, kind) => {
        const sorted = tlvs.toSorted((a, b) => a[0] - b[0]).map(([tag, value]) => tlv(tag, value));
        assertTyped(() => decodeEntry(record(kind, sorted)));
      }),
    );
  });
});
