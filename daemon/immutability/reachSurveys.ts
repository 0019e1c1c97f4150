import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId, PolicyId } from '../../protocol/ids.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { Installation } from '../installation/installation.ts';
import { keySourceOf } from '../repository/keySource.ts';
import { unknownReach } from './keptObjects.ts';
import { surveyReach } from './reachSurvey.ts';

export interface ReachSurveysOptions {
  readonly installation: Installation;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly wallClock: () => Date;
  /** What a restore point of this location reaches is known from now on: less is kept for it. */
  readonly onKnown: (locationId: LocationId) => void;
  readonly onFailed: (error: unknown) => void;
}

/** What can not be read, or reached, is not tried again before. */
const retryAfter = 3_600_000;

/** Surveys of reach in the background, one at a time, while the daemon is unlocked. What is known lies in the catalog, so nothing is lost when one is cut short. */
export class ReachSurveys implements AsyncDisposable {
  readonly #options: ReachSurveysOptions;
  readonly #notBefore: Map<LocationId, number> = new Map();
  #isClosed = false;
  #active: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: ReachSurveysOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#active !== undefined;
  }

  /** Starts one where something is unknown at this location and none is under way. */
  look(location: LocationRecord): void {
    const { installation, now } = this.#options;
    const { locationId } = location;
    if (this.#isClosed || this.#active !== undefined || installation.state !== 'unlocked') return;
    if (now() < (this.#notBefore.get(locationId) ?? 0)) return;
    const unknown = this.#unknownAt(location);
    if (unknown.size === 0) return;
    const abort = new AbortController();
    const ended = this.#run(location, unknown, abort.signal).finally(() => {
      this.#active = undefined;
    });
    this.#active = { abort, ended };
  }

  /** Locked, no survey goes on; unlocked, what failed is tried again. */
  stateChanged(): void {
    if (this.#options.installation.state === 'unlocked') this.#notBefore.clear();
    else this.#active?.abort.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#active?.abort.abort();
    await this.#active?.ended;
  }

  #unknownAt(location: LocationRecord): ReadonlyMap<PolicyId, readonly RestorePointRecord[]> {
    const { catalog } = this.#options.installation;
    const points = unknownReach(catalog, location).flatMap((id) => catalog.restorePoints.get(id) ?? []);
    return Map.groupBy(points, ({ policyId }) => policyId);
  }

  async #run(location: LocationRecord, unknown: ReadonlyMap<PolicyId, readonly RestorePointRecord[]>, signal: AbortSignal): Promise<void> {
    const { installation, wallClock, now, onFailed, onKnown } = this.#options;
    const { locationId } = location;
    const { catalog, keys, stores } = installation;
    this.#notBefore.set(locationId, now() + retryAfter);
    try {
      const { installationId } = installation;
      let isKnown = true;
      const { store } = await stores.open(locationId, signal);
      for (const [policyId, points] of unknown) {
        const policy = catalog.policies.get(policyId);
        if (policy === undefined) continue;
        const failures = await surveyReach({
          catalog,
          installationId,
          locationId,
          store,
          keys: keySourceOf(...keys.policyKeysOfAllGenerations(policyId, policy.keyGeneration)),
          points,
          now: wallClock,
          signal,
          onKnown: () => onKnown(locationId),
        });
        for (const { restorePointId, error } of failures) {
          isKnown = false;
          const what = `find out what restore point ${restorePointId} reaches`;
          onFailed(HoldfastError.failedTo('damaged', what, 'it can not all be read: everything of its policy is kept', { cause: error }));
        }
      }
      if (isKnown) this.#notBefore.delete(locationId);
    } catch (error) {
      if (!signal.aborted) onFailed(error);
    }
  }
}
