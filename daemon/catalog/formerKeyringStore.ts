import type { StoreId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** A keyring at a location with locks that was removed: it is there for as long as its lock lasts, and the passkeys in it open it for as long. */
export interface FormerKeyring {
  readonly storeId: StoreId;
  readonly objectKey: string;
  /** What the location was called. */
  readonly location: string;
  readonly sequence: number;
  readonly readBackAt: string;
  /** As the store said it at last; `null` where nobody has read it. */
  readonly retainUntil: string | null;
  /** Store time of that. */
  readonly lockReadAt: string | null;
}

/** What the retirement gate has to know of locations that are no more. */
export class FormerKeyringStore {
  readonly #table: Table<FormerKeyring>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'formerKeyrings');
  }

  keep(keyring: FormerKeyring): void {
    if (!this.#table.replace(keyring)) this.#table.insert(keyring);
  }

  /** Newest first. */
  list(): readonly FormerKeyring[] {
    return this.#table.select('ORDER BY storeId, sequence DESC, objectKey');
  }
}
