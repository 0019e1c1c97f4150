import { locationAdd, locationEdit, locationList, locationRemove, locationValidate } from '../../../protocol/methods/locations.ts';
import type { LocationService } from '../../installation/locationService.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function locationHandlers(locations: LocationService): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(locationAdd, (params, { signal }) => locations.add(params, signal)),
    handlerOf(locationList, (params) => Promise.resolve(locations.list(params))),
    handlerOf(locationValidate, async ({ location }, { signal }) => ({ checks: await locations.validate(location, signal) })),
    handlerOf(locationEdit, {
      rule: async ({ location }) => void locations.resolve(location),
      run: (params, { signal }) => locations.edit(params, signal),
    }),
    handlerOf(locationRemove, {
      rule: async ({ location, confirmed }) => void locations.checkRemove(location, confirmed),
      run: async ({ location, confirmed }) => locations.remove(location, confirmed),
    }),
  ];
}
