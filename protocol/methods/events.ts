import * as z from 'zod';
import { type Action, action } from './actions.ts';
import { type DaemonState, daemonState } from './session.ts';
import { type Nothing, nothing } from './values.ts';

/** What the daemon tells its clients unasked. At most 10 a second for each subject, the newest wins. */
export interface Event<Payload> {
  readonly name: string;
  readonly payload: z.ZodType<Payload>;
}

/** The subject is the action. Without its result: `action.result` has that. */
export const actionChanged: Event<Action> = { name: 'action.changed', payload: action };

export interface StateChanged {
  readonly state: DaemonState;
}

export const stateChanged: Event<StateChanged> = { name: 'state.changed', payload: z.strictObject({ state: daemonState }) };

export type CatalogTable = 'passkeys' | 'locations' | 'policies' | 'restorePoints' | 'actions';

/** Which rows changed, not the rows. Over 1,000 ids: none, and the whole table is to be read again. */
export interface CatalogChanged {
  readonly table: CatalogTable;
  readonly ids: readonly string[];
}

export const catalogChanged: Event<CatalogChanged> = {
  name: 'catalog.changed',
  payload: z.strictObject({
    table: z.enum(['passkeys', 'locations', 'policies', 'restorePoints', 'actions']),
    ids: z.array(z.string()).max(1000),
  }),
};

/** A client that fell behind missed some: it reads again what it shows. */
export const lookAgain: Event<Nothing> = { name: 'lookAgain', payload: nothing };

export const events: readonly Event<unknown>[] = [actionChanged, stateChanged, catalogChanged, lookAgain];
