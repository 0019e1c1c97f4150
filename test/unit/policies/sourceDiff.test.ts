import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PolicyDefinition } from '../../../daemon/catalog/policyDefinition.ts';
import { usualRunRules, usualSourceRules } from '../../../protocol/methods/policies.ts';
import { RestorePointContents } from '../../../daemon/policies/restorePointContents.ts';
import { diffWithSource } from '../../../daemon/policies/sourceDiff.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import { FixtureRepository } from '../../support/fixtureRepository.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { fileEntry } from '../../support/policyBench.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';

const signal = new AbortController().signal;
const second = 1_700_000_000;
const mtime = BigInt(second) * 1_000_000_000n;

/** A folder on the disk, and a restore point that holds what it held when it was made. */
class Source implements Disposable {
  readonly folder: string = realpathSync(mkdtempSync(path.join(tmpdir(), 'hf-diff-')));

  constructor() {
    for (const [name, text] of [
      ['a', 'A'],
      ['b', 'B'],
      ['sub/x', 'X'],
    ] as const) {
      mkdirSync(path.dirname(this.at(name)), { recursive: true, mode: 0o755 });
      this.write(name, text);
    }
    symlinkSync('a', this.at('l'));
    chmodSync(this.at('sub'), 0o755);
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  write(name: string, text: string, time: number = second): void {
    writeFileSync(this.at(name), text, { mode: 0o644 });
    utimesSync(this.at(name), time, time);
  }

  async changes(definition?: Partial<PolicyDefinition>, alwaysExclude: readonly string[] = []): Promise<readonly string[]> {
    const store = new MemoryStore();
    const keys = keysNamed('source diff');
    const fixture = new FixtureRepository(store, keys);
    const file = (name: string, text: string): ReturnType<typeof fileEntry> => fileEntry(fixture, name, text, { mtime });
    const child = fixture.folder([file('x', 'X')]);
    const source = fixture.source([
      file('a', 'A'),
      file('b', 'B'),
      { name: Buffer.from('l'), kind: 'link', mode: 0o777, linkTarget: Buffer.from('a') },
      { name: Buffer.from('sub'), kind: 'directory', mode: 0o755, child },
    ]);
    const { key } = await fixture.commit([{ ...source, label: this.folder }]);
    const reader = await RestorePointReader.open(store, key, keySourceOf(keys), { storeId: store.storeId }, { signal });
    const rules = { ...usualSourceRules, ...usualRunRules, sources: [] };
    const found: string[] = [];
    const contents = new RestorePointContents(reader);
    for await (const { path: name, change } of diffWithSource(contents, { ...rules, ...definition }, alwaysExclude, signal)) {
      found.push(`${change} ${name}`);
    }
    return found;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('difference of a restore point and its source', () => {
  it('is nothing where nothing has changed', async () => {
    using source = new Source();
    assert.deepEqual(await source.changes(), []);
  });

  it('X9: names what was added, removed, modified, touched, and what is of another kind', async () => {
    using source = new Source();
    source.write('a', 'Z');
    source.write('sub/x', 'Y', second + 1);
    rmSync(source.at('b'));
    mkdirSync(source.at('b'));
    rmSync(source.at('l'));
    symlinkSync('b', source.at('l'));
    source.write('new', 'N');
    source.write('sub/X', 'case');
    assert.deepEqual(await source.changes(), ['kind b', 'modified l', 'modified sub/x', 'added sub/X', 'added new']);
    source.write('a', 'A', second + 5);
    assert.ok((await source.changes()).includes('metadata a'), 'another time and the same bytes');
    rmSync(source.folder, { recursive: true });
    assert.deepEqual(await source.changes(), ['removed ']);
  });

  it('takes no file for added that the policy leaves out, nor the folders that are always left out', async () => {
    using source = new Source();
    source.write('x.log', '');
    source.write('.gitignore', 'ignored\n');
    source.write('ignored', '');
    mkdirSync(source.at('state'));
    assert.deepEqual(await source.changes({ exclude: ['*.log'], gitignore: true }, [source.at('state')]), ['added .gitignore']);
  });

  it('X9: does not wait for a FIFO that took the place of a file, or of what steers a backup', async () => {
    using source = new Source();
    rmSync(source.at('a'));
    spawnSync('mkfifo', [source.at('a'), source.at('.gitignore')]);
    assert.deepEqual(await source.changes({ gitignore: true }), ['kind a', 'added .gitignore']);
  });
});
