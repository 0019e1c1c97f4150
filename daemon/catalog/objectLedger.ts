import type { LocationId, PolicyId } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import { decodeCursor, limitOf, pageFrom } from './paging.ts';
import type { SqlValue } from './rowDigest.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export type ObjectKind = 'pack' | 'index' | 'manifest' | 'keyring';
/** `condemned`: no target for deduplication any more. `deleting`: a delete may have reached the store; counts as missing. */
export type ObjectState = 'present' | 'condemned' | 'deleting' | 'missing';

/** One stored object as this installation knows it. Not sealed: a locked daemon goes on extending. */
export interface LedgerObject {
  readonly locationId: LocationId;
  readonly objectKey: string;
  /** `null` for keyrings. */
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
  readonly retainUntil: string | null;
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
  record(object: LedgerObject): void {
    if (!this.#table.replace(object)) this.#table.insert(object);
  }

  get(locationId: LocationId, objectKey: string): LedgerObject | undefined {
    return this.#table.get({ locationId, objectKey });
  }

  /** `false` where the object is not in the ledger. */
  change(
    locationId: LocationId,
    objectKey: string,
    changes: Partial<Pick<LedgerObject, 'state' | 'readBackAt' | 'retainUntil' | 'versionId'>>,
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
