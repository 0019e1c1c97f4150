import { HoldfastError } from '../protocol/errors.ts';
import type { ActionWithResult } from '../protocol/methods/actions.ts';
import { type FollowedAction, follow } from './follow.ts';
import type { Result } from './result.ts';
import type { Session } from './session.ts';

/** Follows what a verb started to its end, or says with `--no-wait` what was started. */
export async function finish(
  session: Session,
  started: FollowedAction,
  resultOf: (action: ActionWithResult) => Promise<Result>,
): Promise<Result> {
  if (!session.globals.wait) {
    return {
      document: { actionId: started.actionId },
      lines: [`${started.label}: started as action ${started.actionId}. Follow it with holdfast action show ${started.actionId} --follow.`],
    };
  }
  const [ended] = await follow(session, [started], { cancelOnInterrupt: true });
  if (ended === undefined) throw new HoldfastError('failed', `Failed to go on with "${started.label}": it was never started.`);
  return await resultOf(ended);
}
