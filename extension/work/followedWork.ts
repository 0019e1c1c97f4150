import type { Alert } from '../../protocol/methods/alerts.ts';
import { actionResult, type ActionWithResult, isEnded } from '../../protocol/methods/actions.ts';
import type { Caller } from '../connection/daemonService.ts';

/** An alert is raised right behind the end of its run. Milliseconds. */
const behindEnd = 10_000;
const rememberedMost = 20;

type Followed = Pick<ActionWithResult, 'kind' | 'subject' | 'state' | 'startedAt' | 'finishedAt' | 'error'>;
type Cause = Pick<Alert, 'kind' | 'subject' | 'since' | 'detail'>;

/** The actions that this window follows: how they fail is told here, so the alert about the same failure need not be told beside it. */
export class FollowedWork {
  readonly #daemon: Caller;
  readonly #following = new Set<string>();
  #told: readonly Followed[] = [];

  /** `daemon` is asked quietly. */
  constructor(daemon: Caller) {
    this.#daemon = daemon;
  }

  /** To be called around the wait for the action's end, which `follow` gives. */
  async until(actionId: string, follow: () => Promise<ActionWithResult>): Promise<ActionWithResult> {
    this.#following.add(actionId);
    try {
      const action = await follow();
      if (action.error !== null) this.#told = [...this.#told, action].slice(-rememberedMost);
      return action;
    } finally {
      this.#following.delete(actionId);
    }
  }

  /** Whether this window has told of the failure behind an alert, or is about to. Rejects as requests do. */
  async tells(alert: Cause): Promise<boolean> {
    if (this.#told.some((action) => isBehind(alert, action))) return true;
    for (const actionId of this.#following) {
      if (isBehind(alert, await this.#daemon.call(actionResult, { actionId }))) return true;
    }
    return false;
  }
}

/** The same sentence alone may be of a later run. What an audit finds is an alert before the audit has ended, which then tells it itself. */
function isBehind(alert: Cause, { kind, subject, state, startedAt, finishedAt, error }: Followed): boolean {
  const at = Date.parse(alert.since);
  if (startedAt === null || at < Date.parse(startedAt)) return false;
  if (finishedAt !== null && at > Date.parse(finishedAt) + behindEnd) return false;
  if (alert.kind === 'tampering' && kind === 'auditLocks') return alert.subject === subject;
  return isEnded(state) && error !== null && alert.detail === error.message;
}
