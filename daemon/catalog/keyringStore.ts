import type { LocationId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** A keyring object as it is stored, byte for byte: docs/format.md, The keyring object. */
export interface KeyringRecord {
  readonly sequence: number;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
  readonly bytes: Uint8Array;
  readonly createdAt: string;
}

/** A keyring that was put to a location and read back. */
export interface KeyringCopy {
  readonly locationId: LocationId;
  readonly sequence: number;
  readonly key: string;
  readonly versionId: string | null;
  readonly readBackAt: string;
}

/** The keyrings that this installation wrote, and where they have arrived. A location that was away gets the newest one later. */
export class KeyringStore {
  readonly #keyrings: Table<KeyringRecord>;
  readonly #copies: Table<KeyringCopy>;

  constructor(connection: Connection) {
    this.#keyrings = new Table(connection, 'keyrings');
    this.#copies = new Table(connection, 'keyringCopies');
  }

  add(keyring: KeyringRecord): void {
    this.#keyrings.insert(keyring);
  }

  has(sequence: number, objectId: Uint8Array): boolean {
    return this.#keyrings.get({ sequence, objectId }) !== undefined;
  }

  /** The truth: the one of the highest sequence. */
  newest(): KeyringRecord | undefined {
    return this.#keyrings.select('ORDER BY sequence DESC, createdAt DESC, objectId DESC LIMIT 1')[0];
  }

  /** Newest first. */
  list(): readonly KeyringRecord[] {
    return this.#keyrings.select('ORDER BY sequence DESC, createdAt DESC, objectId DESC');
  }

  recordCopy(copy: KeyringCopy): void {
    if (!this.#copies.replace(copy)) this.#copies.insert(copy);
  }

  newestCopyAt(locationId: LocationId): KeyringCopy | undefined {
    return this.#copies.select('WHERE locationId = ? ORDER BY sequence DESC LIMIT 1', [locationId])[0];
  }

  /** Copies known to be at a location, newest first. */
  copiesAt(locationId: LocationId): readonly KeyringCopy[] {
    return this.#copies.select('WHERE locationId = ? ORDER BY sequence DESC, key', [locationId]);
  }

  /** Of these locations, those that the newest keyring has not reached. */
  behind(locationIds: readonly LocationId[]): readonly LocationId[] {
    const newest = this.newest();
    if (newest === undefined) return [];
    return locationIds.filter((locationId) => (this.newestCopyAt(locationId)?.sequence ?? 0) < newest.sequence);
  }

  forgetLocation(locationId: LocationId): void {
    this.#copies.delete({ locationId });
  }
}
