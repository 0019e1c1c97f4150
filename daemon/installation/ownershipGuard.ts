import type { OpenLocation } from './locationStores.ts';

/**
 * Whether this daemon may change what a location holds: asked before each run, each manifest, each batch of retirements and each delete (docs/format.md, Recovery:
 * ownership). Extending locks goes on without asking.
 */
export interface OwnershipGuard {
  /**
   * Resolves where nobody else owns the location. `action` reads "back up policy x". Rejects with `refusedByRule` where another machine does, with `locked`, and as the
   * store does: who can not look must not go on.
   */
  check(location: Pick<OpenLocation, 'record' | 'store'>, action: string, signal: AbortSignal): Promise<void>;
}
