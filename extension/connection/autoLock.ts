import * as vscode from 'vscode';
import type { AutoLockStatus } from '../../protocol/methods/autoLock.ts';
import { sessionAutoLock } from '../../protocol/methods/autoLock.ts';
import { readSettings, settingsSection } from '../settings.ts';
import { asHoldfastError } from './asHoldfastError.ts';
import type { DaemonService } from './daemonService.ts';

/** Hours that the daemon takes. */
const range = { least: 0.01, most: 87_600 } as const;

/**
 * What the daemon has to be told so that it locks itself as the setting says: hours, or `null` for never. `undefined` where there is nothing to tell: nobody
 * touched the setting, or the daemon does so already.
 */
export function autoLockToTell(setting: number | undefined, current: AutoLockStatus | null): number | null | undefined {
  if (setting === undefined) return undefined;
  const wanted = setting <= 0 ? null : Math.min(range.most, Math.max(range.least, setting));
  return wanted === (current?.hours ?? null) ? undefined : wanted;
}

/** Brings the setting to the daemon: with each new connection, and when the user changes it. In between the command line may say otherwise. */
export class AutoLock implements vscode.Disposable {
  readonly #daemon: DaemonService;
  readonly #log: vscode.LogOutputChannel;
  readonly #subscriptions: readonly vscode.Disposable[];
  #isConnected = false;

  constructor(daemon: DaemonService, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#log = log;
    this.#subscriptions = [
      daemon.onDidChange(({ status }) => {
        const isNew = !this.#isConnected && status !== undefined;
        this.#isConnected = status !== undefined;
        if (isNew) void this.#tell();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(`${settingsSection}.autoLockHours`)) void this.#tell();
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async #tell(): Promise<void> {
    const { status } = this.#daemon.health;
    const hours = status === undefined ? undefined : autoLockToTell(readSettings().autoLockHours, status.autoLock);
    if (hours === undefined) return;
    try {
      await this.#daemon.quietly.call(sessionAutoLock, { hours });
    } catch (error) {
      this.#log.warn(`The daemon could not be told when to lock itself: ${asHoldfastError(error).message}`);
    }
  }
}
