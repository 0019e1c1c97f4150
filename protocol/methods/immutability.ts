import * as z from 'zod';
import type { Method, WorkParams } from '../method.ts';
import { requestId } from '../method.ts';
import { type LocationParams, type LockVerdict, lockVerdict } from './locations.ts';
import { count, reference, storedName, time, uuid } from './values.ts';

/** How the locks of one location stand, by the ledger. */
export interface LocationImmutability {
  readonly location: string;
  readonly locationId: string;
  readonly protectionPeriodDays: number;
  /** What holds now, while a longer period is not yet reached; `null` before the first whole refresh. */
  readonly promisedDays: number | null;
  /** The earliest moment at which anything live falls below the promise if the daemon never ran again; `null` where nothing is promised. */
  readonly safeUntil: string | null;
  /** Objects that are kept locked. */
  readonly objects: number;
  readonly shortest: { readonly objectKey: string; readonly retainUntil: string | null } | null;
  /** Seconds that remain above the promise; `null` where nothing is promised. */
  readonly slackSeconds: number | null;
  readonly lastRefresh: string | null;
  readonly nextRefresh: string | null;
  readonly isRefreshing: boolean;
  readonly callsPerMonth: number;
  readonly lockProof: { readonly verdict: LockVerdict; readonly at: string } | null;
  readonly lastAudit: string | null;
  /** Of the last audit. */
  readonly findings: number;
  /** Seconds by which this machine's clock is ahead of the store's; `null` where it was not asked. */
  readonly clockSkewSeconds: number | null;
}

const shortest = z.strictObject({ objectKey: z.string(), retainUntil: time.nullable() }).nullable();

export const locationImmutability: z.ZodType<LocationImmutability> = z.strictObject({
  location: storedName,
  locationId: uuid,
  protectionPeriodDays: count,
  promisedDays: count.nullable(),
  safeUntil: time.nullable(),
  objects: count,
  shortest,
  slackSeconds: z.int().nullable(),
  lastRefresh: time.nullable(),
  nextRefresh: time.nullable(),
  isRefreshing: z.boolean(),
  callsPerMonth: count,
  lockProof: z.strictObject({ verdict: lockVerdict, at: time }).nullable(),
  lastAudit: time.nullable(),
  findings: count,
  clockSkewSeconds: z.int().nullable(),
});

export interface ImmutabilityStatusParams {
  /** Left out: all immutable locations. */
  readonly location?: string;
}

/** Over all that it was asked for: the soonest of the dates, the sum of the counts. */
export interface ImmutabilityStatus
  extends Pick<LocationImmutability, 'safeUntil' | 'objects' | 'shortest' | 'lastRefresh' | 'nextRefresh' | 'callsPerMonth' | 'findings'> {
  /** Days without the daemon that are reckoned with. */
  readonly longestAbsenceDays: number;
  readonly locations: readonly LocationImmutability[];
}

/** Errors: `unknownName`; `refusedByRule` where the location is not immutable. */
export const immutabilityStatus: Method<ImmutabilityStatusParams, ImmutabilityStatus> = {
  name: 'immutability.status',
  params: z.strictObject({ location: reference.exactOptional() }),
  result: z.strictObject({
    safeUntil: time.nullable(),
    objects: count,
    shortest,
    lastRefresh: time.nullable(),
    nextRefresh: time.nullable(),
    callsPerMonth: count,
    findings: count,
    longestAbsenceDays: z.number().min(0),
    locations: z.array(locationImmutability),
  }),
  right: 'whileLocked',
};

export interface ImmutabilityWorkParams extends WorkParams {
  /** Left out: all immutable locations. */
  readonly location?: string;
}

const workParams: z.ZodType<ImmutabilityWorkParams> = z.strictObject({ requestId, location: reference.exactOptional() });

const started: z.ZodType<{ readonly actionId: string }> = z.strictObject({ actionId: uuid });

/** Extends every lock that is short, now. Errors: `unknownName`; `refusedByRule` where the location is not immutable. */
export const immutabilityRefresh: Method<ImmutabilityWorkParams, { readonly actionId: string }> = {
  name: 'immutability.refresh',
  params: workParams,
  result: started,
  right: 'unlocked',
  startsWork: true,
};

