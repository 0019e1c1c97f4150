import * as vscode from 'vscode';
import { stamp } from '../../client/shown/units.ts';
import { escaped } from '../../client/shown/text.ts';
import type { DaemonHealth, DaemonService } from '../connection/daemonService.ts';
import { readSettings } from '../settings.ts';
import { statusText } from './statusText.ts';

const backgrounds = { warning: 'statusBarItem.warningBackground', error: 'statusBarItem.errorBackground' } as const;

/** The one item in the status bar: quiet while all is well. */
export class StatusBarItem implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem('holdfast.status', vscode.StatusBarAlignment.Left, 0);
  readonly #daemon: DaemonService;
  readonly #subscriptions: readonly vscode.Disposable[];

  constructor(daemon: DaemonService) {
    this.#daemon = daemon;
    this.#item.name = 'Holdfast';
    this.#subscriptions = [daemon.onDidChange(() => this.update()), vscode.workspace.onDidChangeConfiguration(() => this.update())];
    this.update();
  }

  update(): void {
    const { health } = this.#daemon;
    const shown = statusText(health, {
      locked: vscode.l10n.t('locked'),
      notSetUp: vscode.l10n.t('not set up'),
      notRunning: vscode.l10n.t('not running'),
      connecting: '',
    });
    if (shown.isQuiet && !readSettings().showsStatusBar) {
      this.#item.hide();
      return;
    }
    this.#item.text = [`$(${shown.icon}${shown.spins ? '~spin' : ''}) Holdfast`, shown.detail].filter((part) => part !== '').join(' ');
    this.#item.backgroundColor = shown.background === 'none' ? undefined : new vscode.ThemeColor(backgrounds[shown.background]);
    this.#item.command = commandFor(health);
    this.#item.accessibilityInformation = { label: shown.detail === '' ? 'Holdfast' : `Holdfast, ${shown.detail}`, role: 'button' };
    this.#item.tooltip = tooltipOf(health);
    this.#item.show();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#item.dispose();
  }
}

function commandFor({ phase, status }: DaemonHealth): string {
  if (status?.state === 'locked') return 'holdfast.unlock';
  if (status?.state === 'notSetUp') return 'holdfast.setUp';
  if (status === undefined && phase !== 'connecting') return 'holdfast.startDaemon';
  return 'holdfast.alerts.focus';
}

function tooltipOf({ status, error }: DaemonHealth): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString('', true);
  tooltip.isTrusted = { enabledCommands: ['holdfast.showLog', 'holdfast.alerts.focus', 'holdfast.restorePoints.focus'] };
  const line = (name: string, value: string): void =>
    void tooltip.appendMarkdown('**').appendText(name).appendMarkdown('** ').appendText(value).appendMarkdown('\n\n');
  line('Holdfast', status === undefined ? vscode.l10n.t('no connection to the daemon') : vscode.l10n.t('daemon {0}', status.version));
  if (error !== undefined) line(vscode.l10n.t('Reason'), escaped(error.message));
  if (status !== undefined) {
    line(vscode.l10n.t('Last backup'), status.lastBackup === null ? vscode.l10n.t('none yet') : stamp(new Date(status.lastBackup)));
    if (status.safeUntil !== null) line(vscode.l10n.t('Safe until'), stamp(new Date(status.safeUntil)));
    for (const action of status.runningActions) line(vscode.l10n.t('Running'), `${action.kind} ${escaped(action.subject)}`);
  }
  tooltip.appendMarkdown(
    [
      link(vscode.l10n.t('Restore points'), 'holdfast.restorePoints.focus'),
      link(vscode.l10n.t('Alerts'), 'holdfast.alerts.focus'),
      link(vscode.l10n.t('Log'), 'holdfast.showLog'),
    ].join(' · '),
  );
  return tooltip;
}

function link(text: string, command: string): string {
  return `[${text}](command:${command})`;
}
