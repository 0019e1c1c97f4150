import * as z from 'zod';
import type { Method } from '../method.ts';
import { time } from './values.ts';

/** That the daemon locks itself some hours after a passphrase was last given. */
export interface AutoLockStatus {
  readonly hours: number;
  /** When it locks, if nobody gives a passphrase until then; `null` while it is locked. */
  readonly at: string | null;
}

export const autoLockStatus: z.ZodType<AutoLockStatus> = z.strictObject({ hours: z.number().positive(), at: time.nullable() });

export interface AutoLockParams {
  /** `null`: never, which is how it is until somebody says otherwise. */
  readonly hours: number | null;
}

const hoursInTenYears = 87_600;

/**
 * Says when the daemon locks itself; kept over its end. Hours count on while the machine sleeps, and begin anew with each passphrase that opens a passkey;
 * what runs at that moment is waited for.
 */
export const sessionAutoLock: Method<AutoLockParams, AutoLockParams> = {
  name: 'session.autoLock',
  params: z.strictObject({ hours: z.number().min(0.01).max(hoursInTenYears).nullable() }),
  result: z.strictObject({ hours: z.number().nullable() }),
  right: 'always',
  audit: { facts: ['hours'] },
};
