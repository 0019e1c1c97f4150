import assert from 'node:assert/strict';
import { diffRestorePoints } from '../../../daemon/policies/restorePointDiff.ts';
import { RestorePointContents } from '../../../daemon/policies/restorePointContents.ts';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import type { PolicyKeys } from '../../../daemon/repository/policyKeys.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import type { SourceId } from '../../../protocol/ids.ts';
import { FixtureRepository } from '../../support/fixtureRepository.ts';
import { branded } from '../../support/ids.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { fileEntry } from '../../support/policyBench.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';

const signal = new AbortController().signal;
const store = new MemoryStore();
const sourceId = branded<SourceId>('11111111-1111-4111-8111-111111111111');
let made = 0;

type Tree = (fixture: FixtureRepository) => readonly Entry[];

async function contentsOf(tree: Tree, keys: PolicyKeys = keysNamed('diff')): Promise<RestorePointContents> {
  made += 1;
  const fixture = new FixtureRepository(store, keys, `diff ${made}`, made);
  const written = await fixture.commit([{ ...fixture.source(tree(fixture)), id: sourceId, label: '/work' }]);
  return new RestorePointContents(
    await RestorePointReader.open(store, written.key, keySourceOf(keys), { storeId: store.storeId }, { signal }),
  );
}

async function changes(from: Tree, to: Tree, otherKeys?: PolicyKeys): Promise<readonly string[]> {
  const found: string[] = [];
  const [left, right] = [await contentsOf(from), await contentsOf(to, otherKeys)];
  for await (const { path, change } of diffRestorePoints(left, right, signal)) found.push(`${change} ${path}`);
  return found;
}

function folder(fixture: FixtureRepository, name: string, entries: readonly Entry[], changed: Partial<Entry> = {}): Entry {
  return { name: Buffer.from(name), kind: 'directory', mode: 0o755, child: fixture.folder(entries), ...changed };
}

const base: Tree = (f) => [
  fileEntry(f, 'a', 'A'),
  fileEntry(f, 'b', 'B'),
  folder(f, 'd', [fileEntry(f, 'x', 'X'), folder(f, 'e', [fileEntry(f, 'y', 'Y')])]),
  { name: Buffer.from('l'), kind: 'link', mode: 0o777, linkTarget: Buffer.from('a') },
];

describe('difference of restore points', () => {
  it('is nothing between a point and itself, and between equal trees', async () => {
    assert.deepEqual(await changes(base, base), []);
  });

  it('names what was added, removed, modified, and what is of another kind, with all below a folder', async () => {
    const after: Tree = (f) => [
      fileEntry(f, 'a', 'changed'),
      fileEntry(f, 'c', 'new'),
      fileEntry(f, 'd', 'a file now'),
      { name: Buffer.from('l'), kind: 'link', mode: 0o777, linkTarget: Buffer.from('b') },
      folder(f, 'n', [fileEntry(f, 'z', 'Z')]),
    ];
    assert.deepEqual(await changes(base, after), [
      'modified a',
      'removed b',
      'added c',
      'kind d',
      'removed d/e',
      'removed d/e/y',
      'removed d/x',
      'modified l',
      'added n',
      'added n/z',
    ]);
  });

  it('tells a change of metadata from one of content, and takes no notice of a folder’s time', async () => {
    const after: Tree = (f) => [
      fileEntry(f, 'a', 'A', { mode: 0o600 }),
      fileEntry(f, 'b', 'B', { mtime: 1n }),
      folder(f, 'd', [fileEntry(f, 'x', 'X'), folder(f, 'e', [fileEntry(f, 'y', 'Y')], { mode: 0o700 })], { mtime: 77n }),
      { name: Buffer.from('l'), kind: 'link', mode: 0o777, linkTarget: Buffer.from('a') },
    ];
    assert.deepEqual(await changes(base, after), ['metadata a', 'metadata b', 'metadata d/e']);
  });

  it('compares by size and time where the ids of two policies say nothing', async () => {
    const other = keysNamed('another policy');
    assert.deepEqual(await changes(base, base, other), []);
    const after: Tree = (f) => [...base(f).slice(1), fileEntry(f, 'a', 'B', { mtime: 5n })];
    assert.deepEqual(await changes(base, after, other), ['modified a']);
  });
});
