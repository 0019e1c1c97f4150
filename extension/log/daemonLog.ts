import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { type LogLine, logRead } from '../../protocol/methods/log.ts';
import type { DaemonService } from '../connection/daemonService.ts';

/** How often, in milliseconds, the daemon's log is read once somebody has asked to see it. */
const readEvery = 1000;

/** The daemon's log in the channel of this window's own: read from the moment that the user wants to see it. */
export class DaemonLog implements vscode.Disposable {
  readonly #daemon: DaemonService;
  readonly #log: vscode.LogOutputChannel;
  #timer: NodeJS.Timeout | undefined;
  #cursor: string | undefined;
  #isReading = false;

  constructor(daemon: DaemonService, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#log = log;
  }

  /** Begins with the newest lines; does nothing where it was begun. */
  follow(): void {
    this.#timer ??= setInterval(() => void this.#read(), readEvery);
    void this.#read();
  }

  dispose(): void {
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const after = this.#cursor === undefined ? {} : { after: this.#cursor };
      const { items, cursor } = await this.#daemon.quietly.call(logRead, after);
      this.#cursor = cursor;
      for (const line of items) this.#log[line.level](logLineText(line));
    } catch (error) {
      // A daemon that is away has nothing to tell; one that is new begins its log anew.
      if (!HoldfastError.is(error, 'daemonNotRunning', 'daemonEnded')) this.#cursor = undefined;
    } finally {
      this.#isReading = false;
    }
  }
}

/** A line of the daemon's log, told apart from this window's own by its first word. */
export function logLineText({ time, message, facts }: LogLine): string {
  const shownFacts = facts === null || Object.keys(facts).length === 0 ? '' : ` ${escaped(JSON.stringify(facts))}`;
  return `daemon ${time} ${escaped(message)}${shownFacts}`;
}
