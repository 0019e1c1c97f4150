import { l10n, MarkdownString } from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import type { CommandId } from '../commandIds.ts';
import type { DaemonHealth } from '../connection/daemonService.ts';
import { fullTime } from '../ui/shownTime.ts';
import { actionTitle } from '../work/outcomeText.ts';

export interface TooltipFacts {
  readonly health: DaemonHealth;
  readonly hostName: string;
  /** Of all policies; `null` where none runs by itself. */
  readonly nextRunAt: string | null;
}

/** Commands that its links may run; every other link is dead. */
const linked: readonly CommandId[] = [
  'holdfast.showLog',
  'holdfast.showAlerts',
  'holdfast.cancelAction',
  'holdfast.unlock',
  'holdfast.setUp',
  'holdfast.startDaemon',
];

/** Of those under way; there is no room for more. */
const actionsNamed = 10;

/** What the status bar item tells when it is pointed at: where, since when, what runs, and the ways from there. */
export function statusTooltip({ health: { status, error }, hostName, nextRunAt }: TooltipFacts): MarkdownString {
  const tooltip = new MarkdownString('', true);
  tooltip.isTrusted = { enabledCommands: linked };
  const line = (name: string, value: string, link = ''): void => {
    tooltip.appendMarkdown('**').appendText(name).appendMarkdown('** ').appendText(value).appendMarkdown(`${link}\n\n`);
  };
  line('Holdfast', status === undefined ? l10n.t('no connection to the daemon') : l10n.t('{0} on {1}', status.version, escaped(hostName)));
  if (error !== undefined) line(l10n.t('Reason'), escaped(error.message));
  const { problem = null, nextTryAt = null } = status?.state === 'locked' ? (status.unattended ?? {}) : {};
  if (problem !== null) line(l10n.t('Still locked'), escaped(problem));
  if (nextTryAt !== null) line(l10n.t('Tries again'), fullTime(nextTryAt));
  if (status !== undefined && status.state !== 'notSetUp') {
    line(l10n.t('Last backup'), status.lastBackup === null ? l10n.t('none yet') : fullTime(status.lastBackup));
    if (nextRunAt !== null) line(l10n.t('Next run'), fullTime(nextRunAt));
    if (status.safeUntil !== null) line(l10n.t('Safe until'), fullTime(status.safeUntil));
    for (const { actionId, kind, subject, state, fraction } of status.runningActions.slice(0, actionsNamed)) {
      const percent = fraction === null ? '' : ` ${Math.floor(fraction * 100)} %`;
      const cancel = ` [${l10n.t('Cancel')}](${commandUri('holdfast.cancelAction', [actionId])})`;
      line(state === 'queued' ? l10n.t('Waiting') : l10n.t('Running'), `${actionTitle(kind, subject)}${percent}`, cancel);
    }
    const others = status.runningActions.length - actionsNamed;
    if (others > 0) line(l10n.t('Waiting'), l10n.t('{0} more', others));
  }
  tooltip.appendMarkdown(waysOf({ status }).join(' · '));
  return tooltip;
}

function waysOf({ status }: Pick<DaemonHealth, 'status'>): readonly string[] {
  const link = (text: string, command: CommandId): string => `[${text}](${commandUri(command, [])})`;
  const log = link(l10n.t('Log'), 'holdfast.showLog');
  if (status === undefined) return [link(l10n.t('Start Daemon'), 'holdfast.startDaemon'), log];
  if (status.state === 'notSetUp') return [link(l10n.t('Set Up'), 'holdfast.setUp'), log];
  const count = (status.alerts?.error ?? 0) + (status.alerts?.warning ?? 0);
  const alerts = link(count === 0 ? l10n.t('Alerts') : l10n.t('Alerts ({0})', count), 'holdfast.showAlerts');
  return [...(status.state === 'locked' ? [link(l10n.t('Unlock'), 'holdfast.unlock')] : []), alerts, log];
}

function commandUri(command: CommandId, args: readonly string[]): string {
  return `command:${command}${args.length === 0 ? '' : `?${encodeURIComponent(JSON.stringify(args))}`}`;
}
