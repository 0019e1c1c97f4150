import * as vscode from 'vscode';
import { stamp } from '../../client/shown/units.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { restorePointShow } from '../../protocol/methods/restorePoints.ts';
import { fileScheme } from '../files/lateFiles.ts';
import { placeOf, type RestorePointPlace, uriOf } from '../files/restorePointUri.ts';
import { showDiff } from '../files/showDiff.ts';
import type { Services } from '../services.ts';
import { subjectOf } from './argument.ts';

/** From a file of a restore point: shows what became of it on this machine since. */
export async function compareWithWorkspace({ daemon, files }: Services, args: readonly unknown[]): Promise<void> {
  const place = givenPlace(args);
  if (place === undefined) {
    throw new HoldfastError('badValue', 'Failed to compare: no file of a restore point was chosen.', {
      fix: 'Open one in the Restore Points view, or use "Compare with Restore Point…" on a file of yours.',
    });
  }
  const { kind, hostPath } = await files.entryAt(place);
  if (hostPath === null || kind === 'dir') {
    throw new HoldfastError('badValue', 'Failed to compare: there is no file on this machine that this one belongs to.', {
      fix: 'Restore it into a folder, and compare the two there.',
    });
  }
  const { startedAt } = await daemon.call(restorePointShow, { restorePoint: place.restorePointId });
  await showDiff(uriOf(place), vscode.Uri.file(hostPath), stamp(new Date(startedAt)));
}

/** The row that the command was called on, or the file of a restore point in the active editor. */
function givenPlace(args: readonly unknown[]): RestorePointPlace | undefined {
  const entry = subjectOf(args, 'entry');
  if (entry !== undefined) return { restorePointId: entry.restorePointId, path: entry.path };
  const [given] = args;
  const uri = given instanceof vscode.Uri ? given : vscode.window.activeTextEditor?.document.uri;
  return uri?.scheme === fileScheme ? placeOf(uri) : undefined;
}
