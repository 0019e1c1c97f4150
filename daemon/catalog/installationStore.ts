import type { InstallationId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export interface Installation {
  readonly installationId: InstallationId;
  /** 16 bytes, public: pins which master key is the right one. */
  readonly masterKeyId: Uint8Array;
  readonly keyEpoch: number;
  readonly createdAt: string;
}

/** The one installation that this catalog belongs to. */
export class InstallationStore {
  readonly #table: Table<Installation & { readonly single: number }>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'installation');
  }

  /** `undefined`: not set up. */
  get(): Installation | undefined {
    const row = this.#table.get({ single: 1 });
    if (row === undefined) return undefined;
    const { single: _, ...installation } = row;
    return installation;
  }

  /** Once: a second call is refused by the table. */
  create(installation: Installation): void {
    this.#table.insert({ single: 1, ...installation });
  }
}
