import * as z from 'zod';
import type { Method } from './method.ts';

/** What happened; the rows themselves are asked for. `lookAgain` says that events were left out because this client fell behind. */
const eventNames = ['action.changed', 'alert.changed', 'state.changed', 'catalog.changed', 'lookAgain'] as const;
export type EventName = (typeof eventNames)[number];

/** A notification of the server's. `subject` is what changed: an action's id, or `table/id` of a catalog row; empty where the name says it all. */
export interface DaemonEvent {
  readonly name: EventName;
  readonly subject: string;
}

export const daemonEvent: z.ZodType<DaemonEvent> = z.strictObject({ name: z.enum(eventNames), subject: z.string().max(256) });

/** The JSON-RPC notification that carries a `DaemonEvent`. */
export const eventNotification = 'event';

export interface SubscribeParams {
  /** All that this session wants to hear from now on; an empty list ends the subscription. */
  readonly names: readonly EventName[];
}

export const subscribe: Method<SubscribeParams, null> = {
  name: 'events.subscribe',
  params: z.strictObject({ names: z.array(z.enum(eventNames)).max(eventNames.length) }),
  result: z.null(),
  right: 'always',
};
