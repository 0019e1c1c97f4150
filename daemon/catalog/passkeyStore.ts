import { HoldfastError } from '../../protocol/errors.ts';
import type { SlotId } from '../../protocol/ids.ts';
import type { PasskeyKind, PasskeyState } from '../../protocol/methods/passkeys.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export interface PasskeyRecord {
  readonly slotId: SlotId;
  readonly name: string;
  readonly kind: PasskeyKind;
  /** The slot as it stands in the keyring: docs/format.md, Slot. JSON. */
  readonly slot: string;
  readonly state: PasskeyState;
  readonly inUse: boolean;
  readonly createdAt: string;
  readonly verifiedAt: string | null;
  /** Since when new keyrings leave the slot out, so that the locks of those that hold it come to an end. Never of the one in use. */
  readonly leftKeyringsAt: string | null;
  /** The slot that a rotation makes this one for, until it takes its name or is used in its own right. */
  readonly replaces: SlotId | null;
}

/** One that takes no part in a rotation or a retirement says nothing of these. */
export type NewPasskey = Omit<PasskeyRecord, 'leftKeyringsAt' | 'replaces'> & Partial<Pick<PasskeyRecord, 'leftKeyringsAt' | 'replaces'>>;

export type PasskeyChanges = Partial<Pick<PasskeyRecord, 'name' | 'state' | 'verifiedAt' | 'leftKeyringsAt' | 'replaces'>>;

type Row = Omit<PasskeyRecord, 'inUse'> & { readonly inUse: number };

const toRow = (passkey: PasskeyRecord): Row => ({ ...passkey, inUse: passkey.inUse ? 1 : 0 });
const fromRow = (row: Row): PasskeyRecord => ({ ...row, inUse: row.inUse === 1 });

/** The passkeys, retired ones included. Readable while locked. */
export class PasskeyStore {
  readonly #connection: Connection;
  readonly #table: Table<Row>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#table = new Table(connection, 'passkeys');
  }

  /** Throws `nameTaken` where a passkey that is not retired has the name. One that is in use takes that over from the one before. */
  add(passkey: NewPasskey): void {
    this.#refuseTaken(passkey);
    this.#connection.transaction(() => {
      if (passkey.inUse) this.#table.change({ inUse: 1 }, { inUse: 0 });
      this.#table.insert(toRow({ leftKeyringsAt: null, replaces: null, ...passkey }));
    });
  }

  get(slotId: SlotId): PasskeyRecord | undefined {
    const row = this.#table.get({ slotId });
    return row === undefined ? undefined : fromRow(row);
  }

  /** The one of that name that is not retired. */
  byName(name: string): PasskeyRecord | undefined {
    return this.list().find((passkey) => passkey.name === name && passkey.state !== 'retired');
  }

  inUse(): PasskeyRecord | undefined {
    const row = this.#table.get({ inUse: 1 });
    return row === undefined ? undefined : fromRow(row);
  }

  /** Oldest first; at most 32 slots are in a keyring, so this list has no pages. */
  list(): readonly PasskeyRecord[] {
    return this.#table.select('ORDER BY createdAt, slotId').map(fromRow);
  }

  /** Exactly one is in use before and after. Throws `unknownName`. */
  use(slotId: SlotId): void {
    this.#connection.transaction(() => {
      this.#table.change({ inUse: 1 }, { inUse: 0 });
      if (this.#table.change({ slotId }, { inUse: 1 }) === undefined) throw unknownPasskey(slotId);
    });
  }

  change(slotId: SlotId, changes: PasskeyChanges): void {
    const row = this.#table.get({ slotId });
    if (row === undefined) throw unknownPasskey(slotId);
    const changed: Row = { ...row, ...changes };
    this.#refuseTaken(changed);
    this.#table.replace(changed);
  }

  #refuseTaken(passkey: { readonly slotId: SlotId; readonly name: string; readonly state: PasskeyState }): void {
    if (passkey.state === 'retired') return;
    const taken = this.byName(passkey.name);
    if (taken === undefined || taken.slotId === passkey.slotId) return;
    throw new HoldfastError('nameTaken', `Failed to name the passkey ${passkey.name}: another passkey has this name.`, {
      fix: 'Choose another name.',
    });
  }
}

function unknownPasskey(slotId: SlotId): HoldfastError {
  return new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none.`);
}
