import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationId } from '../../../protocol/ids.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import type { LocationRecord } from '../../catalog/locationStore.ts';

export interface LocationWatchOptions {
  readonly alerts: AlertBook;
  readonly locations: () => readonly LocationRecord[];
  /** Rejects where it is away. */
  readonly open: (locationId: LocationId) => Promise<unknown>;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly onBack: (locationId: LocationId) => void;
  readonly onFailed: (facts: { readonly locationId: LocationId; readonly error: unknown }) => void;
}

const firstMs = 60_000;
const longestMs = 15 * 60_000;

interface Waiting {
  readonly nextAt: number;
  readonly delay: number;
}

/** Looks for locations that were away: after a minute, then ever more seldom, at least every quarter of an hour. Works while locked too. */
export class LocationWatch {
  readonly #options: LocationWatchOptions;
  readonly #waiting: Map<LocationId, Waiting> = new Map();
  readonly #looking: Set<LocationId> = new Set();

  constructor(options: LocationWatchOptions) {
    this.#options = options;
  }

  /** Those whose time has come; all of them where something has happened that may have brought one back. */
  look(options: { readonly isHopeful?: boolean } = {}): void {
    const { alerts, locations, now } = this.#options;
    const away = new Set(alerts.raised('locationUnreachable').map(({ subjectId }) => subjectId));
    for (const locationId of this.#waiting.keys()) if (!away.has(locationId)) this.#waiting.delete(locationId);
    if (away.size === 0) return;
    for (const { locationId } of locations()) {
      if (!away.has(locationId) || this.#looking.has(locationId)) continue;
      const waiting = this.#waiting.get(locationId);
      if (waiting === undefined) this.#waiting.set(locationId, { nextAt: now() + firstMs, delay: firstMs });
      if (options.isHopeful === true || (waiting !== undefined && now() >= waiting.nextAt)) void this.#tryOne(locationId);
    }
  }

  async #tryOne(locationId: LocationId): Promise<void> {
    const { alerts, open, now, onBack, onFailed } = this.#options;
    this.#looking.add(locationId);
    try {
      await open(locationId);
      this.#waiting.delete(locationId);
      alerts.resolve('locationUnreachable', locationId);
      onBack(locationId);
    } catch (error) {
      const delay = Math.min(longestMs, 2 * (this.#waiting.get(locationId)?.delay ?? firstMs));
      this.#waiting.set(locationId, { nextAt: now() + delay, delay });
      if (!HoldfastError.is(error, 'storeUnreachable')) onFailed({ locationId, error });
    } finally {
      this.#looking.delete(locationId);
    }
  }
}
