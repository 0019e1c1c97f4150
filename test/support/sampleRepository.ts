import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import type { Entry } from '../../daemon/repository/entry.ts';
import type { PolicyKeys } from '../../daemon/repository/policyKeys.ts';
import { FixtureRepository, type FixtureManifest } from './fixtureRepository.ts';

export interface SampleRepository {
  readonly fixture: FixtureRepository;
  readonly written: FixtureManifest;
  /** Content of every file by its names' hex joined with `/`. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly entries: number;
}

export const oddNames: readonly Buffer[] = [
  Buffer.from('line\nbreak'),
  Buffer.from('ff01fe', 'hex'),
  Buffer.alloc(255, 0x78),
  Buffer.from('..hidden'),
  Buffer.from('ünïcode'),
  Buffer.from(' '),
];

/** Bytes that are the same on every run and do not compress to nothing. */
export function bytesOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed + 1) * 2_654_435_761;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** A tiny repository with every kind of entry: lists, sparse files, hard links, further streams, odd names, empty folders, devices. */
export async function writeSampleRepository(store: ObjectStore, keys: PolicyKeys): Promise<SampleRepository> {
  const fixture = new FixtureRepository(store, keys);
  const files = new Map<string, Buffer>();
  const file = (path: readonly string[], content: Buffer, entry: Partial<Entry> = {}): Entry => {
    const name = Buffer.from(path.at(-1) ?? '');
    files.set(path.map((part) => Buffer.from(part).toString('hex')).join('/'), content);
    const isGiven = content.length === 0 || entry.content !== undefined || entry.extents !== undefined;
    const data = isGiven ? {} : { content: fixture.ids(content) };
    return { name, kind: 'file', mode: 0o644, mtime: 1_700_000_000_123_456_789n, size: content.length, ...data, ...entry };
  };
  const big = Array.from({ length: 90 }, (_, index) => bytesOf(index, 700 + index));
  const linked = fixture.ids(bytesOf(1000, 5000));
  const sparseData = bytesOf(2000, 3000);
  const sparse = Buffer.alloc(1_000_000);
  sparseData.copy(sparse, 4096, 0, 1000);
  sparseData.copy(sparse, 500_000, 1000);
  const entries: Entry[] = [
    file(['a.txt'], Buffer.from('hello')),
    file(['empty'], Buffer.alloc(0)),
    file(['two'], Buffer.concat([bytesOf(1, 900), bytesOf(2, 901)]), { content: fixture.ids(bytesOf(1, 900), bytesOf(2, 901)) }),
    file(['big'], Buffer.concat(big), { content: fixture.list(big) }),
    file(['sparse'], sparse, {
      content: fixture.ids(sparseData.subarray(0, 2000), sparseData.subarray(2000)),
      extents: [
        { offset: 4096, length: 1000 },
        { offset: 500_000, length: 2000 },
      ],
    }),
    file(['hole'], Buffer.alloc(70_000), { extents: [] }),
    file(['linked-1'], bytesOf(1000, 5000), { content: linked, hardLinkGroup: 7n }),
    file(['linked-2'], bytesOf(1000, 5000), { content: linked, hardLinkGroup: 7n }),
    {
      ...file(['with-stream'], Buffer.from('main')),
      streams: [{ name: Buffer.from('side'), size: 4, content: fixture.ids(Buffer.from('side')) }],
      extendedAttributes: [{ name: Buffer.from('user.x'), value: Buffer.from('y') }],
    },
    { name: Buffer.from('link'), kind: 'link', mode: 0o777, linkTarget: Buffer.from('../outside') },
    { name: Buffer.from('fifo'), kind: 'fifo', mode: 0o600 },
    { name: Buffer.from('tty'), kind: 'characterDevice', mode: 0o620, device: { major: 4, minor: 1 } },
    { name: Buffer.from('void'), kind: 'directory', mode: 0o700, child: fixture.folder([]) },
  ];
  const odd = oddNames.map((name, index) => ({ ...file([name.toString('latin1')], bytesOf(index + 50, 60)), name }));
  for (const [index, name] of oddNames.entries()) {
    files.delete(Buffer.from(name.toString('latin1')).toString('hex'));
    files.set(`${Buffer.from('odd').toString('hex')}/${name.toString('hex')}`, bytesOf(index + 50, 60));
  }
  await fixture.cutPack();
  const many = Array.from({ length: 600 }, (_, index) => file(['many', `file-${index}`], Buffer.from(`number ${index % 50}`)));
  entries.push({ name: Buffer.from('odd'), kind: 'directory', mode: 0o755, child: fixture.folder(odd) });
  entries.push({ name: Buffer.from('many'), kind: 'directory', mode: 0o755, child: fixture.folder(many) });
  const written = await fixture.commit([fixture.source(entries)]);
  return { fixture, written, files, entries: entries.length + odd.length + many.length + 1 };
}
