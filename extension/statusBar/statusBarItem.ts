import os from 'node:os';
import * as vscode from 'vscode';
import type { CommandId } from '../commandIds.ts';
import type { DaemonHealth, DaemonService } from '../connection/daemonService.ts';
import { readSettings } from '../settings.ts';
import type { Presence } from '../views/presence.ts';
import { statusText } from './statusText.ts';
import { statusTooltip } from './statusTooltip.ts';

const backgrounds = { warning: 'statusBarItem.warningBackground', error: 'statusBarItem.errorBackground' } as const;

/** The one item in the status bar: quiet while all is well. */
export class StatusBarItem implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem('holdfast.status', vscode.StatusBarAlignment.Left, 0);
  readonly #daemon: DaemonService;
  readonly #presence: Presence;
  readonly #subscriptions: readonly vscode.Disposable[];

  constructor(daemon: DaemonService, presence: Presence) {
    this.#daemon = daemon;
    this.#presence = presence;
    this.#item.name = 'Holdfast';
    this.#subscriptions = [
      daemon.onDidChange(() => this.update()),
      presence.onDidChange(() => this.update()),
      vscode.workspace.onDidChangeConfiguration(() => this.update()),
    ];
    this.update();
  }

  update(): void {
    const { health } = this.#daemon;
    const { icon, spins, detail, spoken, background, isQuiet } = statusText(health);
    if (isQuiet && !readSettings().showsStatusBar) {
      this.#item.hide();
      return;
    }
    this.#item.text = [`$(${icon}${spins ? '~spin' : ''}) Holdfast`, detail].filter((part) => part !== '').join(' ');
    this.#item.backgroundColor = background === 'none' ? undefined : new vscode.ThemeColor(backgrounds[background]);
    this.#item.command = commandFor(health);
    this.#item.accessibilityInformation = { label: spoken, role: 'button' };
    this.#item.tooltip = statusTooltip({ health, hostName: os.hostname(), nextRunAt: this.#presence.nextRunAt });
    this.#item.show();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#item.dispose();
  }
}

/** The way from there: what the state asks for, else what there is to see. */
function commandFor({ phase, status }: DaemonHealth): CommandId | 'holdfast.restorePoints.focus' {
  if (status === undefined) return phase === 'connecting' || phase === 'idle' ? 'holdfast.restorePoints.focus' : 'holdfast.startDaemon';
  if (status.state === 'locked') return 'holdfast.unlock';
  if (status.state === 'notSetUp') return 'holdfast.setUp';
  const hasAlerts = (status.alerts?.error ?? 0) + (status.alerts?.warning ?? 0) > 0;
  return hasAlerts ? 'holdfast.showAlerts' : 'holdfast.restorePoints.focus';
}
