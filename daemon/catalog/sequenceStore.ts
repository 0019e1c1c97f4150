import type { PolicyId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** What is counted; every count starts at 1 (docs/format.md, Counting). */
export type SequenceScope = 'keyring' | 'bundle' | `index/${PolicyId}` | `manifest/${PolicyId}`;

/** Sequence numbers. One that was taken is never given again, even if what it was for failed. */
export class SequenceStore {
  readonly #connection: Connection;
  readonly #table: Table<{ readonly scope: string; readonly last: number }>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#table = new Table(connection, 'sequences');
  }

  /** The last one taken; 0 where none was. */
  last(scope: SequenceScope): number {
    return this.#table.get({ scope })?.last ?? 0;
  }

  /** Takes the next one. */
  next(scope: SequenceScope): number {
    return this.#connection.transaction(() => {
      const taken = this.last(scope) + 1;
      this.raise(scope, taken);
      return taken;
    });
  }

  /** Makes sure that `last` and all below it are never given again: after an import, or a number seen in the store. */
  raise(scope: SequenceScope, last: number): void {
    if (last <= this.last(scope)) return;
    if (!this.#table.replace({ scope, last })) this.#table.insert({ scope, last });
  }
}
