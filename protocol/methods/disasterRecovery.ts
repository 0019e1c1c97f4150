import * as z from 'zod';
import type { Method, SecretRef, WorkParams } from '../method.ts';
import { requestId, secretRef } from '../method.ts';
import { type Started, started } from './actions.ts';
import { count, nothing, type Nothing, reference, seconds, storedName, time, uuid } from './values.ts';

/** Where nothing else was said. */
export const usualRecoverySchedule = '@hourly';

const bundleId = z.string().regex(/^[0-9a-f]{32}$/);
const schedule = z.string().min(1).max(256);

/** A copy of the catalog that was put. */
export interface Bundle {
  readonly bundleId: string;
  /** The moment that its catalog is of. */
  readonly time: string;
  /** `delta`: needs the full one that it builds on. */
  readonly kind: 'full' | 'delta';
  readonly bytes: number;
  readonly restorePoints: number;
  /** As the store itself said it last; `null` at a location that locks nothing. */
  readonly lockedUntil: string | null;
}

/** Why recovery would not bring back everything that policies at immutable locations promise. */
export type CoverageProblemKind = 'softLocation' | 'tooSeldom' | 'tooShort' | 'overdue';

export interface CoverageProblem {
  readonly kind: CoverageProblemKind;
  /** One sentence. */
  readonly message: string;
  readonly fix: string;
}

export interface RecoveryStatus {
  readonly enabled: boolean;
  /** `null` while it is off, as all that follows but `bytesPerMonth`. */
  readonly location: string | null;
  readonly locationId: string | null;
  readonly enabledAt: string | null;
  readonly schedule: string | null;
  /** Also after each backup of a policy at an immutable location, a quarter of an hour apart at least. */
  readonly afterBackups: boolean | null;
  readonly nextRunAt: string | null;
  /** Empty where all is well. */
  readonly problems: readonly CoverageProblem[];
  readonly newest: Bundle | null;
  /** Times that can be gone back to, and the first of them. */
  readonly validTimes: number;
  readonly oldestTime: string | null;
  /** Of all bundles that are there, those of before it was turned off too. */
  readonly heldBytes: number;
  /** What thirty days of bundles take by this schedule, as far as it can be told: by those that are there, or else by the size of the catalog. */
  readonly bytesPerMonth: number;
}

const bundle: z.ZodType<Bundle> = z.strictObject({
  bundleId,
  time,
  kind: z.enum(['full', 'delta']),
  bytes: count,
  restorePoints: count,
  lockedUntil: time.nullable(),
});

const problem: z.ZodType<CoverageProblem> = z.strictObject({
  kind: z.enum(['softLocation', 'tooSeldom', 'tooShort', 'overdue']),
  message: z.string(),
  fix: z.string(),
});

export const recoveryStatusDocument: z.ZodType<RecoveryStatus> = z.strictObject({
  enabled: z.boolean(),
  location: storedName.nullable(),
  locationId: uuid.nullable(),
  enabledAt: time.nullable(),
  schedule: schedule.nullable(),
  afterBackups: z.boolean().nullable(),
  nextRunAt: time.nullable(),
  problems: z.array(problem),
  newest: bundle.nullable(),
  validTimes: count,
  oldestTime: time.nullable(),
  heldBytes: count,
  bytesPerMonth: count,
});

export const recoveryStatus: Method<Nothing, RecoveryStatus> = {
  name: 'recovery.status',
  params: nothing,
  result: recoveryStatusDocument,
  right: 'unlocked',
};

export interface RecoveryEnableParams extends WorkParams {
  readonly location: string;
  /** A preset or five fields of cron, in the machine's time zone. */
  readonly schedule: string;
  readonly afterBackups: boolean;
  /** The DR passphrase. It is kept nowhere. */
  readonly passphrase: SecretRef;
  /** A location that locks nothing will do. */
  readonly confirmed: boolean;
}

export interface RecoveryEnabled extends Started {
  readonly drkId: string;
}

/**
 * Makes a disaster recovery key that the DR passphrase opens, brings a keyring that it authenticates everywhere, and starts the first full bundle. Errors: `unknownName`, `ambiguousName`,
 * `refusedByRule` (on already; a passphrase that also opens a passkey), `badValue` (schedule; a weak passphrase), `confirmationNeeded` (a location that locks nothing), and as stores reject.
 */
export const recoveryEnable: Method<RecoveryEnableParams, RecoveryEnabled> = {
  name: 'recovery.enable',
  params: z.strictObject({
    requestId,
    location: reference,
    schedule,
    afterBackups: z.boolean(),
    passphrase: secretRef,
    confirmed: z.boolean(),
  }),
  result: z.strictObject({ actionId: uuid, drkId: bundleId }),
  right: 'stepUp',
  startsWork: true,
  audit: { subjects: { location: 'location' }, facts: ['afterBackups', 'confirmed'], made: { actionId: 'action' } },
};

export interface RecoveryDisableParams {
  readonly confirmed: boolean;
}

/** No bundles are made from then on; those that are locked stay until their locks end. Errors: `refusedByRule` (off already), `confirmationNeeded`. */
export const recoveryDisable: Method<RecoveryDisableParams, RecoveryStatus> = {
  name: 'recovery.disable',
  params: z.strictObject({ confirmed: z.boolean() }),
  result: recoveryStatusDocument,
  right: 'stepUp',
  audit: { facts: ['confirmed'] },
};

/** One bundle now. Errors: `refusedByRule` (off). */
export const recoveryBackup: Method<WorkParams, Started> = {
  name: 'recovery.backup',
  params: z.strictObject({ requestId }),
  result: started,
  right: 'unlocked',
  startsWork: true,
};

/** The result of an action of kind `recoveryBackup`. */
export interface BundleDocument extends Bundle {
  readonly actionId: string;
  readonly location: string;
  /** Bytes of the catalog, or of what changed in it, before they were compressed. */
  readonly catalogBytes: number;
  /** Bundles that nobody needs any more and whose locks had ended. */
  readonly deletedBundles: number;
  readonly freedBytes: number;
  readonly seconds: number;
}

export const bundleDocument: z.ZodType<BundleDocument> = z.strictObject({
  actionId: uuid,
  location: storedName,
  bundleId,
  time,
  kind: z.enum(['full', 'delta']),
  bytes: count,
  restorePoints: count,
  lockedUntil: time.nullable(),
  catalogBytes: count,
  deletedBundles: count,
  freedBytes: count,
  seconds,
});
