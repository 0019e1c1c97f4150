import type { LocationId, PolicyId } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import { decodeCursor, limitOf, pageFrom } from './paging.ts';
import type { SqlValue } from './rowDigest.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** `marker`: the location's own; `canary`: what a lock proof left behind. */
export type ObjectKind = 'pack' | 'index' | 'manifest' | 'keyring' | 'marker' | 'canary' | 'bundle' | 'term';
/** `condemned`: no target for deduplication any more. `deleting`: a delete may have reached the store; counts as missing. */
export type ObjectState = 'present' | 'condemned' | 'deleting' | 'missing';

/** One stored object as this installation knows it. Not sealed: a locked daemon goes on extending. */
export interface LedgerObject {
  readonly locationId: LocationId;
  readonly objectKey: string;
  /** `null` for what is of no policy, such as keyrings. */
  readonly policyId: PolicyId | null;
  readonly kind: ObjectKind;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
  readonly versionId: string | null;
  readonly size: number;
  /** Of the stored bytes. */
  readonly sha256: Uint8Array;
  readonly state: ObjectState;
  readonly recordedAt: string;
  readonly readBackAt: string | null;
  /** As the store itself said it when it was read back: there exactly where `lockReadAt` is. */
  readonly retainUntil: string | null;
  /** Store time of that. */
  readonly lockReadAt: string | null;
  /** Orders the objects of a location; given when the ledger first hears of one. */
  readonly number: number;
}

/** What a caller knows of an object: its number is the ledger's, and a lock that was not read back is none. */
export type RecordedObject = Omit<LedgerObject, 'number' | 'lockReadAt'> & Partial<Pick<LedgerObject, 'lockReadAt'>>;

/** The lock of one object, with what finding and extending it takes. */
export type LockedObject = Pick<LedgerObject, 'objectKey' | 'versionId' | 'number' | 'retainUntil' | 'kind' | 'policyId' | 'state'>;

export interface LockTime extends Pick<LedgerObject, 'number' | 'objectKey' | 'policyId' | 'kind' | 'state'> {
  /** Milliseconds since the epoch; `NaN` where no lock was read back, and for what is not there. */
  readonly retainUntil: number;
}

export interface LedgerFilter extends PageParams {
  readonly locationId: LocationId;
  readonly policyId?: PolicyId;
  readonly kind?: ObjectKind;
  readonly state?: ObjectState;
}

/** The ledger of stored objects. */
export class ObjectLedger {
  readonly #table: Table<LedgerObject>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'objects');
  }

  /** Adds an object, or writes anew what is known of it. For many at once: inside one transaction. */
  record(object: RecordedObject): void {
    const { locationId, objectKey } = object;
    const known = this.get(locationId, objectKey)?.number;
    const row: LedgerObject = { lockReadAt: null, ...object, number: known ?? this.lastNumber(locationId) + 1 };
    if (known === undefined) this.#table.insert(row);
    else this.#table.replace(row);
  }

  /** The highest number at a location; 0 where there is nothing. */
  lastNumber(locationId: LocationId): number {
    return this.#table.number('max(number)', 'WHERE locationId = ?', [locationId]);
  }

  get(locationId: LocationId, objectKey: string): LedgerObject | undefined {
    return this.#table.get({ locationId, objectKey });
  }

  /** `false` where the object is not in the ledger. */
  change(
    locationId: LocationId,
    objectKey: string,
    changes: Partial<Pick<LedgerObject, 'state' | 'readBackAt' | 'retainUntil' | 'lockReadAt' | 'versionId'>>,
  ): boolean {
    return this.#table.change({ locationId, objectKey }, changes) !== undefined;
  }

  /** In the order of the keys. */
  list(filter: LedgerFilter): Page<LedgerObject> {
    const limit = limitOf(filter);
    const conditions = ['locationId = ?'];
    const values: SqlValue[] = [filter.locationId];
    for (const column of ['policyId', 'kind', 'state'] as const) {
      const wanted = filter[column];
      if (wanted === undefined) continue;
      conditions.push(`${column} = ?`);
      values.push(wanted);
    }
    const after = decodeCursor(filter.after, ['']);
    if (after !== undefined) {
      conditions.push('objectKey > ?');
      values.push(after[0] ?? null);
    }
    const rows = this.#table.select(`WHERE ${conditions.join(' AND ')} ORDER BY objectKey LIMIT ?`, [...values, limit + 1]);
    return pageFrom(
      rows,
      limit,
      (row) => [row.objectKey],
      (row) => row,
    );
  }

  /** Those whose keys begin with `prefix`, in the order of the keys, from behind a key. A prefix ends with a slash. */
  below(locationId: LocationId, prefix: string, after: string, limit: number): readonly LedgerObject[] {
    // The character behind the slash.
    const end = `${prefix.slice(0, -1)}0`;
    const tail = 'WHERE locationId = ? AND objectKey > ? AND objectKey < ? ORDER BY objectKey LIMIT ?';
    return this.#table.select(tail, [locationId, after > prefix ? after : prefix, end, limit]);
  }

  /** The last of those by key that are there. */
  lastBelow(locationId: LocationId, prefix: string): LedgerObject | undefined {
    const tail = "WHERE locationId = ? AND objectKey > ? AND objectKey < ? AND state = 'present' ORDER BY objectKey DESC LIMIT 1";
    return this.#table.select(tail, [locationId, prefix, `${prefix.slice(0, -1)}0`])[0];
  }

  /**
   * Objects that are there and whose lock ends before a time or was never read back: the latter first, then the soonest end. The next page begins behind
   * the last object of this one.
   */
  endingBefore(locationId: LocationId, before: string, limit: number, after?: LockedObject): readonly LockedObject[] {
    const behind = after === undefined ? '' : " AND (ifnull(retainUntil, ''), objectKey) > (?, ?)";
    return this.#table.select(
      `WHERE locationId = ? AND ifnull(retainUntil, '') < ?${behind} AND state = 'present' ORDER BY ifnull(retainUntil, ''), objectKey LIMIT ?`,
      [locationId, before, ...(after === undefined ? [] : [after.retainUntil ?? '', after.objectKey]), limit],
    );
  }

  /** The dates of all objects of a location, for figures over all of them: rows are not checked one by one. */
  *lockTimes(locationId: LocationId): Generator<LockTime> {
    const columns = ['number', 'objectKey', 'policyId', 'kind', 'retainUntil', 'state'] as const;
    for (const { retainUntil, ...object } of this.#table.scan(columns, 'WHERE locationId = ?', [locationId])) {
      const isThere = object.state === 'present' || object.state === 'condemned';
      yield { ...object, retainUntil: isThere && retainUntil !== null ? Date.parse(retainUntil) : Number.NaN };
    }
  }

  /** Bytes of the objects that are there (condemned ones too), of one policy or of all. */
  heldBytes(locationId: LocationId, policyId?: PolicyId): number {
    const ofPolicy = policyId === undefined ? '' : ' AND policyId = ?';
    const values = policyId === undefined ? [locationId] : [locationId, policyId];
    return this.#table.number('total(size)', `WHERE locationId = ? AND state IN ('present', 'condemned')${ofPolicy}`, values);
  }

  forget(locationId: LocationId, objectKey: string): void {
    this.#table.delete({ locationId, objectKey });
  }

  forgetLocation(locationId: LocationId): void {
    this.#table.delete({ locationId });
  }
}
