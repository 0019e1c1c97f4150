import type * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { type LogLine, logRead } from '../../protocol/methods/log.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';
import type { DaemonService } from '../connection/daemonService.ts';

/** Milliseconds after an event of the daemon's until its log is read: what comes together is one reading, and the lines about it are written. */
const restBeforeReading = 300;

/** The daemon's log in the channel of this window's own: read from the moment that the user wants to see it, whenever something happens in the daemon. */
export class DaemonLog implements vscode.Disposable {
  readonly #daemon: Pick<DaemonService, 'quietly' | 'onEvent'>;
  readonly #log: Pick<vscode.LogOutputChannel, LogLine['level']>;
  readonly #rest: number;
  #subscription: vscode.Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cursor: string | undefined;
  #isWanted = false;
  #isReading = false;
  /** What was said of the last reading that failed, so that it is said once. */
  #complaint: string | undefined;

  constructor(
    daemon: Pick<DaemonService, 'quietly' | 'onEvent'>,
    log: Pick<vscode.LogOutputChannel, LogLine['level']>,
    rest: number = restBeforeReading,
  ) {
    this.#daemon = daemon;
    this.#log = log;
    this.#rest = rest;
  }

  /** Begins with the newest lines; where it was begun, catches up. Resolves once what there is has been read. */
  async follow(): Promise<void> {
    this.#subscription ??= this.#daemon.onEvent(() => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.#read();
      }, this.#rest);
    });
    await this.#read();
  }

  dispose(): void {
    this.#subscription?.dispose();
    clearTimeout(this.#timer);
  }

  /** Calls while a reading is under way are one more at its end. */
  async #read(): Promise<void> {
    this.#isWanted = true;
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        await this.#readToEnd();
      }
    } finally {
      this.#isReading = false;
    }
  }

  async #readToEnd(): Promise<void> {
    try {
      for (let isAtEnd = false; !isAtEnd; ) {
        const { items, cursor } = await this.#daemon.quietly.call(logRead, this.#cursor === undefined ? {} : { after: this.#cursor });
        this.#cursor = cursor;
        isAtEnd = items.length === 0;
        for (const line of items) this.#log[line.level](logLineText(line));
      }
      this.#complaint = undefined;
    } catch (error) {
      // A daemon that is away has nothing to tell; the next one goes on with the same file.
      if (HoldfastError.is(error, 'daemonNotRunning', 'daemonEnded')) return;
      if (HoldfastError.is(error, 'badValue')) this.#cursor = undefined;
      const { message } = asHoldfastError(error);
      if (message !== this.#complaint) this.#log.warn(`The daemon's log could not be read: ${message}`);
      this.#complaint = message;
    }
  }
}

/** A line of the daemon's log, told apart from this window's own by its first word. */
export function logLineText({ time, message, facts }: LogLine): string {
  const shownFacts = facts === null || Object.keys(facts).length === 0 ? '' : ` ${escaped(JSON.stringify(facts))}`;
  return `daemon ${time} ${escaped(message)}${shownFacts}`;
}
