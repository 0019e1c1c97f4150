import * as vscode from 'vscode';
import type { AlertWatch } from '../alerts/alertWatch.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';
import type { DaemonService } from '../connection/daemonService.ts';
import { sessionClaim } from '../../protocol/methods/claim.ts';
import { readSettings, settingsSection } from '../settings.ts';
import { showError } from '../ui/showError.ts';
import type { FollowedWork } from '../work/followedWork.ts';
import { type Notice, noticesOf } from './notices.ts';

const memoryKey = 'shownNotices';
/** So many are remembered as shown; alerts end, and new ones are new. */
const remembered = 200;

export interface NotifierOptions {
  readonly daemon: DaemonService;
  readonly alerts: AlertWatch;
  readonly followed: FollowedWork;
  /** Shared by all windows, and kept over a reload. */
  readonly memory: vscode.Memento;
  readonly log: vscode.LogOutputChannel;
}

/** Shows what needs an act now: each once, in one of all windows, never what the user muted, and not what this window tells of work that was started in it. */
export class Notifier implements vscode.Disposable {
  readonly #daemon: DaemonService;
  readonly #alerts: AlertWatch;
  readonly #followed: FollowedWork;
  readonly #log: vscode.LogOutputChannel;
  readonly #subscriptions: readonly vscode.Disposable[];
  /** Ids of what was shown, in any window and before a reload too. */
  readonly #memory: vscode.Memento;
  #isNotifier = false;

  constructor({ daemon, alerts, followed, memory, log }: NotifierOptions) {
    this.#daemon = daemon;
    this.#alerts = alerts;
    this.#followed = followed;
    this.#memory = memory;
    this.#log = log;
    this.#subscriptions = [
      daemon.onDidChange(({ status }) => {
        // The role ended with the connection.
        if (status === undefined) this.#isNotifier = false;
        this.#show();
      }),
      daemon.onEvent(({ name }) => {
        if (name === 'lookAgain' || name === 'state.changed') void this.#claim();
      }),
      alerts.onDidChange(() => this.#show()),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async #claim(): Promise<void> {
    if (this.#isNotifier) return;
    try {
      const { granted } = await this.#daemon.quietly.call(sessionClaim, { role: 'notifier' });
      this.#isNotifier = granted;
      this.#show();
    } catch (error) {
      // Asked again when there is a connection.
      this.#log.debug(`It could not be settled which window notifies: ${asHoldfastError(error).message}`);
    }
  }

  #show(): void {
    if (!this.#isNotifier) return;
    const notices = noticesOf(this.#alerts.alerts, this.#daemon.health.status?.state, readSettings().mutedNotifications);
    const shown = this.#memory.get<readonly string[]>(memoryKey, []);
    const fresh = notices.filter(({ id }) => !shown.includes(id));
    if (fresh.length === 0) return;
    void this.#memory.update(memoryKey, [...shown, ...fresh.map(({ id }) => id)].slice(-remembered));
    for (const notice of fresh) void this.#tell(notice);
  }

  async #isTold(id: string): Promise<boolean> {
    const alert = this.#alerts.alerts.find((one) => one.id === id);
    try {
      return alert !== undefined && (await this.#followed.tells(alert));
    } catch (error) {
      this.#log.debug(`What is told of already could not be read: ${asHoldfastError(error).message}`);
      return false;
    }
  }

  async #tell({ severity, sentence, way, key, id }: Notice): Promise<void> {
    if (await this.#isTold(id)) return;
    const never = vscode.l10n.t("Don't Show Again");
    const show = severity === 'error' ? vscode.window.showErrorMessage : vscode.window.showWarningMessage;
    try {
      const chosen = await show(sentence, way.title, never);
      if (chosen === way.title) await vscode.commands.executeCommand(way.command);
      else if (chosen === never) await mute(key);
    } catch (error) {
      await showError({ log: this.#log }, error);
    }
  }
}

async function mute(key: string): Promise<void> {
  const muted = readSettings().mutedNotifications;
  if (muted.includes(key)) return;
  const section = vscode.workspace.getConfiguration(settingsSection);
  await section.update('notifications.muted', [...muted, key], vscode.ConfigurationTarget.Global);
}
