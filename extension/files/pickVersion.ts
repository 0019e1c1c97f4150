import path from 'node:path';
import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { FileVersion } from '../../protocol/methods/restorePoints.ts';
import type { Services } from '../services.ts';
import { uriOf } from './restorePointUri.ts';
import { versionItem, type VersionItem, versionsOf } from './versions.ts';

/** A version of a file as a document that can be opened. */
export interface OpenableVersion {
  readonly version: FileVersion;
  readonly uri: vscode.Uri;
  /** Its time, for titles. */
  readonly label: string;
}

/** Lets the user pick a version in which the file was there. `undefined` when he left; rejects where nothing protects the file. */
export async function pickVersion({ daemon, files }: Services, file: vscode.Uri, title: string): Promise<OpenableVersion | undefined> {
  const pick = vscode.window.createQuickPick<VersionItem>();
  const name = escaped(path.basename(file.fsPath));
  pick.title = title;
  pick.placeholder = vscode.l10n.t('{0} as it was at …', name);
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.ignoreFocusOut = true;
  pick.busy = true;
  const { promise, resolve, reject } = Promise.withResolvers<FileVersion | undefined>();
  pick.onDidHide(() => resolve(undefined));
  pick.onDidAccept(() => {
    const [item] = pick.selectedItems;
    if (item !== undefined) resolve(item.version);
  });
  pick.show();
  try {
    fill(pick, daemon, file).catch(reject);
    const version = await promise;
    if (version === undefined) return undefined;
    // The daemon knows where in the restore point a path of this machine lies.
    const { path: inside } = await files.entryAt({ restorePointId: version.restorePointId, path: file.fsPath });
    const uri = uriOf({ restorePointId: version.restorePointId, path: inside });
    return { version, uri, label: versionItem(version, new Date()).label };
  } finally {
    pick.dispose();
  }
}

async function fill(pick: vscode.QuickPick<VersionItem>, daemon: Services['daemon'], file: vscode.Uri): Promise<void> {
  const versions = (await versionsOf(daemon, file)).filter(({ change }) => change !== 'removed');
  if (versions.length === 0) {
    throw new HoldfastError('unknownName', `Failed to find ${escaped(path.basename(file.fsPath))} in a restore point: none has it yet.`, {
      fix: 'Back up the policy that protects it first.',
    });
  }
  const now = new Date();
  pick.items = versions.map((version) => versionItem(version, now));
  pick.busy = false;
}
