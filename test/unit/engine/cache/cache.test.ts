import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import {
  cacheContext,
  cacheFooterLength,
  cacheHeaderLength,
  cacheRowLength,
  folderKey,
} from '../../../../daemon/engine/cache/cacheFile.ts';
import { CacheReader } from '../../../../daemon/engine/cache/cacheReader.ts';
import type { CacheKey } from '../../../../daemon/engine/cache/cacheRecord.ts';
import { CacheWriter } from '../../../../daemon/engine/cache/cacheWriter.ts';

interface Row {
  readonly name: string;
  readonly key: CacheKey;
  readonly ids: Buffer;
  readonly idsInEntry: boolean;
}

const context = cacheContext(['a', 'b']);
const plainKey: CacheKey = { device: 1n, inode: 2n, size: 3, mtime: 4n, ctime: 5n };

/** As an entry begins: its name; then whatever, and the ids where they stand in it. */
function entryOf({ name, ids, idsInEntry }: Row): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(name.length);
  return Buffer.concat([length, Buffer.from(name, 'latin1'), Buffer.from('entry'), ...(idsInEntry ? [ids] : [])]);
}

function write(path: string, folders: ReadonlyMap<string, readonly Row[]>): void {
  const writer = new CacheWriter(path, context);
  for (const [folder, rows] of folders) {
    const open = writer.folder(folderKey(folder));
    for (const row of rows) {
      const entry = entryOf(row);
      writer.add(open, row.key, entry, row.ids, row.idsInEntry ? entry.length - row.ids.length : -1);
    }
    writer.endFolder(open);
  }
  writer.finish(7, 8);
  writer.commit();
}

