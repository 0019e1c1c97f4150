import * as z from 'zod';
import type { Method, WorkParams } from '../method.ts';
import { requestId } from '../method.ts';
import type { LocationParams } from './locations.ts';
import { count, reference, storedName, time, uuid } from './values.ts';

export interface CollectGarbageParams extends LocationParams, WorkParams {
  /** Looks and counts, deletes nothing. */
  readonly dryRun: boolean;
}

/**
 * Gives back the space that nothing needs any more: what retired restore points alone reached, and what cut-short runs left. Deletes nothing that was not
 * condemned a day before. A backup of the same location may run meanwhile. The action ends as `failed` with `damaged` and its document where a policy's
 * restore points cannot all be read: nothing of that policy that they may need is deleted then. Errors: `unknownName`.
 */
export const locationCollectGarbage: Method<CollectGarbageParams, { readonly actionId: string }> = {
  name: 'location.collectGarbage',
  params: z.strictObject({ requestId, location: reference, dryRun: z.boolean() }),
  result: z.strictObject({ actionId: uuid }),
  right: 'unlocked',
  startsWork: true,
  audit: { subjects: { location: 'location' }, facts: ['dryRun'], made: { actionId: 'action' }, action: 'collectGarbage' },
};

/** The result of an action of kind `collectGarbage`. */
export interface GarbageDocument {
  readonly location: string;
  readonly locationId: string;
  /** Of a dry run: what would be freed. */
  readonly freedBytes: number;
  readonly freedObjects: number;
  /** Condemned, and deleted by the first collection at that time or later. The soonest first. */
  readonly waiting: readonly { readonly until: string; readonly bytes: number }[];
  /** Bytes in packs that stay because something else in them is needed. */
  readonly partlyUsedBytes: number;
  /** Policies of which not all was collected, or nothing, and why. */
  readonly stopped: readonly { readonly policy: string; readonly policyId: string; readonly reason: string }[];
  readonly dryRun: boolean;
}

export const garbageDocument: z.ZodType<GarbageDocument> = z.strictObject({
  location: storedName,
  locationId: uuid,
  freedBytes: count,
  freedObjects: count,
  waiting: z.array(z.strictObject({ until: time, bytes: count })),
  partlyUsedBytes: count,
  stopped: z.array(z.strictObject({ policy: z.string(), policyId: uuid, reason: z.string() })),
  dryRun: z.boolean(),
});
