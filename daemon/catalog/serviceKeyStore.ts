import { HoldfastError } from '../../protocol/errors.ts';
import type { SlotId } from '../../protocol/ids.ts';
import { type KeySecrets, keySecretsSchema } from '../../protocol/keyServices.ts';
import type { SealedCells } from './cellSeal.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** What this machine knows of a passkey whose key is at KMS or Vault. None of it is in a keyring. */
export interface ServiceKeyRecord {
  readonly slotId: SlotId;
  /** JSON of `KeyAccess`; needed while locked, so it is in clear and holds no secret. */
  readonly access: string;
  /** Sealed; where credentials were handed over. */
  readonly credentials: Uint8Array | null;
  /** JSON of `KeyFacts`: what the service last said of the key. */
  readonly facts: string | null;
  /** JSON of `KeyProblem`: why it last failed; null where it did not. */
  readonly problem: string | null;
  /** When it was last asked. */
  readonly checkedAt: string | null;
  readonly rotateEveryDays: number | null;
  /** Since when `problem` has been there, whatever it was at first. */
  readonly problemSince: string | null;
  /** The end of its Vault token that renewal did not move; it holds for that end alone. */
  readonly tokenStuckAt: string | null;
  /** JSON of `RotationTrouble`: why the last rotation by itself came to nothing. */
  readonly rotationTrouble: string | null;
}

export type ServiceKeyChanges = Partial<Omit<ServiceKeyRecord, 'slotId' | 'credentials'>>;

/** What hangs on the passkeys of key services. Readable while locked, but for handed-over credentials. */
export class ServiceKeyStore {
  readonly #table: Table<ServiceKeyRecord>;
  readonly #cells: SealedCells;

  constructor(connection: Connection, cells: SealedCells) {
    this.#table = new Table(connection, 'serviceKeys');
    this.#cells = cells;
  }

  /** Throws `locked` where there are credentials to seal and no seal. */
  add(record: Omit<ServiceKeyRecord, 'credentials'>, credentials?: KeySecrets): void {
    const { slotId } = record;
    const sealed = credentials === undefined ? null : this.#cells.seal('serviceKeys', 'credentials', slotId, credentials);
    this.#table.insert({ ...record, credentials: sealed });
  }

  get(slotId: SlotId): ServiceKeyRecord | undefined {
    return this.#table.get({ slotId });
  }

  change(slotId: SlotId, changes: ServiceKeyChanges): void {
    const row = this.get(slotId);
    if (row === undefined) throw new HoldfastError('unknownName', `Failed to find passkey ${slotId}: there is none at a key service.`);
    this.#table.replace({ ...row, ...changes });
  }

  /** Another way to log in, in place of the one that is known; without credentials none are kept any more. Throws as `add` does, and `unknownName`. */
  setLogin(slotId: SlotId, access: string, credentials?: KeySecrets): void {
    // What was found out of a token holds for that token.
    this.change(slotId, { access, tokenStuckAt: null });
    const sealed = credentials === undefined ? null : this.#cells.seal('serviceKeys', 'credentials', slotId, credentials);
    const row = this.get(slotId);
    if (row !== undefined) this.#table.replace({ ...row, credentials: sealed });
  }

  /** `null`: none were handed over. `undefined`: there are, but the daemon is locked. Throws `catalogDamaged`. */
  credentials(slotId: SlotId): KeySecrets | null | undefined {
    const sealed = this.get(slotId)?.credentials ?? null;
    if (sealed === null) return null;
    const opened = this.#cells.open('serviceKeys', 'credentials', slotId, sealed);
    return opened === undefined ? undefined : keySecretsSchema.parse(opened);
  }
}
