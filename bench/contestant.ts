import type { Command } from './measure.ts';
import type { StorePlace } from './stores.ts';

export interface Places {
  readonly source: string;
  /** Empty; the backups go here. */
  readonly store: StorePlace;
  /** Empty; caches, configuration and state go here. */
  readonly scratch: string;
}

/** One program with one data set and an empty store. */
export interface Round {
  readonly firstBackup: Command;
  readonly unchangedBackup: Command;
  /** Asked for after the backups; `target` is empty. Not timed. */
  restore(target: string): Promise<Command>;
  /** Where in `target` the content of the source comes to lie. */
  restoredAt(target: string): string;
  /** The long-lived process that does the work, where that is not the command itself. */
  readonly worker: number | undefined;
  end(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  /** How it was told to compress and encrypt. */
  readonly mode: string;
  readonly version: string;
  /** Its bucket has Object Lock, and it locks what it puts there. */
  readonly hasLocks?: boolean;
  begin(places: Places): Promise<Round>;
}
