import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { shortId } from '../../client/shown/units.ts';
import { restorePointPin, restorePointRetire, restorePointUnpin, restorePointVerify } from '../../protocol/methods/restorePoints.ts';
import { ask } from '../connection/asking.ts';
import { pickRestorePoint } from '../files/pickRestorePoint.ts';
import type { Services } from '../services.ts';
import { actionTitle } from '../work/outcomeText.ts';
import { followWork } from '../work/followWork.ts';
import { subjectOf } from './argument.ts';

/** Asks how deep to look, then looks. */
export async function verifyRestorePoint(services: Services, args: readonly unknown[]): Promise<void> {
  const id = await restorePointOf(services, args, vscode.l10n.t('Verify Restore Point'));
  if (id === undefined) return;
  const depth = await vscode.window.showQuickPick(
    [
      {
        label: vscode.l10n.t('Read and check everything'),
        detail: vscode.l10n.t('Reads all of its data back from the location and decrypts it. As slow as a restore.'),
        iconPath: new vscode.ThemeIcon('verified'),
        readData: true,
      },
      {
        label: vscode.l10n.t('Check that everything is there'),
        detail: vscode.l10n.t('Looks at presence, sizes and the lists. Quick; does not see bytes that went bad.'),
        iconPath: new vscode.ThemeIcon('checklist'),
        readData: false,
      },
    ],
    { title: vscode.l10n.t('Verify Restore Point {0}', shortId(id)) },
  );
  if (depth === undefined) return;
  const { actionId } = await services.daemon.call(restorePointVerify, {
    requestId: randomUUID(),
    restorePoint: id,
    readData: depth.readData,
  });
  await followWork(services, { actionId, title: actionTitle('verify', id), view: 'holdfast.restorePoints' });
}

/** Asks first: its data can go once nothing else needs it. */
export async function retireRestorePoint(services: Services, args: readonly unknown[]): Promise<void> {
  const id = await restorePointOf(services, args, vscode.l10n.t('Retire Restore Point…'));
  if (id === undefined) return;
  const act = vscode.l10n.t('Retire Restore Point');
  await ask(services.daemon, restorePointRetire, act, (confirmed) => ({ restorePoint: id, confirmed }));
}

export async function pinRestorePoint(services: Services, args: readonly unknown[]): Promise<void> {
  const id = await restorePointOf(services, args, vscode.l10n.t('Pin Restore Point'));
  if (id !== undefined) await services.daemon.call(restorePointPin, { restorePoint: id });
}

export async function unpinRestorePoint(services: Services, args: readonly unknown[]): Promise<void> {
  const id = await restorePointOf(services, args, vscode.l10n.t('Unpin Restore Point'));
  if (id === undefined) return;
  await ask(services.daemon, restorePointUnpin, vscode.l10n.t('Unpin Restore Point'), () => ({ restorePoint: id }));
}

async function restorePointOf(services: Services, args: readonly unknown[], title: string): Promise<string | undefined> {
  return subjectOf(args, 'restorePoint')?.id ?? (await pickRestorePoint(services, title))?.id;
}
