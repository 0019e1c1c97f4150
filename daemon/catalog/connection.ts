import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../protocol/errors.ts';
import { catalogError, isInputOutputError } from './catalogErrors.ts';

/**
 * The connection that all stores share. After an input/output error nobody knows what reached the disk, so it is fail-stop: every later write is refused with
 * that error until the catalog is opened anew.
 */
export class Connection {
  readonly database: DatabaseSync;
  #failed: HoldfastError | undefined;

  /** Takes the database over. */
  constructor(database: DatabaseSync) {
    this.database = database;
  }

  read<Result>(action: string, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw catalogError(action, error);
    }
  }

  write<Result>(action: string, work: () => Result): Result {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      return work();
    } catch (error) {
      const mapped = catalogError(action, error);
      if (isInputOutputError(mapped.cause)) this.#failed = mapped;
      throw mapped;
    }
  }

  /** All of `work` or nothing; on the disk when it returns. One inside another belongs to it. `work` must not be asynchronous. */
  transaction<Result>(work: () => Result): Result {
    if (this.database.isTransaction) return work();
    return this.write('write the catalog', () => {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        if (result instanceof Promise) throw new HoldfastError('failed', 'Failed to write the catalog: a transaction cannot wait.');
        this.database.exec('COMMIT');
        return result;
      } catch (error) {
        // SQLite has rolled back by itself after some errors.
        if (this.database.isTransaction) this.database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }
}
