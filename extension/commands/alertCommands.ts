import * as vscode from 'vscode';
import { alertAcknowledge, alertSnooze } from '../../protocol/methods/alerts.ts';
import type { Services } from '../services.ts';
import { alertOf } from './pickThing.ts';

export async function showAlerts(): Promise<void> {
  await vscode.commands.executeCommand('holdfast.alerts.focus');
}

export async function acknowledgeAlert(services: Services, args: readonly unknown[]): Promise<void> {
  const alert = await alertOf(services, args, {
    title: vscode.l10n.t('Acknowledge Alert'),
    fits: ({ state }) => state === 'open' || state === 'snoozed',
  });
  if (alert !== undefined) await services.daemon.call(alertAcknowledge, { alert: alert.id });
}

const hour = 3600;

export async function snoozeAlert(services: Services, args: readonly unknown[]): Promise<void> {
  const alert = await alertOf(services, args, { title: vscode.l10n.t('Snooze Alert'), fits: ({ state }) => state === 'open' });
  if (alert === undefined) return;
  const spans = [
    { label: vscode.l10n.t('For an hour'), seconds: hour },
    { label: vscode.l10n.t('For a day'), seconds: 24 * hour },
    { label: vscode.l10n.t('For a week'), seconds: 7 * 24 * hour },
    { label: vscode.l10n.t('For 30 days'), seconds: 30 * 24 * hour },
  ];
  const span = await vscode.window.showQuickPick(spans, { title: vscode.l10n.t('Snooze Alert') });
  if (span !== undefined) await services.daemon.call(alertSnooze, { alert: alert.id, for: span.seconds });
}
