import * as z from 'zod';
import type { Method, Page, PageParams } from '../method.ts';
import { pageOf, pageParams } from '../method.ts';
import type { PolicyParams, Retention, RetentionUnit } from './policies.ts';
import { count, reference, time, uuid } from './values.ts';

/** From the shortest to the longest. */
export const retentionUnits: readonly RetentionUnit[] = ['latest', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];

/** What a policy gets where nothing is said of retention. */
export const usualRetention: Retention = { latest: 10, hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 3 };

/** What retention says of one restore point. */
export interface RetentionItem {
  readonly id: string;
  readonly sequence: number;
  readonly startedAt: string;
  readonly keep: boolean;
  /** Why it stays: `everything`, `newest`, `pinned`, `damaged`, or a unit and its bucket, such as `latest 3` or `daily 2026-10-25`. Empty where it does not. */
  readonly reasons: readonly string[];
}

export interface PolicyRetentionParams extends PolicyParams, PageParams {}

/** What retention would do now, newest first; changes nothing. Every restore point that is on the list is named. Errors: `unknownName`. */
export const policyRetention: Method<PolicyRetentionParams, Page<RetentionItem>> = {
  name: 'policy.retention',
  params: z.strictObject({ policy: reference, ...pageParams }),
  result: pageOf(z.strictObject({ id: uuid, sequence: count, startedAt: time, keep: z.boolean(), reasons: z.array(z.string()) })),
  right: 'unlocked',
};
