import assert from 'node:assert/strict';
import { SourceLayout } from '../../../daemon/policies/sourceLayout.ts';
import type { ManifestSource } from '../../../daemon/repository/manifestTypes.ts';
import { newId } from '../../support/ids.ts';

function source(label: string, changes: Partial<ManifestSource> = {}): ManifestSource {
  return { id: newId(), kind: 'folder', label, nameEncoding: 'bytes', separator: '/', root: Buffer.alloc(32), ...changes };
}

function layoutOf(sources: readonly ManifestSource[]): SourceLayout {
  return new SourceLayout(sources, { id: '4f1c2a00', title: 'restore point 4f1c2a00 of work' });
}

function foldersOf(...labels: readonly string[]): readonly string[] {
  return layoutOf(labels.map((label) => source(label)))
    .folders()
    .map(([folder]) => folder);
}

describe('source layout', () => {
  it('one source is the top itself; several lie in folders named by the end of their paths', () => {
    assert.deepEqual(foldersOf('/home/user/work'), ['']);
    assert.deepEqual(foldersOf('/home/user/work', '/etc'), ['etc', 'work']);
  });

  it('makes names unique, also against one that looks like a made one', () => {
    assert.deepEqual(foldersOf('/a/src', '/b/src', '/c/src-2', '/d/src'), ['src', 'src-2', 'src-2-2', 'src-3'].toSorted());
  });

  it('M6: a label is never more than one harmless component', () => {
    const folders = foldersOf('/x/..', '/x/.', '/', 'C:\\..\\evil', '/a\nb\u0000c', `/${'x'.repeat(300)}`, '');
    for (const folder of folders) {
      assert.doesNotMatch(folder, /[/\\\p{Cc}]/u);
      assert.ok(folder !== '' && folder !== '.' && folder !== '..', folder);
      assert.ok(folder.length <= 110);
    }
    assert.equal(new Set(folders).size, folders.length);
  });

  it('resolves paths from the top and absolute ones inside a source, and nothing else', () => {
    const work = source('/home/user/work');
    const layout = layoutOf([work, source('/etc')]);
    assert.deepEqual(layout.resolve('work/a/b'), { kind: 'place', source: work, names: ['a', 'b'] });
    assert.deepEqual(layout.resolve('/home/user/work/./a//b'), { kind: 'place', source: work, names: ['a', 'b'] });
    assert.deepEqual(layout.resolve('/home/user/work'), { kind: 'place', source: work, names: [] });
    assert.deepEqual(layout.resolve(''), { kind: 'top' });
    assert.throws(() => layout.resolve('/home/user/worker/a'), { code: 'unknownName' });
    assert.equal(layout.covers('/home/user/work/x'), true);
    assert.equal(layout.covers('/home/user/worker'), false);
  });

  it('takes the separator of the machine that wrote a source', () => {
    const windows = source('C:\\Users\\u', { separator: '\\' });
    const layout = layoutOf([windows, source('/etc')]);
    assert.deepEqual(layout.resolve('C:\\Users\\u\\a\\b'), { kind: 'place', source: windows, names: ['a', 'b'] });
    assert.equal(layout.folderOf(windows), 'u');
  });

  it('gives what a command printed the name of the command, beside the folders of the others and unlike any of them', () => {
    const command = (label: string): ManifestSource => source(label, { kind: 'command' });
    const [alone, db, evil] = [command('db.sql'), command('work'), command('../evil')];
    assert.equal(layoutOf([alone]).outputName(alone), 'db.sql');
    const layout = layoutOf([source('/home/user/work'), db, evil]);
    assert.deepEqual(
      layout.folders().map(([name]) => name),
      ['evil', 'work', 'work-2'],
    );
    assert.deepEqual([layout.outputName(db), layout.outputName(evil)], ['work-2', 'evil']);
    assert.deepEqual(layout.resolve('work-2'), { kind: 'place', source: db, names: [] });
    assert.equal(layout.covers('work'), false);
  });
});
