import { randomUUID } from 'node:crypto';
import type { Action } from '../../../protocol/methods/actions.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LocationRecord } from '../../catalog/locationStore.ts';
import type { GarbageService } from './garbageService.ts';

export interface GarbageRunsOptions {
  readonly queue: ActionQueue;
  readonly catalog: Catalog;
  readonly garbage: GarbageService;
  readonly isUnlocked: () => boolean;
  readonly wallClock: () => Date;
  /** Why nothing could be started by itself: whoever's end made it be considered is none the worse for that. */
  readonly onFailed: (error: unknown) => void;
}

/** By itself a location is collected once in such a time at most. */
const interval = 86_400_000;

/** The way in which collections come into the queue: asked for, or by themselves. */
export class GarbageRuns {
  readonly #options: GarbageRunsOptions;

  constructor(options: GarbageRunsOptions) {
    this.#options = options;
  }

  /** One collection of a location at a time; backups of it may run beside. */
  start(
    location: LocationRecord,
    request: { readonly requestId: string; readonly dryRun: boolean },
    startedBy: Action['startedBy'] = 'user',
  ): Action {
    const { queue, garbage } = this.#options;
    return queue.submit({
      kind: 'collectGarbage',
      subject: location.name,
      ...(request.dryRun ? {} : { subjectId: location.locationId }),
      requestId: request.requestId,
      startedBy,
      lanes: [`garbage:${location.locationId}`],
      work: (run) => garbage.collect(location, request.dryRun, run),
    });
  }

  /**
   * Once an action has ended: collects locations that have something to collect and were not collected for a day. Only where nothing else waits or runs;
   * the end of that asks again.
   */
  consider(): void {
    const { queue, catalog, garbage, isUnlocked, onFailed } = this.#options;
    if (!isUnlocked() || queue.unfinished > 0) return;
    try {
      const due = catalog.locations.list().find((location) => garbage.hasWork(location) && this.#isDue(location));
      // The end of this one asks for the next.
      if (due !== undefined) this.#startByItself(due);
    } catch (error) {
      onFailed(error);
    }
  }

  #startByItself(location: LocationRecord): void {
    const action = this.start(location, { requestId: randomUUID(), dryRun: false }, 'schedule');
    void this.#options.queue.ended(action.actionId)?.then(() => this.consider());
  }

  /** A collection that ended in the future was dated by a clock that was wrong. */
  #isDue({ locationId }: LocationRecord): boolean {
    const { catalog, wallClock } = this.#options;
    const last = catalog.actions.lastFinished('collectGarbage', locationId)?.finishedAt;
    if (last === undefined || last === null) return true;
    const elapsed = wallClock().getTime() - Date.parse(last);
    return elapsed >= interval || elapsed < 0;
  }
}
