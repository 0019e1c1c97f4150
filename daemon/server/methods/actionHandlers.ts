import { HoldfastError } from '../../../protocol/errors.ts';
import {
  type Action,
  type ActionWithResult,
  actionCancel,
  actionFindings,
  actionList,
  actionResult,
  actionShow,
} from '../../../protocol/methods/actions.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { ActionStore } from '../../catalog/actionStore.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

/** Running actions come from the queue, whose progress is newer than what the history holds. */
export function actionHandlers(queue: ActionQueue, history: ActionStore): readonly (readonly [string, BoundHandler])[] {
  const newest = (action: ActionWithResult): ActionWithResult => queue.get(action.actionId) ?? action;
  const known = (actionId: string): ActionWithResult => {
    const action = queue.get(actionId) ?? history.get(actionId);
    if (action === undefined) throw unknownAction(actionId);
    return action;
  };
  return [
    handlerOf(actionList, async (params) => {
      const page = history.list(params);
      return { ...page, items: page.items.map((action) => withoutResult(newest(action))) };
    }),
    handlerOf(actionShow, async ({ action }) => {
      const [only, second] = history.byIdPrefix(action);
      if (only === undefined) throw unknownAction(action);
      if (second !== undefined) {
        throw new HoldfastError('ambiguousName', `Failed to find action "${action}": several ids begin with it.`, {
          fix: 'Type more of the id.',
        });
      }
      return newest(only);
    }),
    handlerOf(actionResult, async ({ actionId }) => known(actionId)),
    handlerOf(actionCancel, async ({ actionId }) => {
      queue.cancel(actionId);
      return withoutResult(known(actionId));
    }),
    handlerOf(actionFindings, async ({ actionId, list, ...page }) => {
      known(actionId);
      return history.findings(actionId, list, page);
    }),
  ];
}

function withoutResult(action: ActionWithResult): Action {
  const { result: _, ...plain } = action;
  return plain;
}

function unknownAction(actionId: string): HoldfastError {
  return new HoldfastError('unknownName', `Failed to find action ${actionId}: there is none.`, {
    fix: '"holdfast action list" shows them.',
  });
}
