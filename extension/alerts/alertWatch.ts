import * as vscode from 'vscode';
import { type Alert, alertList } from '../../protocol/methods/alerts.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';
import type { DaemonService } from '../connection/daemonService.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';
import { listAll } from '../connection/listAll.ts';

/** The alerts of the installation, read once for all who show them: the tree, the badge, the notifications. */
export class AlertWatch implements vscode.Disposable {
  readonly #daemon: DaemonService;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<readonly Alert[]>();
  readonly #subscriptions: readonly vscode.Disposable[];
  #alerts: readonly Alert[] = [];
  #state: DaemonState | undefined;
  #isWanted = false;
  #reading: Promise<void> | undefined;

  constructor(daemon: DaemonService, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#log = log;
    this.#subscriptions = [
      // What an alert tells in detail is sealed while the daemon is locked.
      daemon.onDidChange(({ status }) => {
        if (status?.state !== this.#state) this.refresh();
        this.#state = status?.state;
      }),
      daemon.onEvent(({ name }) => {
        if (name === 'alert.changed' || name === 'lookAgain') this.refresh();
      }),
    ];
  }

  readonly onDidChange: vscode.Event<readonly Alert[]> = this.#changed.event;

  /** Those that are not resolved, newest first, as of the last reading. */
  get alerts(): readonly Alert[] {
    return this.#alerts;
  }

  /** After the reading that is under way. */
  async latest(): Promise<readonly Alert[]> {
    await this.#reading;
    return this.#alerts;
  }

  /** Calls while a reading is under way are one more at its end. */
  refresh(): void {
    this.#isWanted = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  async #read(): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        const state = this.#daemon.health.status?.state;
        const alerts = state === undefined || state === 'notSetUp' ? [] : await listAll(this.#daemon.quietly, alertList, { all: false });
        this.#show(alerts);
      }
    } catch (error) {
      // A connection that was lost is told of elsewhere, and what is behind it is read anew then.
      this.#log.debug(`The alerts could not be read: ${asHoldfastError(error).message}`);
    }
  }

  #show(alerts: readonly Alert[]): void {
    this.#alerts = alerts;
    this.#changed.fire(alerts);
  }
}
