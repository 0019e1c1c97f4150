import * as z from 'zod';
import type { Method } from '../method.ts';

/** `notifier`: of several windows, the one that shows notifications. */
export type SessionRole = 'notifier';

export interface ClaimParams {
  readonly role: SessionRole;
}

export interface ClaimResult {
  /** Otherwise another session has it. */
  readonly granted: boolean;
}

/** Takes a role that one session at a time has, until that session ends; the others hear `state.changed` then and may claim it. */
export const sessionClaim: Method<ClaimParams, ClaimResult> = {
  name: 'session.claim',
  params: z.strictObject({ role: z.enum(['notifier']) }),
  result: z.strictObject({ granted: z.boolean() }),
  right: 'always',
};
