import * as vscode from 'vscode';
import type { Services } from '../services.ts';
import { settingsSection } from '../settings.ts';
import { confirmed } from '../ui/confirm.ts';

export async function startDaemon({ daemon }: Services): Promise<void> {
  await daemon.connection();
}

/** What runs is cancelled by it and the new daemon is locked, so it asks where something runs. */
export async function restartDaemon({ daemon }: Services): Promise<void> {
  if (!(await mayEndActions(daemon.health.status?.runningActions.length ?? 0, vscode.l10n.t('Restart Daemon')))) return;
  await daemon.restart();
}

export async function stopDaemon({ daemon }: Services): Promise<void> {
  if (!(await mayEndActions(daemon.health.status?.runningActions.length ?? 0, vscode.l10n.t('Stop Daemon')))) return;
  await daemon.stop();
}

/** The channel holds what this window did and what the daemon did. */
export async function showLog({ log, daemonLog }: Services): Promise<void> {
  log.show(true);
  await daemonLog.follow();
}

export async function openSettings({ context }: Services): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${context.extension.id} ${settingsSection}`);
}

export async function refresh({ daemon, views }: Services): Promise<void> {
  daemon.refresh();
  views.refreshAll();
  await Promise.resolve();
}

async function mayEndActions(running: number, act: string): Promise<boolean> {
  if (running === 0) return true;
  return await confirmed({
    question: vscode.l10n.t('End the work that is under way?'),
    detail: vscode.l10n.t('{0} running: it is cancelled. What it has stored already is used by the next run.', running),
    act,
  });
}
