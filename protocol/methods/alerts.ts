import * as z from 'zod';
import type { Method, Page, PageParams } from '../method.ts';
import { pageOf, pageParams } from '../method.ts';
import { reference, storedName, time, uuid } from './values.ts';

/** What an alert can be about. This version raises those in the second half; the first half waits for what they are about. */
export const alertKinds = [
  'locationCriteria',
  'refreshFailed',
  'slackHalf',
  'slackQuarter',
  'extenderStopped',
  'lockedTooLong',
  'tampering',
  'keyEndangered',
  'recoveryCoverage',
  'rehearsalOverdue',
  'ownershipLost',
  'policyOverdue',
  'locationUnreachable',
  'locationFull',
  'passkeyFailing',
  'keyringBehind',
  'clockSkew',
  'backupFailed',
  'sourceMissing',
  'commandFailed',
  'hookFailed',
  'retentionFailed',
  'garbageCollectionFailed',
  'damagedData',
  'failedProofs',
] as const;

export type AlertKind = (typeof alertKinds)[number];

export const alertSeverities = ['error', 'warning', 'info'] as const;

export type AlertSeverity = (typeof alertSeverities)[number];

/** Only `open` asks for anything; `resolved` is the end. */
export type AlertState = 'open' | 'acknowledged' | 'snoozed' | 'resolved';

/** What the user must know. Raised once for its kind and subject, resolved when its cause is gone; a cause that comes back is a new alert. */
export interface Alert {
  readonly id: string;
  readonly kind: AlertKind;
  readonly severity: AlertSeverity;
  /** What it is about, for people: a policy's or location's name, a restore point's short id. */
  readonly subject: string;
  /** One sentence; names, times and counts alone, since it can be read while locked. */
  readonly message: string;
  readonly since: string;
  readonly safeUntil: string | null;
  /** One way out. */
  readonly fix: string | null;
  readonly state: AlertState;
  /** The error behind it, which may name files: sealed, so `null` while locked, and where there is none or it was raised while locked. */
  readonly detail: string | null;
  readonly policyId: string | null;
  readonly locationId: string | null;
  readonly restorePointId: string | null;
  readonly slotId: string | null;
  /** Until when it is snoozed; `null` in every other state. */
  readonly snoozedUntil: string | null;
  readonly resolvedAt: string | null;
}

export const alert: z.ZodType<Alert> = z.strictObject({
  id: uuid,
  kind: z.enum(alertKinds),
  severity: z.enum(alertSeverities),
  subject: storedName,
  message: z.string(),
  since: time,
  safeUntil: time.nullable(),
  fix: z.string().nullable(),
  state: z.enum(['open', 'acknowledged', 'snoozed', 'resolved']),
  detail: z.string().nullable(),
  policyId: uuid.nullable(),
  locationId: uuid.nullable(),
  restorePointId: uuid.nullable(),
  slotId: uuid.nullable(),
  snoozedUntil: time.nullable(),
  resolvedAt: time.nullable(),
});

export interface AlertListParams extends PageParams {
  /** Resolved ones too. */
  readonly all: boolean;
}

/** Newest first. */
export const alertList: Method<AlertListParams, Page<Alert>> = {
  name: 'alert.list',
  params: z.strictObject({ ...pageParams, all: z.boolean() }),
  result: pageOf(alert),
  right: 'whileLocked',
};

export interface AlertParams {
  /** An id or a prefix of one that is unique. */
  readonly alert: string;
}

/** It stays listed and is counted no more; also ends a snooze. One that is resolved is answered as it is. Errors: `unknownName`, `ambiguousName`. */
export const alertAcknowledge: Method<AlertParams, Alert> = {
  name: 'alert.acknowledge',
  params: z.strictObject({ alert: reference }),
  result: alert,
  right: 'whileLocked',
  audit: { made: { id: 'alert' } },
};

/** A snooze takes a year at most. */
export const snoozeSecondsMost: number = 366 * 86_400;

/** One of the two. */
export interface AlertSnoozeParams extends AlertParams {
  /** For so many seconds from now. */
  readonly for?: number;
  readonly until?: string;
}

/**
 * Not counted until then, and open again afterwards, or earlier where the clock turns out to have been set back. One that is resolved is answered
 * as it is. Errors: `unknownName`, `ambiguousName`, `badValue` (neither or both of `for` and `until`, a time that has passed or is too far away).
 */
export const alertSnooze: Method<AlertSnoozeParams, Alert> = {
  name: 'alert.snooze',
  params: z.strictObject({ alert: reference, for: z.int().min(1).exactOptional(), until: time.exactOptional() }),
  result: alert,
  right: 'whileLocked',
  audit: { facts: ['for', 'until'], made: { id: 'alert' } },
};
