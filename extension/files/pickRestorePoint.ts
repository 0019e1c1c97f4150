import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { relative, size, stamp } from '../../client/shown/units.ts';
import { type RestorePoint, restorePointList } from '../../protocol/methods/restorePoints.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { Services } from '../services.ts';

interface PointItem extends vscode.QuickPickItem {
  readonly point: RestorePoint;
}

/** Lets the user pick one of the newest thousand restore points, of one policy or of all. `undefined` when he left; rejects where there is none. */
export async function pickRestorePoint({ daemon }: Services, title: string, policy?: string): Promise<RestorePoint | undefined> {
  const { items: points } = await daemon.call(restorePointList, { includeRetired: false, ...(policy === undefined ? {} : { policy }) });
  if (points.length === 0) {
    throw new HoldfastError('unknownName', 'Failed to find a restore point: there is none yet.', { fix: 'Back up first.' });
  }
  const now = new Date();
  const items = points.map((point): PointItem => {
    const started = new Date(point.startedAt);
    return {
      label: stamp(started),
      description: escaped(point.policy),
      detail: [relative(started, now), size(point.bytes), ...(point.verified?.result === 'ok' ? [vscode.l10n.t('verified')] : [])].join(
        ' · ',
      ),
      point,
    };
  });
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true, matchOnDetail: true, ignoreFocusOut: true });
  return picked?.point;
}
