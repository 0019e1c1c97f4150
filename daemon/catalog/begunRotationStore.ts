import type { SlotId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** A rotation to another KMS key that has been begun, and may be waiting for somebody else to do a step. */
export interface BegunRotation {
  /** The old one. */
  readonly slotId: SlotId;
  /** By it the key that is made is found again; drawn at random, so that nobody can make a key for it beforehand. */
  readonly tag: string;
  /** That the old key had when it was begun: where it goes, the next key is. */
  readonly alias: string | null;
  /** The key that this machine itself made; null while it has made none. */
  readonly keyArn: string | null;
}

/** Begun rotations, until their new slot is in use. */
export class BegunRotationStore {
  readonly #table: Table<BegunRotation>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'begunRotations');
  }

  get(slotId: SlotId): BegunRotation | undefined {
    return this.#table.get({ slotId });
  }

  keep(rotation: BegunRotation): void {
    if (!this.#table.replace(rotation)) this.#table.insert(rotation);
  }

  end(slotId: SlotId): void {
    this.#table.delete({ slotId });
  }
}