/** The result of an action of kind `refreshLocks`. */
export interface RefreshDocument {
  readonly extended: number;
  readonly locations: readonly {
    readonly location: string;
    readonly locationId: string;
    readonly extended: number;
    /** Keys of kept objects that are not in the store, a hundred at most. */
    readonly missing: readonly string[];
    /** Keys whose lock the store did not take, a hundred at most. */
    readonly refused: readonly string[];
    readonly error: string | null;
  }[];
  readonly seconds: number;
}

export const refreshDocument: z.ZodType<RefreshDocument> = z.strictObject({
  extended: count,
  locations: z.array(
    z.strictObject({
      location: storedName,
      locationId: uuid,
      extended: count,
      missing: z.array(z.string()),
      refused: z.array(z.string()),
      error: z.string().nullable(),
    }),
  ),
  seconds: z.number(),
});

/** Compares what the store holds with the ledger. The action ends as `failed` with `tampered` and its document where something was found. */
export const immutabilityAudit: Method<ImmutabilityWorkParams, { readonly actionId: string }> = {
  name: 'immutability.audit',
  params: workParams,
  result: started,
  right: 'unlocked',
  startsWork: true,
};

export interface TamperFinding {
  readonly kind: string;
  readonly key: string;
  /** Of the version that is wrong; `null` where it is not there. */
  readonly versionId: string | null;
  /** By this machine's clock. */
  readonly firstSeen: string;
  /** When it happened, as the store says; `null` where it does not tell. */
  readonly storeTime: string | null;
  readonly detail: string;
  readonly location: string;
}

/** The result of an action of kind `auditLocks`. */
export interface AuditDocument {
  /** The first thousand. */
  readonly findings: readonly TamperFinding[];
  readonly findingsCount: number;
  /** The earliest time of any finding. */
  readonly tamperedSince: string | null;
  readonly versions: number;
  readonly seconds: number;
}

export const auditDocument: z.ZodType<AuditDocument> = z.strictObject({
  findings: z.array(
    z.strictObject({
      kind: z.string(),
      key: z.string(),
      versionId: z.string().nullable(),
      firstSeen: time,
      storeTime: time.nullable(),
      detail: z.string(),
      location: storedName,
    }),
  ),
  findingsCount: count,
  tamperedSince: time.nullable(),
  versions: count,
  seconds: z.number(),
});

export interface ProveLockParams extends LocationParams, WorkParams {}

/** Tries on an object of its own whether the store enforces locks. The action ends as `failed` with `refusedByRule` and its document unless it does. */
export const locationProveLock: Method<ProveLockParams, { readonly actionId: string }> = {
  name: 'location.proveLock',
  params: z.strictObject({ requestId, location: reference }),
  result: started,
  right: 'unlocked',
  startsWork: true,
};

/** The result of an action of kind `proveLock`. */
export interface LockProofDocument {
  readonly verdict: LockVerdict;
  readonly at: string;
  readonly attempts: readonly { readonly attempt: string; readonly expected: string; readonly got: string }[];
  /** Why nothing was shown. */
  readonly reason: string | null;
  /** Over the rest, under a key of the installation; base64. */
  readonly signature: string;
}

export const lockProofDocument: z.ZodType<LockProofDocument> = z.strictObject({
  verdict: lockVerdict,
  at: time,
  attempts: z.array(z.strictObject({ attempt: z.string(), expected: z.string(), got: z.string() })),
  reason: z.string().nullable(),
  signature: z.string(),
});

export interface AbsenceParams {
  readonly days: number;
}

/** How long the daemon may be away without anything lapsing: the longer, the further ahead everything is locked. */
export const immutabilityAbsence: Method<AbsenceParams, { readonly longestAbsenceDays: number }> = {
  name: 'immutability.setAbsence',
  params: z.strictObject({ days: z.number().min(0).max(60) }),
  result: z.strictObject({ longestAbsenceDays: z.number() }),
  right: 'stepUp',
  audit: { facts: ['days'] },
};
