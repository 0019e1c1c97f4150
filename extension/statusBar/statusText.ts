import type { DaemonHealth } from '../connection/daemonService.ts';

/** What the status bar item says, as facts: the words of it, apart from the editor. */
export interface StatusText {
  /** A product icon's name. */
  readonly icon: string;
  readonly spins: boolean;
  /** Behind "Holdfast"; empty where all is well. */
  readonly detail: string;
  readonly background: 'none' | 'warning' | 'error';
  /** Whether there is something that the user should know: such an item is shown whatever the settings say. */
  readonly isQuiet: boolean;
}

export interface StatusWords {
  readonly locked: string;
  readonly notSetUp: string;
  readonly notRunning: string;
  readonly connecting: string;
}

/** One state, the most urgent one that holds: what is broken, what is locked, what runs, what is well. */
export function statusText({ phase, status }: DaemonHealth, words: StatusWords): StatusText {
  const quiet = { spins: false, detail: '', background: 'none', isQuiet: true } as const;
  if (phase === 'refused') return { ...quiet, icon: 'error', detail: words.notRunning, background: 'error', isQuiet: false };
  if (status === undefined) {
    if (phase === 'away') return { ...quiet, icon: 'debug-disconnect', detail: words.notRunning, isQuiet: false };
    return { ...quiet, icon: 'shield', detail: phase === 'connecting' ? words.connecting : '' };
  }
  const errors = status.alerts?.error ?? 0;
  const warnings = status.alerts?.warning ?? 0;
  const background = errors > 0 ? 'error' : warnings > 0 ? 'warning' : 'none';
  const isQuiet = background === 'none';
  if (status.state === 'notSetUp') return { ...quiet, icon: 'shield', detail: words.notSetUp };
  if (status.state === 'locked') return { ...quiet, icon: 'lock', detail: words.locked, background, isQuiet: false };
  const [running] = status.runningActions;
  if (running !== undefined) {
    const percent = running.fraction === null ? '' : `${Math.floor(running.fraction * 100)} %`;
    return { icon: 'sync', spins: true, detail: percent, background, isQuiet: false };
  }
  const icon = background === 'none' ? 'shield' : background;
  return { icon, spins: false, detail: '', background, isQuiet };
}
