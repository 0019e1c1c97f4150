import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import * as z from 'zod';
import { cli, json, stateDirectory, workspaceFolder } from './extensionHost.ts';
import { readInsideInstructions } from './instructions.ts';

const backupShape = z.looseObject({ restorePointId: z.string() });
const big = 40 * 1024 * 1024;

function at(restorePointId: string, inside: string): vscode.Uri {
  return vscode.Uri.from({ scheme: 'holdfast', authority: restorePointId, path: `/${inside}` });
}

async function refusal(work: () => Thenable<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof vscode.FileSystemError, String(error));
    return error.code;
  }
  return 'none';
}

describe('restore points as a file system', () => {
  let id = '';
  const content = Buffer.alloc(big, 'holdfast ');

  before(async function (this: Mocha.Context) {
    this.timeout(60_000);
    const { passphraseFile } = readInsideInstructions();
    const folder = workspaceFolder();
    mkdirSync(path.join(folder, 'sub', 'deep'), { recursive: true });
    mkdirSync(path.join(folder, 'many'));
    writeFileSync(path.join(folder, 'letter.txt'), 'dear friend\n');
    writeFileSync(path.join(folder, 'sub', 'deep', 'big.bin'), content);
    for (let number = 0; number < 2500; number += 1) writeFileSync(path.join(folder, 'many', `file${number}`), '');
    writeFileSync(path.join(folder, 'naïve \u202etxt.exe'), 'turned');
    symlinkSync('../letter.txt', path.join(folder, 'sub', 'link'));
    symlinkSync('sub', path.join(folder, 'folderLink'));
    symlinkSync('../../outside', path.join(folder, 'sub', 'out'));
    symlinkSync('circle', path.join(folder, 'circle'));
    utimesSync(path.join(folder, 'letter.txt'), 1_700_000_000.25, 1_700_000_000.25);
    chmodSync(path.join(folder, 'letter.txt'), 0o600);
    const store = path.join(path.dirname(stateDirectory()), 'store');
    mkdirSync(store, { recursive: true });
    await json(z.unknown(), ['init', '--passphrase-file', passphraseFile]);
    await json(z.unknown(), ['location', 'add', 'filesystem', 'store', '--path', store]);
    await json(z.unknown(), ['policy', 'create', 'work', '--source', folder, '--location', 'store']);
    id = (await json(backupShape, ['backup', 'work'])).restorePointId;
  });

  it('tells size, time and kind as they were, and that nothing may be written', async () => {
    const letter = await vscode.workspace.fs.stat(at(id, 'letter.txt'));
    assert.deepEqual(
      [letter.type, letter.size, letter.mtime, letter.permissions],
      [vscode.FileType.File, 12, 1_700_000_000_250, vscode.FilePermission.Readonly],
    );
    assert.equal((await vscode.workspace.fs.stat(at(id, ''))).type, vscode.FileType.Directory);
    assert.equal((await vscode.workspace.fs.stat(at(id, 'sub/deep'))).type, vscode.FileType.Directory);
  });

  it('lists folders, long ones too, with every name as it is', async () => {
    const top = await vscode.workspace.fs.readDirectory(at(id, ''));
    assert.deepEqual(new Map(top).get('naïve \u202etxt.exe'), vscode.FileType.File);
    assert.deepEqual(top.map(([name]) => name).toSorted(), ['circle', 'folderLink', 'letter.txt', 'many', 'naïve \u202etxt.exe', 'sub']);
    assert.equal((await vscode.workspace.fs.readDirectory(at(id, 'many'))).length, 2500);
  });

  it('reads files byte for byte, large ones too', async () => {
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(at(id, 'letter.txt'))).toString(), 'dear friend\n');
    assert.ok(content.equals(await vscode.workspace.fs.readFile(at(id, 'sub/deep/big.bin'))));
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(at(id, 'naïve \u202etxt.exe'))).toString(), 'turned');
  }).timeout(30_000);

  it('follows links inside the restore point, and finds nothing behind those that lead out or in a circle', async () => {
    const link = await vscode.workspace.fs.stat(at(id, 'sub/link'));
    assert.deepEqual([link.type, link.size], [vscode.FileType.SymbolicLink | vscode.FileType.File, 12]);
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(at(id, 'sub/link'))).toString(), 'dear friend\n');
    assert.equal((await vscode.workspace.fs.stat(at(id, 'folderLink'))).type, vscode.FileType.SymbolicLink | vscode.FileType.Directory);
    const names = (await vscode.workspace.fs.readDirectory(at(id, 'folderLink'))).map(([name]) => name);
    assert.deepEqual(names.toSorted(), ['deep', 'link', 'out']);
    assert.equal(await refusal(() => vscode.workspace.fs.readFile(at(id, 'sub/out'))), 'FileNotFound');
    assert.equal(await refusal(() => vscode.workspace.fs.readFile(at(id, 'circle'))), 'FileNotFound');
  });

  it('refuses every change', async () => {
    const letter = at(id, 'letter.txt');
    for (const change of [
      () => vscode.workspace.fs.writeFile(letter, Buffer.from('x')),
      () => vscode.workspace.fs.delete(letter),
      () => vscode.workspace.fs.rename(letter, at(id, 'other')),
      () => vscode.workspace.fs.createDirectory(at(id, 'new')),
    ])
      assert.equal(await refusal(change), 'NoPermissions');
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(letter)).toString(), 'dear friend\n');
  });

  it('V4: finds nothing at addresses that lead nowhere, whatever they hold', async () => {
    const addresses = [
      at(id, 'no/such/file'),
      at('00000000-0000-4000-8000-000000000000', 'letter.txt'),
      at('latest', 'letter.txt'),
      at('', 'letter.txt'),
      at(id, '../letter.txt'),
      at(id, 'x'.repeat(100_000)),
      at(`${id}@evil`, 'letter.txt'),
    ];
    for (const address of addresses)
      assert.equal(await refusal(() => vscode.workspace.fs.readFile(address)), 'FileNotFound', address.toString().slice(0, 80));
    assert.equal(await refusal(() => vscode.workspace.fs.readFile(at(id, 'sub'))), 'FileIsADirectory');
  });

  it('opens a file as a document that cannot be edited', async () => {
    const document = await vscode.workspace.openTextDocument(at(id, 'letter.txt'));
    assert.equal(document.getText(), 'dear friend\n');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 0), 'x');
    await vscode.workspace.applyEdit(edit);
    assert.equal(
      await document.save().then(
        (saved) => saved,
        () => false,
      ),
      false,
    );
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(at(id, 'letter.txt'))).toString(), 'dear friend\n');
  });

  it('says that it is locked, and goes on once it is unlocked', async () => {
    const { passphraseFile } = readInsideInstructions();
    await cli(['lock']);
    assert.equal(await refusal(() => vscode.workspace.fs.readFile(at(id, 'sub/deep/big.bin'))), 'Unavailable');
    await json(z.unknown(), ['unlock', '--passphrase-file', passphraseFile]);
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(at(id, 'letter.txt'))).toString(), 'dear friend\n');
  }).timeout(30_000);
});
