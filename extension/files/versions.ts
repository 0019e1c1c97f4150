import * as vscode from 'vscode';
import { relative, size, stamp } from '../../client/shown/units.ts';
import { type Change, type FileVersion, restorePointFileHistory } from '../../protocol/methods/restorePoints.ts';
import type { DaemonService } from '../connection/daemonService.ts';

/** A file that changes every hour for a year has some thousands; more than that nobody scrolls through. */
const versionsMost = 5000;

/** The versions of a file of this machine, newest first. Rejects with `unknownName` where no policy protects it. */
export async function versionsOf(daemon: DaemonService, file: vscode.Uri): Promise<readonly FileVersion[]> {
  const versions: FileVersion[] = [];
  let after: string | undefined;
  do {
    const page = await daemon.call(restorePointFileHistory, { path: file.fsPath, ...(after === undefined ? {} : { after }) });
    versions.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined && versions.length < versionsMost);
  return versions;
}

export interface VersionItem extends vscode.QuickPickItem {
  readonly version: FileVersion;
}

export function versionItem(version: FileVersion, now: Date): VersionItem {
  const words: Readonly<Record<Change, string>> = {
    added: vscode.l10n.t('added'),
    removed: vscode.l10n.t('removed'),
    modified: vscode.l10n.t('changed'),
    metadata: vscode.l10n.t('mode, owner or time changed'),
    kind: vscode.l10n.t('became another kind of file'),
  };
  const time = new Date(version.time);
  const facts = [words[version.change], ...(version.size === null ? [] : [size(version.size)])];
  return { label: stamp(time), description: relative(time, now), detail: facts.join(' · '), version };
}
