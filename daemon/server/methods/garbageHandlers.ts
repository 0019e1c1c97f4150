import { locationCollectGarbage } from '../../../protocol/methods/garbage.ts';
import type { LocationService } from '../../installation/locationService.ts';
import type { GarbageRuns } from '../../policies/garbage/garbageRuns.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function garbageHandlers(locations: LocationService, runs: GarbageRuns): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(locationCollectGarbage, async ({ location, requestId, dryRun }) => {
      const { actionId } = runs.start(locations.resolve(location), { requestId, dryRun });
      return { actionId };
    }),
  ];
}
