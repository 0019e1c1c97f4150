import type { Alert } from '../../protocol/methods/alerts.ts';
import { actionResult, type ActionWithResult, isEnded } from '../../protocol/methods/actions.ts';
import type { Caller } from '../connection/daemonService.ts';

/** An alert is raised right behind the end of its run. Milliseconds. */
const behindEnd = 10_000;
const rememberedMost = 20;

type Failure = Pick<ActionWithResult, 'state' | 'startedAt' | 'finishedAt' | 'error'>;

/** The actions that this window follows: how they fail is told here, so the alert about the same failure need not be told beside it. */
export class FollowedWork {
  readonly #daemon: Caller;
  readonly #following = new Set<string>();
  #told: readonly Failure[] = [];

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
  async tells(alert: Pick<Alert, 'since' | 'detail'>): Promise<boolean> {
    if (this.#told.some((action) => isBehind(alert, action))) return true;
    for (const actionId of this.#following) {
      if (isBehind(alert, await this.#daemon.call(actionResult, { actionId }))) return true;
    }
    return false;
  }
}

/** The same sentence alone may be of a later run. */
function isBehind({ since, detail }: Pick<Alert, 'since' | 'detail'>, { state, startedAt, finishedAt, error }: Failure): boolean {
  if (!isEnded(state) || startedAt === null || finishedAt === null || error === null || detail !== error.message) return false;
  const at = Date.parse(since);
  return at >= Date.parse(startedAt) && at <= Date.parse(finishedAt) + behindEnd;
}
