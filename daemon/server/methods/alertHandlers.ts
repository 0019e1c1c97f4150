import { alertAcknowledge, alertList, alertSnooze } from '../../../protocol/methods/alerts.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function alertHandlers(alerts: AlertBook): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(alertList, async (params) => alerts.list(params)),
    handlerOf(alertAcknowledge, async ({ alert }) => alerts.acknowledge(alert)),
    handlerOf(alertSnooze, async ({ alert, ...span }) => alerts.snooze(alert, span)),
  ];
}