class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-cache-'));
  readonly path = join(this.folder, 'x.cache');

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const name = fc.string({ minLength: 1, maxLength: 12, unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)) });
const row = fc.record({
  name,
  key: fc.record({
    device: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    size: fc.maxSafeNat(),
    mtime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ctime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  ids: fc.integer({ min: 0, max: 3 }).map((count) => Buffer.alloc(count * 32, count)),
  idsInEntry: fc.boolean(),
});
const rows = fc
  .uniqueArray(row, { selector: (one) => one.name, maxLength: 8 })
  .map((all) => all.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
const folders = fc.dictionary(name, rows, { maxKeys: 5 }).map((all) => new Map(Object.entries(all)));

describe('the cache of what files looked like', () => {
  it('gives back every entry and its chunks, folder by folder', () => {
    using place = new Place();
    fc.assert(
      fc.property(folders, (written) => {
        write(place.path, written);
        using reader = CacheReader.open(place.path, context);
        assert.deepEqual([reader?.files, reader?.bytes], [7, 8]);
        for (const [folder, all] of written) {
          const cursor = reader?.folder(folderKey(folder));
          if (all.length === 0) assert.equal(cursor, undefined);
          for (const one of all) {
            const found = cursor?.find(one.name, one.key);
            assert.ok(typeof found === 'object', one.name);
            assert.deepEqual([found.entry, found.ids], [entryOf(one), one.ids]);
          }
        }
        assert.equal(reader?.folder(folderKey('a folder that nobody wrote')), undefined);
      }),
      { numRuns: 60 },
    );
  });

  it('takes a file as changed when size, mtime, ctime, inode or device differ, and as new when it is not there', () => {
    using place = new Place();
    const known: Row = { name: 'b', key: plainKey, ids: Buffer.alloc(32), idsInEntry: true };
    write(place.path, new Map([['', [known, { ...known, name: 'd' }]]]));
    const find = (asked: string, key: CacheKey): unknown => {
      using reader = CacheReader.open(place.path, context);
      return reader?.folder(folderKey(''))?.find(asked, key);
    };
    for (const change of [{ size: 4 }, { mtime: 5n }, { ctime: 6n }, { inode: 3n }, { device: 2n }]) {
      assert.equal(find('b', { ...plainKey, ...change }), 'changed', Object.keys(change).join());
    }
    for (const other of ['a', 'bb', 'c', 'e']) assert.equal(find(other, plainKey), 'new');
    assert.equal(typeof find('d', plainKey), 'object');
  });

  it('spreads a big folder over several segments and finds everything in them', () => {
    using place = new Place();
    const many = Array.from({ length: 4000 }, (_, index): Row => {
      return {
        name: String(index).padStart(6, '0'),
        key: { ...plainKey, inode: BigInt(index) },
        ids: Buffer.alloc(320, index),
        idsInEntry: false,
      };
    });
    write(place.path, new Map([['big', many]]));
    using reader = CacheReader.open(place.path, context);
    const cursor = reader?.folder(folderKey('big'));
    for (const one of many.filter((_, index) => index % 7 === 0)) assert.equal(typeof cursor?.find(one.name, one.key), 'object');
  });

  it('of another context is none', () => {
    using place = new Place();
    write(place.path, new Map([['', [{ name: 'a', key: plainKey, ids: Buffer.alloc(0), idsInEntry: false }]]]));
    assert.equal(CacheReader.open(place.path, cacheContext(['a', 'c'])), undefined);
    assert.notDeepEqual(cacheContext(['a', 'b']), cacheContext(['a\nb', '']));
  });

  it('that is cut, flipped or no cache at all never gives a wrong hit, and never stops a run', () => {
    using place = new Place();
    const known = Array.from({ length: 5 }, (_, index): Row => {
      return {
        name: `file ${index}`,
        key: { ...plainKey, inode: BigInt(index) },
        ids: Buffer.alloc(64, index),
        idsInEntry: index % 2 === 0,
      };
    });
    write(place.path, new Map([['', known]]));
    const whole = readFileSync(place.path);
    const check = (bytes: Uint8Array): void => {
      writeFileSync(place.path, bytes);
      using reader = CacheReader.open(place.path, context);
      const cursor = reader?.folder(folderKey(''));
      for (const one of known) {
        const found = cursor?.find(one.name, one.key) ?? 'new';
        if (typeof found !== 'string') assert.deepEqual([found.entry, found.ids], [entryOf(one), one.ids]);
      }
    };
    for (let length = 0; length < whole.length; length += 1) check(whole.subarray(0, length));
    for (let at = 0; at < whole.length; at += 1)
      check(Buffer.concat([whole.subarray(0, at), Buffer.from([(whole[at] ?? 0) ^ (1 << (at % 8))]), whole.subarray(at + 1)]));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { numRuns: 100 });
    check(Buffer.concat([whole, whole]));
  });

  it('with sums that hold and lengths that claim the world is none', () => {
    using place = new Place();
    write(place.path, new Map([['', [{ name: 'a', key: plainKey, ids: Buffer.alloc(32), idsInEntry: true }]]]));
    const whole = readFileSync(place.path);
    const table = whole.length - cacheFooterLength - cacheRowLength;
    for (const [offset, length] of [
      [cacheHeaderLength, 0xffffffff],
      [-1e9, 100],
      [Number.NaN, 100],
      [1e300, 10],
    ] as const) {
      const bytes = Buffer.from(whole);
      bytes.writeDoubleLE(offset, table + 16);
      bytes.writeUInt32LE(length, table + 24);
      bytes.writeUInt32LE(
        crc32(bytes.subarray(table, table + cacheRowLength), crc32(bytes.subarray(0, cacheHeaderLength))),
        bytes.length - 12,
      );
      writeFileSync(place.path, bytes);
      using reader = CacheReader.open(place.path, context);
      assert.ok(reader !== undefined);
      assert.equal(reader.folder(folderKey(''))?.find('a', plainKey) ?? 'new', 'new');
    }
    const claims = Buffer.from(whole);
    claims.writeUInt32LE(0xffffffff, claims.length - 16);
    claims.writeDoubleLE(claims.length - cacheFooterLength - 0xffffffff * cacheRowLength, claims.length - cacheFooterLength);
    writeFileSync(place.path, claims);
    assert.equal(CacheReader.open(place.path, context), undefined);
  });

  it('that is a folder is none', () => {
    using place = new Place();
    mkdirSync(place.path);
    assert.equal(CacheReader.open(place.path, context), undefined);
  });

  it('X4: on a disk that is full is given up, and the old one stays', function () {
    if (!existsSync('/dev/full')) this.skip();
    using place = new Place();
    const known: Row = { name: 'a', key: plainKey, ids: Buffer.alloc(32), idsInEntry: true };
    write(place.path, new Map([['', [known]]]));
    symlinkSync('/dev/full', `${place.path}.new`);
    const writer = new CacheWriter(place.path, context);
    const folder = writer.folder(1n);
    const entry = Buffer.concat([entryOf(known), Buffer.alloc(100_000)]);
    for (let index = 0; index < 30; index += 1) writer.add(folder, plainKey, entry, Buffer.alloc(0), -1);
    writer.endFolder(folder);
    writer.finish(1, 1);
    writer.commit();
    assert.equal(existsSync(`${place.path}.new`), false);
    using reader = CacheReader.open(place.path, context);
    assert.equal(typeof reader?.folder(folderKey(''))?.find('a', plainKey), 'object');
  });

  it('takes the place of the old one only when it is committed', () => {
    using place = new Place();
    const known: Row = { name: 'a', key: plainKey, ids: Buffer.alloc(32), idsInEntry: true };
    write(place.path, new Map([['', [known]]]));
    const writer = new CacheWriter(place.path, context);
    writer.finish(0, 0);
    writer.abandon();
    using reader = CacheReader.open(place.path, context);
    assert.equal(reader?.files, 7);
    assert.equal(existsSync(`${place.path}.new`), false);
  });
});
