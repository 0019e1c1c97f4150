import type { SecretRef } from '../../../protocol/method.ts';
import {
  locationAdd,
  locationCheckPlace,
  locationEdit,
  locationList,
  locationRemove,
  locationValidate,
} from '../../../protocol/methods/locations.ts';
import type { LocationService } from '../../installation/locationService.ts';
import { type BoundHandler, type HandlerContext, handlerOf } from '../handler.ts';
import { withSecret } from './passkeyHandlers.ts';

export function locationHandlers(locations: LocationService): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(locationCheckPlace, ({ keys, ...params }, context) =>
      withKeys(context, keys, (given) => locations.checkPlace({ ...params, ...given }, context.signal)),
    ),
    handlerOf(locationAdd, ({ keys, ...params }, context) =>
      withKeys(context, keys, (given) => locations.add({ ...params, ...given }, context.signal)),
    ),
    handlerOf(locationList, (params) => Promise.resolve(locations.list(params))),
    handlerOf(locationValidate, async ({ location }, { signal }) => ({ checks: await locations.validate(location, signal) })),
    handlerOf(locationEdit, {
      rule: async ({ location }) => void locations.resolve(location),
      run: ({ keys, ...params }, context) => withKeys(context, keys, (given) => locations.edit({ ...params, ...given }, context.signal)),
    }),
    handlerOf(locationRemove, {
      rule: async ({ location, confirmed }) => void locations.checkRemove(location, confirmed),
      run: async ({ location, confirmed }) => locations.remove(location, confirmed),
    }),
  ];
}

/** The keys of a bucket, where some came with the request. */
async function withKeys<Result>(
  context: HandlerContext,
  ref: SecretRef | undefined,
  run: (given: { readonly keys?: Uint8Array }) => Promise<Result>,
): Promise<Result> {
  return ref === undefined ? await run({}) : await withSecret(context, ref, (keys) => run({ keys }));
}
