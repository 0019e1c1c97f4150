import { HoldfastError } from '../../protocol/errors.ts';

/**
 * Seals cells of the catalog: docs/format.md, Sealed cells of the catalog. Handed in once the master key is unwrapped; the catalog never sees a key.
 * `open` throws `catalogDamaged` where the cell is not what was sealed for this table, column and row.
 */
export interface CellSeal {
  seal(table: string, column: string, primaryKey: string, plaintext: Uint8Array): Uint8Array;
  open(table: string, column: string, primaryKey: string, sealed: Uint8Array): Uint8Array;
}

/** Holds the seal while the daemon is unlocked, and turns JSON into sealed cells and back. */
export class SealedCells {
  #seal: CellSeal | undefined;

  use(seal: CellSeal | undefined): void {
    this.#seal = seal;
  }

  get isOpen(): boolean {
    return this.#seal !== undefined;
  }

  /** Throws `locked` while there is no seal. */
  seal(table: string, column: string, primaryKey: string, value: unknown): Uint8Array {
    if (this.#seal === undefined) {
      throw new HoldfastError('locked', `Failed to write ${column} of ${table}: the daemon is locked.`, { fix: 'Run "holdfast unlock".' });
    }
    const plaintext = Buffer.from(JSON.stringify(value), 'utf8');
    try {
      return this.#seal.seal(table, column, primaryKey, plaintext);
    } finally {
      plaintext.fill(0);
    }
  }

  /** `undefined` while there is no seal: what is not sealed stays readable in a locked daemon. */
  open(table: string, column: string, primaryKey: string, sealed: Uint8Array): unknown {
    if (this.#seal === undefined) return undefined;
    const plaintext = this.#seal.open(table, column, primaryKey, sealed);
    try {
      return JSON.parse(Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.length).toString('utf8'));
    } finally {
      plaintext.fill(0);
    }
  }
}
