import * as vscode from 'vscode';
import { diagnosticsCollect } from '../../protocol/methods/diagnostics.ts';
import type { Services } from '../services.ts';

/** What somebody who helps needs to know, as a document that the user looks at before he hands it on. Nothing is sent anywhere. */
export async function collectDiagnostics({ daemon, context }: Services): Promise<void> {
  const extent = await vscode.window.showQuickPick(
    [
      {
        label: vscode.l10n.t('Without paths'),
        detail: vscode.l10n.t('Names of policies and locations are in it; no secrets, no command lines, no paths.'),
        withPaths: false,
      },
      {
        label: vscode.l10n.t('With paths'),
        detail: vscode.l10n.t('Folders, patterns and the paths in errors too; no secrets and no command lines.'),
        withPaths: true,
      },
    ],
    { title: vscode.l10n.t('Collect Diagnostics') },
  );
  if (extent === undefined) return;
  const { document } = await daemon.call(diagnosticsCollect, { withPaths: extent.withPaths });
  const { appName, remoteName = null } = vscode.env;
  const editor = { appName, version: vscode.version, remoteName, extension: context.extension.id };
  const content = `${JSON.stringify({ editor, daemon: document }, undefined, 2)}\n`;
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content, language: 'json' }));
}
