import { l10n } from 'vscode';
import type { Alert } from '../../protocol/methods/alerts.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';
import type { CommandId } from '../commandIds.ts';
import { plainText } from '../ui/plainText.ts';
import { cureOf } from '../views/alerts/cure.ts';

/** A notification: what needs an act now. */
export interface Notice {
  /** What the user mutes it by; stands in `holdfast.notifications.muted`. */
  readonly key: string;
  /** Shown once for each. */
  readonly id: string;
  readonly severity: 'warning' | 'error';
  readonly sentence: string;
  readonly way: { readonly title: string; readonly command: CommandId };
}

/** What has to be told, of what holds now: alerts that are errors, and a locked daemon that keeps policies from running. */
export function noticesOf(alerts: readonly Alert[], state: DaemonState | undefined, muted: readonly string[]): readonly Notice[] {
  const open = alerts.filter((alert) => alert.state === 'open');
  const notices = [...(state === 'locked' ? lockedNotices(open) : []), ...open.filter(isGrave).map(alertNotice)];
  return notices.filter(({ key }) => !muted.includes(key));
}

function isGrave({ severity }: Alert): boolean {
  return severity === 'error';
}

/** The way out stands in the alert; the sentence has room for one more, and why it happened is what one wants to know first. What unlocking cures has that beside it. */
function alertNotice({ id, kind, message, fix, detail }: Alert): Notice {
  return {
    key: `alert.${kind}`,
    id,
    severity: 'error',
    sentence: plainText([message, detail ?? fix].filter((part) => part !== null).join(' ')),
    way:
      cureOf(kind) === 'byUnlock'
        ? { title: l10n.t('Unlock'), command: 'holdfast.unlock' }
        : { title: l10n.t('Show Alerts'), command: 'holdfast.showAlerts' },
  };
}

/** One for all policies that wait. */
function lockedNotices(open: readonly Alert[]): readonly Notice[] {
  const waiting = open.filter(({ kind }) => kind === 'policyOverdue');
  const [first] = waiting.toSorted((left, right) => (left.since < right.since ? -1 : 1));
  if (first === undefined) return [];
  return [
    {
      key: 'lockedWithDueRun',
      id: `locked ${first.id}`,
      severity: 'warning',
      sentence: plainText(l10n.t('Holdfast is locked, and a run is due: {0}', first.message)),
      way: { title: l10n.t('Unlock'), command: 'holdfast.unlock' },
    },
  ];
}
