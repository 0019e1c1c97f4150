import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** What is set for the daemon as a whole. Readable while it is locked, so never a secret. */
export type SettingName = 'unattended' | 'autoLock' | 'longestAbsence';

/** Settings as text, which whoever owns one reads and writes as JSON. */
export class SettingStore {
  readonly #table: Table<{ readonly name: string; readonly value: string }>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'settings');
  }

  /** `undefined`: not set. */
  get(name: SettingName): string | undefined {
    return this.#table.get({ name })?.value;
  }

  set(name: SettingName, value: string): void {
    if (!this.#table.replace({ name, value })) this.#table.insert({ name, value });
  }

  /** Whether it was set. */
  remove(name: SettingName): boolean {
    return this.#table.delete({ name }) > 0;
  }
}
