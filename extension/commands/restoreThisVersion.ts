import { stamp } from '../../client/shown/units.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { restorePointShow } from '../../protocol/methods/restorePoints.ts';
import { activeDiff } from '../files/activeDiff.ts';
import { placeOf } from '../files/restorePointUri.ts';
import { takeBack } from '../files/takeBack.ts';
import type { Services } from '../services.ts';

/** From a diff with a restore point: the left side takes the place of the right one. */
export async function restoreThisVersion({ daemon }: Services): Promise<void> {
  const diff = activeDiff();
  if (diff === undefined) {
    throw new HoldfastError('badValue', 'Failed to restore a version: no diff with a restore point is open.', {
      fix: 'Use "Restore File from…" on a file.',
    });
  }
  const { startedAt } = await daemon.call(restorePointShow, { restorePoint: placeOf(diff.version).restorePointId });
  await takeBack(diff.version, diff.file, stamp(new Date(startedAt)));
}
