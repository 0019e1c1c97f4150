import type { ListedVersion } from './objectStore.ts';

/** How the history of a key is looked at. */
export interface HistoryView {
  readonly time: Date;
  /** For recovery: a delete marker hides nothing (docs/format.md, Recovery). */
  readonly ignoresMarkers?: boolean;
  /** The version that the ledger has of a key: which of several is meant that are oldest to the same second. Otherwise the order of the listing says it. */
  readonly knownVersion?: (key: string) => string | null | undefined;
  /** When a version was put, as the ledger has it: counts where the store's date is later, since a store may give a version a new date. */
  readonly knownDate?: (key: string, versionId: string) => Date | undefined;
  /**
   * The store gives a version a new date when its lock is extended, as SeaweedFS does: a date after the time then says nothing, and the oldest version of a
   * key is taken for one that was there, unless its name has a later time in it.
   */
  readonly datesMove?: boolean;
}

/**
 * What one key held at a time, told from its entries as they are listed, newest first. An entry can not be later than one that came after it: where dates are
 * in another order (a clock was set, a lock extended), the earlier one counts for both.
 */
export class KeyHistory {
  readonly key: string;
  readonly #view: HistoryView;
  #date = Number.POSITIVE_INFINITY;
  #newest: ListedVersion | undefined;
  #oldest: ListedVersion | undefined;
  #oldestDate = Number.NaN;
  /** The oldest version of all, whatever its date. */
  #first: ListedVersion | undefined;

  constructor(key: string, view: HistoryView) {
    this.key = key;
    this.#view = view;
  }

  /** Gives the entry as it was seen at the time, if it was there: `isLatest` as of then. */
  add(entry: ListedVersion): readonly ListedVersion[] {
    const { time, ignoresMarkers = false, knownDate } = this.#view;
    const known = knownDate?.(entry.key, entry.versionId)?.getTime() ?? Number.POSITIVE_INFINITY;
    this.#date = Math.min(this.#date, entry.lastModified.getTime(), known);
    if (!entry.isDeleteMarker) this.#first = entry;
    if (this.#date > time.getTime() || (entry.isDeleteMarker && ignoresMarkers)) return [];
    const isLatest = this.#newest === undefined;
    this.#newest ??= entry;
    if (!entry.isDeleteMarker && !this.#isKnownTie()) {
      this.#oldest = entry;
      this.#oldestDate = this.#date;
    }
    return [{ ...entry, isLatest }];
  }

  /** The version that a read of the key gave, once all entries are added; `undefined` where it was not there. */
  served(): ListedVersion | undefined {
    if (this.#oldest === undefined) return this.late()[0];
    return this.#newest?.isDeleteMarker === true ? undefined : this.#oldest;
  }

  /** A version that may well have been there although no date says so, once all entries are added. */
  late(): readonly ListedVersion[] {
    if (this.#view.datesMove !== true || this.#oldest !== undefined || this.#first === undefined) return [];
    const named = timeInName(this.key);
    if (named !== undefined && named > this.#view.time.getTime()) return [];
    return [{ ...this.#first, isLatest: this.#newest === undefined }];
  }

  #isKnownTie(): boolean {
    return this.#oldest !== undefined && this.#oldestDate === this.#date && this.#oldest.versionId === this.#view.knownVersion?.(this.key);
  }
}

/** Milliseconds since the epoch, of the name of a restore point: docs/format.md, Names in the store. */
function timeInName(key: string): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /\/restore-points\/[0-9a-f]{16}-(\d{4})(\d{2})(\d{2})t(\d{2})(\d{2})(\d{2})z-[0-9a-f]{32}$/.exec(key) ?? [];
  if (year === undefined) return undefined;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}
