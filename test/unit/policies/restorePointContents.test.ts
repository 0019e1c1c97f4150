import assert from 'node:assert/strict';
import { RestorePointContents, timeOf } from '../../../daemon/policies/restorePointContents.ts';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { restorePointIdOf } from '../../../daemon/repository/manifest.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import { webSocketLimits } from '../../../protocol/endpoint.ts';
import type { Entry as ShownEntry } from '../../../protocol/methods/restorePoints.ts';
import { FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { fileEntry } from '../../support/policyBench.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';
import { writeSampleRepository } from '../../support/sampleRepository.ts';

const signal = new AbortController().signal;
const keys = keysNamed('contents');

async function opened(store: MemoryStore, key: string): Promise<RestorePointContents> {
  return new RestorePointContents(await RestorePointReader.open(store, key, keySourceOf(keys), { storeId: store.storeId }, { signal }));
}

async function sample(): Promise<{ readonly contents: RestorePointContents; readonly entries: number }> {
  const store = new MemoryStore();
  const { written, entries } = await writeSampleRepository(store, keys);
  return { contents: await opened(store, written.key), entries };
}

function folder(fixture: FixtureRepository, name: string, entries: readonly Entry[]): Entry {
  return { name: Buffer.from(name), kind: 'directory', mode: 0o755, child: fixture.folder(entries) };
}

/** Two sources, one of them a single file. */
async function twoSources(): Promise<RestorePointContents> {
  const store = new MemoryStore();
  const fixture = new FixtureRepository(store, keys);
  const work = fixture.source([fileEntry(fixture, 'a', 'A'), folder(fixture, 'sub', [fileEntry(fixture, 'b', 'B')])]);
  const single = fixture.sourceOf(fixture.folder([fileEntry(fixture, 'notes.md', 'N')]));
  const written = await fixture.commit([
    { ...work, label: '/home/user/work' },
    { ...single, label: '/home/user/notes.md' },
  ]);
  return opened(store, written.key);
}

/** Entries that differ in their names. */
function numbered(count: number, prefix: string, entry: Omit<Entry, 'name'>): readonly Entry[] {
  return Array.from({ length: count }, (_, number) => ({ ...entry, name: Buffer.from(`${prefix}${String(number).padStart(4, '0')}`) }));
}

async function allPages(contents: RestorePointContents, path: string, recursive: boolean, limit: number): Promise<readonly ShownEntry[]> {
  const items: ShownEntry[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await contents.files({ restorePoint: '', path, recursive, limit, ...(after === undefined ? {} : { after }) }, signal);
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

describe('restore point contents', () => {
  it('tells of one entry itself, a folder too, and where it was on the machine', async () => {
    const contents = await twoSources();
    const stat = async (path: string): Promise<readonly [string, string, string | null]> => {
      const { path: found, kind, hostPath } = await contents.stat(path, signal);
      return [found, kind, hostPath];
    };
    assert.deepEqual(await stat(''), ['', 'dir', null]);
    assert.deepEqual(await stat('work'), ['work', 'dir', '/home/user/work']);
    assert.deepEqual(await stat('work/sub/b'), ['work/sub/b', 'file', '/home/user/work/sub/b']);
    assert.deepEqual(await stat('/home/user/work/sub'), ['work/sub', 'dir', '/home/user/work/sub']);
    assert.deepEqual(await stat('/home/user/notes.md'), ['notes.md/notes.md', 'file', '/home/user/notes.md']);
    await assert.rejects(stat('work/none'), { code: 'unknownName' });
  });

  it('says by id and policy which restore point a path is not in, also where only the path’s first name is wrong', async () => {
    const { header, manifest } = (await sample()).contents.reader;
    const id = restorePointIdOf(header.objectId).slice(0, 8);
    for (const [name, title] of [
      ['work', `restore point ${id} of work`],
      ['a\nb', `restore point ${id}`],
      [undefined, `restore point ${id}`],
    ] as const) {
      const { reader } = (await sample()).contents;
      const contents = new RestorePointContents(Object.create(reader, { manifest: { value: { ...manifest, policy: { name } } } }));
      assert.equal(contents.restorePoint.title, title);
    }
    const several = await twoSources();
    const { title, id: short } = several.restorePoint;
    for (const path of ['work/none', 'none/none']) {
      await assert.rejects(several.locate(path, signal), {
        message: `Failed to find ${JSON.stringify(path)} in ${title}: there is no such path.`,
        fix: `"holdfast restore-point files ${short}" shows what is in it.`,
      });
    }
  });

  it('lists a folder, and all below it, the same whatever the length of the pages', async () => {
    const { contents, entries } = await sample();
    const whole = await allPages(contents, '', true, 1000);
    assert.equal(whole.length, entries - 1);
    for (const limit of [1, 7, 100]) assert.deepEqual(await allPages(contents, '', true, limit), whole, `pages of ${limit}`);
    const top = await allPages(contents, '', false, 3);
    assert.deepEqual(
      top,
      whole.filter(({ path }) => !path.includes('/')),
    );
  });

  it('gives as many short entries at once as are asked for, and of long ones what a frame holds', async () => {
    const store = new MemoryStore();
    const fixture = new FixtureRepository(store, keys);
    const short = folder(fixture, 'short', numbered(1000, 'entry', { kind: 'fifo', mode: 0o644 }));
    // What JSON makes six bytes of, and a target as long as Linux has it.
    const long = folder(
      fixture,
      'long',
      numbered(60, '\u0001'.repeat(200), { kind: 'link', mode: 0o777, linkTarget: Buffer.alloc(4095, 0x01) }),
    );
    const contents = await opened(store, (await fixture.commit([fixture.source([long, short])])).key);
    const first = await contents.files({ restorePoint: '', path: 'short', recursive: false }, signal);
    assert.deepEqual([first.items.length, first.next], [1000, null]);
    const whole = await allPages(contents, 'long', false, 1000);
    assert.equal(new Set(whole.map(({ path }) => path)).size, 60);
    const page = await contents.files({ restorePoint: '', path: 'long', recursive: false }, signal);
    assert.ok(page.items.length > 1 && JSON.stringify(page).length < webSocketLimits.maxPayload / 2 + 4096);
  });

  it('finds odd names by what is shown of them, where only one name is shown so', async () => {
    const { contents } = await sample();
    const odd = await allPages(contents, 'odd', false, 100);
    for (const entry of odd) {
      const located = await contents.locate(entry.path, signal);
      assert.equal(located === undefined ? '' : contents.pathOf(located), entry.path);
    }
    assert.equal(odd.filter(({ pathBytes }) => pathBytes !== null).length, 1, 'one name is no text, and says its bytes');
    await assert.rejects(contents.locate('odd/\ufffd', signal), { code: 'unknownName' });
  });

  it('shows several sources in folders of their own, a single file under its own name', async () => {
    const contents = await twoSources();
    const whole = await allPages(contents, '', true, 1000);
    for (const limit of [1, 2]) assert.deepEqual(await allPages(contents, '', true, limit), whole);
    assert.deepEqual(
      whole.map(({ path }) => path),
      ['notes.md/notes.md', 'work', 'work/a', 'work/sub', 'work/sub/b'],
    );
    for (const path of ['work/sub/b', '/home/user/work/sub/b', '/home/user/notes.md']) {
      assert.equal((await contents.locate(path, signal))?.entry.kind, 'file', path);
    }
    for (const path of ['a', 'work/nothing', 'work/a/below-a-file', '/home/user', '..', 'work/../work/a']) {
      await assert.rejects(contents.locate(path, signal), { code: 'unknownName' }, path);
    }
  });

  it('W9: a page to go on from that this list never gave is a wrong value, and never the list from its start', async () => {
    const contents = await twoSources();
    for (const after of ['x', 'x.!!!', '00000000-0000-4000-8000-000000000000.YQ', '00000000-0000-4000-8000-000000000000', '.']) {
      await assert.rejects(contents.files({ restorePoint: '', recursive: true, after }, signal), { code: 'badValue' }, after);
    }
  });

  it('F1: writes times to the nanosecond, also before 1970 and beyond what a date can hold', () => {
    assert.equal(timeOf(0n), '1970-01-01T00:00:00.000000000Z');
    assert.equal(timeOf(-1n), '1969-12-31T23:59:59.999999999Z');
    assert.equal(timeOf(1_700_000_000_123_456_789n), '2023-11-14T22:13:20.123456789Z');
    assert.equal(timeOf(2n ** 62n).slice(0, 4), '2116');
    assert.match(timeOf(-(2n ** 63n)), /^1677-/);
  });
});
