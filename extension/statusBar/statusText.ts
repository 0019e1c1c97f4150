import { l10n } from 'vscode';
import type { DaemonHealth } from '../connection/daemonService.ts';

/** What the status bar item says, as facts. */
export interface StatusText {
  /** A product icon's name. */
  readonly icon: string;
  readonly spins: boolean;
  /** Behind "Holdfast"; empty where all is well. */
  readonly detail: string;
  /** What a screen reader says: what icon and colour tell the others, too. */
  readonly spoken: string;
  readonly background: 'none' | 'warning' | 'error';
  /** Whether there is nothing that the user should know: such an item may be hidden by the settings. */
  readonly isQuiet: boolean;
}

/** One state, the most urgent one that holds: what is broken, what is locked, what runs, what is well. */
export function statusText({ phase, status }: DaemonHealth): StatusText {
  if (phase === 'refused') return stateOf({ icon: 'error', detail: l10n.t('no connection'), background: 'error', isQuiet: false });
  if (status === undefined) {
    if (phase === 'away') return stateOf({ icon: 'debug-disconnect', detail: l10n.t('not running'), isQuiet: false });
    return stateOf({ icon: 'shield' });
  }
  const errors = status.alerts?.error ?? 0;
  const warnings = status.alerts?.warning ?? 0;
  const background = errors > 0 ? 'error' : warnings > 0 ? 'warning' : 'none';
  const alerts = alertsText(errors + warnings);
  const common = { background, isQuiet: background === 'none', alerts } as const;
  if (status.state === 'notSetUp') return stateOf({ icon: 'shield', detail: l10n.t('not set up') });
  if (status.state === 'locked') return stateOf({ ...common, icon: 'lock', detail: l10n.t('locked'), isQuiet: false });
  const [running, ...others] = status.runningActions;
  // Where something only waits, what it waits for is about to begin.
  if (running?.state === 'running') {
    const percent = running.fraction === null ? '' : `${Math.floor(running.fraction * 100)} %`;
    const more = others.length === 0 ? '' : `+${others.length}`;
    const detail = [percent, more].filter((part) => part !== '').join(' ');
    return { ...stateOf({ ...common, icon: 'sync', detail, isQuiet: false, work: l10n.t('working') }), spins: true };
  }
  return stateOf({ ...common, icon: background === 'none' ? 'shield' : background });
}

interface State {
  readonly icon: string;
  readonly detail?: string;
  readonly background?: StatusText['background'];
  readonly isQuiet?: boolean;
  readonly alerts?: string;
  readonly work?: string;
}

function stateOf({ icon, detail = '', background = 'none', isQuiet = true, alerts = '', work = '' }: State): StatusText {
  const spoken = ['Holdfast', work, detail, alerts].filter((part) => part !== '').join(', ');
  return { icon, spins: false, detail, spoken, background, isQuiet };
}

function alertsText(count: number): string {
  if (count === 0) return '';
  return count === 1 ? l10n.t('1 alert') : l10n.t('{0} alerts', count);
}
