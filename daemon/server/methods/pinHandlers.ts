import { restorePointPin, restorePointUnpin } from '../../../protocol/methods/restorePoints.ts';
import type { RestorePointService } from '../../policies/restorePointService.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import { stepUpNeeded } from '../rights.ts';

export function pinHandlers(points: RestorePointService): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(restorePointPin, async ({ restorePoint }) => points.setPinned(restorePoint, true)),
    handlerOf(restorePointUnpin, async ({ restorePoint }, { stepUp }) => {
      // The next runs may retire it then, which asks for a passphrase where it is done by hand.
      if (points.isHeldByPin(restorePoint) && !stepUp.isGranted()) throw stepUpNeeded();
      return points.setPinned(restorePoint, false);
    }),
  ];
}
