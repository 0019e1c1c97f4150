import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { confirmed } from '../ui/confirm.ts';
import { plainText } from '../ui/plainText.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import { exists } from './exists.ts';
import { leadsTo } from './leadsTo.ts';
import { shownName } from './shownName.ts';

/**
 * Puts an earlier content into a file of this machine, byte for byte. Text goes in as one edit, so that undo brings back what was there, unsaved changes
 * included; other bytes are written, and the message offers the way back. A file that is gone is made again. Where a link has its place, the user is asked
 * whether what it leads to is meant.
 */
export async function takeBack(version: vscode.Uri, file: vscode.Uri, label: string): Promise<void> {
  if (!(await isMeant(file))) return;
  const content = await vscode.workspace.fs.readFile(version);
  const wasThere = await exists(file);
  const document = wasThere ? await openedText(file) : undefined;
  const text = textOf(content);
  if (document !== undefined && text !== undefined) {
    await replaceText(document, text);
    // What a formatter or a rule for line ends made of it on saving is not what was asked for.
    if (!Buffer.from(await vscode.workspace.fs.readFile(file)).equals(content)) await vscode.workspace.fs.writeFile(file, content);
    await vscode.window.showTextDocument(document, { preview: false });
    tellQuietly(vscode.l10n.t('{0} is as it was at {1}. Undo brings back what was there.', nameOf(file), label));
    return;
  }
  const before = wasThere ? await vscode.workspace.fs.readFile(file) : undefined;
  await vscode.workspace.fs.writeFile(file, content);
  const undo = vscode.l10n.t('Undo');
  const chosen = await vscode.window.showInformationMessage(vscode.l10n.t('{0} is as it was at {1}.', nameOf(file), label), undo);
  if (chosen !== undo) return;
  await refuseChanged(file, content);
  if (before === undefined) await vscode.workspace.fs.delete(file, { useTrash: true });
  else await vscode.workspace.fs.writeFile(file, before);
}

/** The message may stand for hours: what somebody wrote meanwhile is not to be lost by its button. */
async function refuseChanged(file: vscode.Uri, content: Uint8Array): Promise<void> {
  if ((await exists(file)) && Buffer.from(await vscode.workspace.fs.readFile(file)).equals(content)) return;
  throw HoldfastError.failedTo('refusedByRule', `undo the restore of ${nameOf(file)}`, 'it was changed since', {
    fix: 'Take the version that you want from a restore point.',
  });
}

/** Whoever can change the folder can put a link in the file's place, which leads what is written out of the folder. */
async function isMeant(file: vscode.Uri): Promise<boolean> {
  const target = await leadsTo(file.fsPath);
  if (target === undefined) return true;
  return await confirmed({
    question: vscode.l10n.t('{0} is a link. Overwrite what it leads to?', nameOf(file)),
    detail: vscode.l10n.t('It leads to {0}. That file gets the content; the link stays as it is.', plainText(target)),
    act: vscode.l10n.t('Overwrite'),
  });
}

/** `undefined` for bytes that are no UTF-8 text: those are not put through an editor, which would change them. */
function textOf(content: Uint8Array): string | undefined {
  if (content.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** `undefined` where the editor does not take the file as text: binary, too large, or in another encoding. */
async function openedText(file: vscode.Uri): Promise<vscode.TextDocument | undefined> {
  try {
    const document = await vscode.workspace.openTextDocument(file);
    return document.encoding === 'utf8' || document.encoding === 'utf8bom' ? document : undefined;
  } catch {
    return undefined;
  }
}

async function replaceText(document: vscode.TextDocument, text: string): Promise<void> {
  const all = document.validateRange(new vscode.Range(0, 0, document.lineCount, 0));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, all, text);
  if ((await vscode.workspace.applyEdit(edit)) && (await document.save())) return;
  throw new HoldfastError('failed', `Failed to put the content into ${nameOf(document.uri)}: the editor refused the edit.`, {
    fix: 'Look whether the file may be written, or restore it into another folder.',
  });
}

function nameOf(file: vscode.Uri): string {
  return shownName(file.fsPath);
}
