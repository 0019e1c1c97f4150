import type { LocationId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export interface TamperRecord {
  readonly locationId: LocationId;
  /** See the audit. */
  readonly kind: string;
  readonly objectKey: string;
  /** Of the version that is wrong; empty where it is not there. */
  readonly versionId: string;
  /** By this machine's clock: when an audit met it first and last. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** When the store says that it happened. */
  readonly storeTime: string | null;
  readonly detail: string;
  /** Of a lock that was shortened or lifted: its end before that. */
  readonly expectedUntil: string | null;
}

/** What audits have found at each location. */
export class TamperStore {
  readonly #table: Table<TamperRecord>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'tamperFindings');
  }

  /** Keeps `firstSeen` of a finding that is known; `true` where it is new. */
  record(finding: TamperRecord): boolean {
    const { locationId, kind, objectKey, versionId } = finding;
    const known = this.#table.get({ locationId, kind, objectKey, versionId });
    if (known === undefined) this.#table.insert(finding);
    else this.#table.replace({ ...finding, firstSeen: known.firstSeen });
    return known === undefined;
  }

  get(locationId: LocationId, kind: string, objectKey: string, versionId: string): TamperRecord | undefined {
    return this.#table.get({ locationId, kind, objectKey, versionId });
  }

  has(locationId: LocationId, kind: string): boolean {
    return this.#table.get({ locationId, kind }) !== undefined;
  }

  /** Of one kind, by key; kinds that are not asked for are those of another version. */
  ofKind(locationId: LocationId, kind: string, limit: number): readonly TamperRecord[] {
    return this.#table.select('WHERE locationId = ? AND kind = ? ORDER BY objectKey, versionId LIMIT ?', [locationId, kind, limit]);
  }

  count(locationId: LocationId): number {
    return this.#table.number('count(*)', 'WHERE locationId = ?', [locationId]);
  }

  /** The earliest time of any finding, as the store or else this machine told it. */
  earliest(locationId: LocationId): string | undefined {
    const [first] = this.#table.select('WHERE locationId = ? ORDER BY ifnull(storeTime, firstSeen) LIMIT 1', [locationId]);
    return first?.storeTime ?? first?.firstSeen;
  }

  /** What an audit that looked at everything, and met things again at this time, has not met again is cured. */
  forgetUnseenSince(locationId: LocationId, time: string): void {
    for (;;) {
      // Not only earlier ones: the clock may have been set back.
      const unseen = this.#table.select('WHERE locationId = ? AND lastSeen <> ? LIMIT 1000', [locationId, time]);
      for (const { kind, objectKey, versionId } of unseen) this.#table.delete({ locationId, kind, objectKey, versionId });
      if (unseen.length < 1000) return;
    }
  }

  forgetLocation(locationId: LocationId): void {
    this.#table.delete({ locationId });
  }
}
