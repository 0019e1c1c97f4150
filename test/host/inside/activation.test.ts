import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { commandIds } from '../../../extension/commandIds.ts';
import { theExtension } from './extensionHost.ts';

describe('the extension in its host', () => {
  it('is not active after the window has opened, and becomes so when a holdfast: address is read', async () => {
    assert.equal(theExtension().isActive, false);
    const address = vscode.Uri.parse('holdfast://0000000000000000/no/such/file');
    await assert.rejects(async () => await vscode.workspace.fs.readFile(address), vscode.FileSystemError);
    assert.equal(theExtension().isActive, true);
  });

  it('registers every command that it declares, and declares every one that it registers', async () => {
    await theExtension().activate();
    const registered = (await vscode.commands.getCommands(true)).filter(
      (command) => command.startsWith('holdfast.') && !/\.(focus|open|resetViewLocation|removeView|toggleVisibility)$/.test(command),
    );
    assert.deepEqual(registered.toSorted(), [...commandIds].toSorted());
  });
});
