import assert from 'node:assert/strict';
import tarStream from 'tar-stream';
import { RestorePointContents } from '../../../daemon/policies/restorePointContents.ts';
import { dumpTar } from '../../../daemon/policies/tarDump.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import { FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { fileEntry } from '../../support/policyBench.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';

const signal = new AbortController().signal;

interface Read {
  readonly name: string;
  readonly type: string | null | undefined;
  readonly mtime: number;
  readonly uid: number | undefined;
  readonly linkname: string | null | undefined;
  readonly content: string;
}

async function read(archive: Buffer): Promise<readonly Read[]> {
  const extract = tarStream.extract();
  extract.end(archive);
  const found: Read[] = [];
  for await (const entry of extract) {
    const pieces: Buffer[] = [];
    for await (const piece of entry) if (Buffer.isBuffer(piece)) pieces.push(piece);
    const { name, type, mtime, uid, linkname } = entry.header;
    found.push({ name, type, mtime: mtime?.getTime() ?? 0, uid, linkname, content: Buffer.concat(pieces).toString('latin1') });
  }
  return found;
}

async function dumped(store: MemoryStore, key: string): Promise<Buffer> {
  const keys = keySourceOf(keysNamed('tar'));
  const contents = new RestorePointContents(await RestorePointReader.open(store, key, keys, { storeId: store.storeId }, { signal }));
  const pieces: Uint8Array[] = [];
  await dumpTar(contents, '', async (bytes) => void pieces.push(Uint8Array.from(bytes)), signal);
  return Buffer.concat(pieces);
}

describe('archive of a restore point', () => {
  it('holds files, folders, links, hard links once, holes as zeros, and leaves devices out', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keysNamed('tar'));
    const linked = fixture.ids(Buffer.from('linked'));
    const long = 'n'.repeat(200);
    const written = await fixture.commit([
      fixture.source([
        fileEntry(fixture, 'a', 'A'),
        fileEntry(fixture, 'empty', ''),
        fileEntry(fixture, long, 'long name'),
        { name: Buffer.from('hole'), kind: 'file', mode: 0o644, size: 3000, extents: [] },
        { name: Buffer.from('one'), kind: 'file', mode: 0o644, size: 6, content: linked, hardLinkGroup: 3n },
        { name: Buffer.from('two'), kind: 'file', mode: 0o644, size: 6, content: linked, hardLinkGroup: 3n },
        { name: Buffer.from('link'), kind: 'link', mode: 0o777, linkTarget: Buffer.from('a') },
        { name: Buffer.from('pipe'), kind: 'fifo', mode: 0o600 },
        { name: Buffer.from('sub'), kind: 'directory', mode: 0o700, child: fixture.folder([fileEntry(fixture, 'x', 'X')]) },
      ]),
    ]);
    const found = await read(await dumped(store, written.key));
    assert.deepEqual(
      found.map(({ name, type, content }) => [name, type, content]),
      [
        ['a', 'file', 'A'],
        ['empty', 'file', ''],
        ['hole', 'file', '\0'.repeat(3000)],
        ['link', 'symlink', ''],
        [long, 'file', 'long name'],
        ['one', 'file', 'linked'],
        ['sub/', 'directory', ''],
        ['sub/x', 'file', 'X'],
        ['two', 'link', ''],
      ].toSorted(([a = ''], [b = '']) => (a.replace(/\/$/, '') < b.replace(/\/$/, '') ? -1 : 1)),
    );
    assert.equal(found.find(({ name }) => name === 'two')?.linkname, 'one');
  });

  it('F1: keeps times before 1970 and after 2038, and owners with large numbers', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keysNamed('tar'));
    const owner = { uid: 4_000_000_000, gid: 300_000 };
    const written = await fixture.commit([
      fixture.source([
        fileEntry(fixture, 'late', 'L', { mtime: 5_000_000_000n * 1_000_000_000n, owner }),
        fileEntry(fixture, 'now', 'N', { mtime: 1_700_000_000n * 1_000_000_000n }),
        fileEntry(fixture, 'old', 'O', { mtime: -86_400_500_000_000n }),
      ]),
    ]);
    const archive = await dumped(store, written.key);
    const found = await read(archive);
    assert.deepEqual(
      found.map(({ name, content }) => [name, content]),
      [
        ['late', 'L'],
        ['now', 'N'],
        ['old', 'O'],
      ],
    );
    const text = archive.toString('latin1');
    assert.match(text, / mtime=5000000000\.000000000\n/);
    assert.match(text, / uid=4000000000\n/);
    assert.match(text, / gid=300000\n/);
    assert.match(text, / mtime=-86400\.500000000\n/);
    assert.doesNotMatch(text, /-250600/, 'no sign in an octal field');
    assert.equal(found[1]?.mtime, 1_700_000_000_000);
  });
});
