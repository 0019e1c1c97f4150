import * as z from 'zod';

/**
 * The documents of the command line as other programs rely on them, written down by hand and not taken from protocol/: every key must
 * be there in its type, and more keys may be added at any time. What is of a feature that this version does not have is `null`.
 */
export interface Document {
  readonly [field: string]: unknown;
}

export const time: z.ZodType<string> = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
const count = z.int().min(0);
const seconds = z.number().min(0);
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const later = z.null();

export interface Finding extends Document {
  readonly path: string;
  readonly reason: string;
}
const finding = z.looseObject({ path: z.string(), reason: z.string().min(1) });

export interface CliError {
  readonly code: string;
  readonly message: string;
  readonly fix: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
}
export const errorDocument: z.ZodType<{ readonly error: CliError }> = z.strictObject({
  error: z.strictObject({
    code: z.string().min(1),
    message: z.string().min(1),
    fix: z.string().min(1).nullable(),
    details: z.record(z.string(), z.unknown()).nullable(),
  }),
});

export interface InitDocument extends Document {
  readonly installationId: string;
  readonly passkey: string;
  readonly passphrase?: string | undefined;
}
export const initDocument: z.ZodType<InitDocument> = z.looseObject({
  installationId: uuid,
  passkey: z.string(),
  passphrase: z.string().optional(),
});

export interface RunningAction extends Document {
  readonly actionId: string;
  readonly kind: string;
  readonly subject: string;
  readonly subjectId: string | null;
  readonly state: 'queued' | 'running';
  readonly fraction: number | null;
}
export interface StatusDocument extends Document {
  readonly state: 'notRunning' | 'notSetUp' | 'locked' | 'unlocked';
  readonly installationId: string | null;
  readonly version: string | null;
  readonly pid: number | null;
  readonly startedAt: string | null;
  readonly passkeyInUse: string | null;
  readonly safeUntil: string | null;
  readonly lastBackup: string | null;
  readonly runningActions: readonly RunningAction[];
  readonly alerts: { readonly error: number; readonly warning: number } | null;
  readonly readOnly: boolean | null;
  readonly unattended: UnattendedDocument | null;
  readonly autoLock: { readonly hours: number; readonly at: string | null } | null;
}

export interface ServiceDocument extends Document {
  readonly kind: 'systemd' | 'launchd' | 'taskScheduler';
  readonly name: string;
  readonly path: string;
  readonly installed: boolean;
  readonly enabled: boolean;
  readonly running: boolean;
  readonly program: string | null;
  readonly confined: boolean | null;
  readonly lingers: boolean | null;
  readonly problem: string | null;
}
export const serviceDocument: z.ZodType<ServiceDocument> = z.looseObject({
  kind: z.enum(['systemd', 'launchd', 'taskScheduler']),
  name: z.string().min(1),
  path: z.string().min(1),
  installed: z.boolean(),
  enabled: z.boolean(),
  running: z.boolean(),
  program: z.string().nullable(),
  confined: z.boolean().nullable(),
  lingers: z.boolean().nullable(),
  problem: z.string().min(1).nullable(),
});

export interface UnattendedDocument extends Document {
  readonly kind: 'passphraseFile' | 'command' | 'keyService';
  readonly path: string | null;
  readonly problem: string | null;
  readonly nextTryAt: string | null;
}
export const unattendedDocument: z.ZodType<UnattendedDocument> = z.looseObject({
  kind: z.enum(['passphraseFile', 'command', 'keyService']),
  path: z.string().nullable(),
  problem: z.string().min(1).nullable(),
  nextTryAt: time.nullable(),
});

export const statusDocument: z.ZodType<StatusDocument> = z.looseObject({
  state: z.enum(['notRunning', 'notSetUp', 'locked', 'unlocked']),
  installationId: uuid.nullable(),
  version: z.string().nullable(),
  pid: count.nullable(),
  startedAt: time.nullable(),
  passkeyInUse: z.string().nullable(),
  safeUntil: time.nullable(),
  lastBackup: time.nullable(),
  runningActions: z.array(
    z.looseObject({
      actionId: uuid,
      kind: z.string(),
      subject: z.string(),
      subjectId: z.string().nullable(),
      state: z.enum(['queued', 'running']),
      fraction: z.number().min(0).max(1).nullable(),
    }),
  ),
  alerts: z.looseObject({ error: count, warning: count }).nullable(),
  readOnly: z.boolean().nullable(),
  unattended: unattendedDocument.nullable(),
  autoLock: z.looseObject({ hours: z.number(), at: time.nullable() }).nullable(),
});

export interface PasskeyDocument extends Document {
  readonly slotId: string;
  readonly name: string;
  readonly kind: 'passphrase' | 'awsKms' | 'vaultTransit';
  readonly inUse: boolean;
  readonly state: 'ready' | 'unverified' | 'failing' | 'retired';
  readonly reference: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly verifiedAt: string | null;
  readonly retirableFrom: string | null;
  readonly rotates: { readonly everyDays: number; readonly next: string } | null;
  readonly warnings: readonly string[];
}
export const passkeyDocument: z.ZodType<PasskeyDocument> = z.looseObject({
  slotId: uuid,
  name: z.string(),
  kind: z.enum(['passphrase', 'awsKms', 'vaultTransit']),
  inUse: z.boolean(),
  state: z.enum(['ready', 'unverified', 'failing', 'retired']),
  reference: z.record(z.string(), z.unknown()),
  createdAt: time,
  verifiedAt: time.nullable(),
  retirableFrom: time.nullable(),
  rotates: z.object({ everyDays: z.int(), next: time }).nullable(),
  warnings: z.array(z.string()),
});

export interface CheckDocument extends Document {
  readonly check: string;
  readonly result: 'pass' | 'fail' | 'warn';
  readonly detail: string;
  readonly fix: string | null;
}
export const checksDocument: z.ZodType<readonly CheckDocument[]> = z.array(
  z.looseObject({
    check: z.string().min(1),
    result: z.enum(['pass', 'fail', 'warn']),
    detail: z.string().min(1),
    fix: z.string().min(1).nullable(),
  }),
);

export type LockVerdict = 'enforced' | 'notEnforced' | 'bypassable' | 'inconclusive';
const lockVerdict = z.enum(['enforced', 'notEnforced', 'bypassable', 'inconclusive']);

export interface LocationDocument extends Document {
  readonly name: string;
  readonly kind: 'filesystem' | 's3';
  readonly immutable: boolean;
  readonly protectionPeriodDays: number | null;
  readonly lastValidatedAt: string | null;
  readonly lockProof: { readonly verdict: LockVerdict; readonly at: string } | null;
  readonly heldBytes: number;
  readonly uploadLimit: number | null;
}
export const locationDocument: z.ZodType<LocationDocument> = z.looseObject({
  name: z.string(),
  kind: z.enum(['filesystem', 's3']),
  immutable: z.boolean(),
  protectionPeriodDays: count.nullable(),
  lastValidatedAt: time.nullable(),
  lockProof: z.looseObject({ verdict: lockVerdict, at: time }).nullable(),
  heldBytes: count,
  uploadLimit: count.nullable(),
});

export interface LockProofDocument extends Document {
  readonly verdict: LockVerdict;
  readonly attempts: readonly { readonly attempt: string; readonly expected: string; readonly got: string }[];
}
export const lockProofDocument: z.ZodType<LockProofDocument> = z.looseObject({
  verdict: lockVerdict,
  attempts: z.array(z.looseObject({ attempt: z.string().min(1), expected: z.string().min(1), got: z.string().min(1) })),
});

export interface ImmutabilityDocument extends Document {
  readonly safeUntil: string | null;
  readonly objects: number;
  readonly shortest: { readonly objectKey: string; readonly retainUntil: string | null } | null;
  readonly lastRefresh: string | null;
  readonly nextRefresh: string | null;
  readonly callsPerMonth: number;
  readonly findings: number;
}
export const immutabilityDocument: z.ZodType<ImmutabilityDocument> = z.looseObject({
  safeUntil: time.nullable(),
  objects: count,
  shortest: z.looseObject({ objectKey: z.string().min(1), retainUntil: time.nullable() }).nullable(),
  lastRefresh: time.nullable(),
  nextRefresh: time.nullable(),
  callsPerMonth: count,
  findings: count,
});

export interface RefreshDocument extends Document {
  readonly extended: number;
}
export const refreshDocument: z.ZodType<RefreshDocument> = z.looseObject({ extended: count });

export interface AuditDocument extends Document {
  readonly findings: readonly {
    readonly kind: string;
    readonly key: string;
    readonly versionId: string | null;
    readonly firstSeen: string;
  }[];
}
export const auditDocument: z.ZodType<AuditDocument> = z.looseObject({
  findings: z.array(z.looseObject({ kind: z.string().min(1), key: z.string().min(1), versionId: z.string().nullable(), firstSeen: time })),
});

export interface AbsenceDocument extends Document {
  readonly longestAbsenceDays: number;
}
export const absenceDocument: z.ZodType<AbsenceDocument> = z.looseObject({ longestAbsenceDays: z.number().min(0) });

export interface GarbageDocument extends Document {
  readonly freedBytes: number;
  readonly waiting: readonly { readonly until: string; readonly bytes: number }[];
}
export const garbageDocument: z.ZodType<GarbageDocument> = z.looseObject({
  freedBytes: count,
  waiting: z.array(z.looseObject({ until: time, bytes: count })),
});

export interface PolicyDocument extends Document {
  readonly policyId: string;
  readonly name: string;
  /** A folder has a path, a command a name and what is run. */
  readonly sources: readonly (Document & {
    readonly path?: string | undefined;
    readonly name?: string | undefined;
    readonly command?: string | undefined;
  })[];
  readonly location: string;
  readonly schedule: string | null;
  readonly nextRunAt: string | null;
  readonly keep: Readonly<Record<'latest' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly', number>> | null;
  readonly paused: boolean;
  readonly exclude: readonly string[];
  readonly gitignore: boolean;
  readonly oneFileSystem: boolean;
  readonly includeCaches: boolean;
  readonly maxFileSize: number | null;
  readonly restorePoints: number;
  readonly problem: string | null;
}
export const policyDocument: z.ZodType<PolicyDocument> = z.looseObject({
  policyId: uuid,
  name: z.string(),
  sources: z.array(z.looseObject({ path: z.string().optional(), name: z.string().optional(), command: z.string().optional() })),
  location: z.string(),
  schedule: z.string().min(1).nullable(),
  nextRunAt: time.nullable(),
  keep: z.strictObject({ latest: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count }).nullable(),
  paused: z.boolean(),
  exclude: z.array(z.string()),
  gitignore: z.boolean(),
  oneFileSystem: z.boolean(),
  includeCaches: z.boolean(),
  maxFileSize: count.nullable(),
  restorePoints: count,
  problem: z.string().min(1).nullable(),
});

export interface RetentionDocument extends Document {
  readonly id: string;
  readonly keep: boolean;
  readonly reasons: readonly string[];
}
export const retentionDocument: z.ZodType<readonly RetentionDocument[]> = z.array(
  z.looseObject({ id: uuid, keep: z.boolean(), reasons: z.array(z.string().min(1)) }),
);

export interface ProcessDocument extends Document {
  readonly exitStatus: number | null;
  readonly signal: string | null;
  readonly seconds: number;
  readonly standardError: string;
  readonly problem: string | null;
}
const processShape = {
  exitStatus: z.int().nullable(),
  signal: z.string().nullable(),
  seconds,
  standardError: z.string(),
  problem: z.string().min(1).nullable(),
};
export interface CommandDocument extends ProcessDocument {
  readonly name: string;
  readonly bytes: number;
  readonly kept: boolean;
}
export const commandDocument: z.ZodType<CommandDocument> = z.looseObject({
  ...processShape,
  name: z.string(),
  bytes: count,
  kept: z.boolean(),
});
export interface HooksDocument extends Document {
  readonly before: ProcessDocument | null;
  readonly after: ProcessDocument | null;
}
export const hooksDocument: z.ZodType<HooksDocument> = z.looseObject({
  before: z.looseObject(processShape).nullable(),
  after: z.looseObject(processShape).nullable(),
});

export interface BackupDocument extends Document {
  readonly actionId: string;
  readonly restorePointId: string | null;
  readonly outcome: 'complete' | 'completeWithWarnings' | 'failed' | 'cancelled';
  readonly files: number;
  readonly bytes: number;
  readonly addedBytes: number;
  readonly skipped: readonly Finding[];
  readonly commands: readonly CommandDocument[];
  readonly hooks: HooksDocument;
  readonly seconds: number;
}
export const backupDocument: z.ZodType<BackupDocument> = z.looseObject({
  actionId: uuid,
  restorePointId: uuid.nullable(),
  outcome: z.enum(['complete', 'completeWithWarnings', 'failed', 'cancelled']),
  files: count,
  bytes: count,
  addedBytes: count,
  skipped: z.array(finding),
  commands: z.array(commandDocument),
  hooks: hooksDocument,
  seconds,
});

export interface RestorePointDocument extends Document {
  readonly id: string;
  readonly policy: string;
  readonly policyId: string;
  readonly sequence: number;
  readonly startedAt: string;
  readonly uploadEndTime: string;
  readonly storeTime: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly addedBytes: number;
  readonly protectedUntil: string | null;
  readonly state: 'live' | 'retired' | 'damaged';
  readonly pinned: boolean;
  readonly verified: { readonly at: string; readonly result: string } | null;
  readonly anomaly: null;
  readonly description: string | null;
}
export const restorePointDocument: z.ZodType<RestorePointDocument> = z.looseObject({
  id: uuid,
  policy: z.string(),
  policyId: uuid,
  sequence: count,
  startedAt: time,
  uploadEndTime: time,
  storeTime: time.nullable(),
  files: count,
  bytes: count,
  addedBytes: count,
  protectedUntil: time.nullable(),
  state: z.enum(['live', 'retired', 'damaged']),
  pinned: z.boolean(),
  verified: z.looseObject({ at: time, result: z.string() }).nullable(),
  anomaly: later,
  description: z.string().nullable(),
});

export interface EntryDocument extends Document {
  readonly path: string;
  readonly kind: 'file' | 'dir' | 'link' | 'fifo' | 'socket' | 'char' | 'block' | 'stream';
  readonly mode: number;
  readonly size: number | null;
  readonly mtime: string | null;
  readonly linkTarget: string | null;
}
export const entryDocument: z.ZodType<EntryDocument> = z.looseObject({
  path: z.string().min(1),
  kind: z.enum(['file', 'dir', 'link', 'fifo', 'socket', 'char', 'block', 'stream']),
  mode: count,
  size: count.nullable(),
  mtime: time.nullable(),
  linkTarget: z.string().nullable(),
});

export type Change = 'added' | 'removed' | 'modified' | 'metadata' | 'kind';
const change = z.enum(['added', 'removed', 'modified', 'metadata', 'kind']);

export interface ChangeDocument extends Document {
  readonly path: string;
  readonly change: Change;
}
export const changeDocument: z.ZodType<ChangeDocument> = z.looseObject({ path: z.string(), change });

export interface VerifyDocument extends Document {
  readonly ok: boolean;
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  readonly damaged: readonly Finding[];
}
export const verifyDocument: z.ZodType<VerifyDocument> = z.looseObject({
  ok: z.boolean(),
  checkedObjects: count,
  checkedBytes: count,
  damaged: z.array(finding),
});

export interface FileVersionDocument extends Document {
  readonly restorePointId: string;
  readonly time: string;
  readonly size: number | null;
  readonly change: Change;
}
export const fileVersionDocument: z.ZodType<FileVersionDocument> = z.looseObject({
  restorePointId: uuid,
  time,
  size: count.nullable(),
  change,
});

export interface RestoreDocument extends Document {
  readonly files: number;
  readonly bytes: number;
  readonly skipped: readonly Finding[];
  readonly damaged: readonly Finding[];
  readonly seconds: number;
}
export const restoreDocument: z.ZodType<RestoreDocument> = z.looseObject({
  files: count,
  bytes: count,
  skipped: z.array(finding),
  damaged: z.array(finding),
  seconds,
});

export interface ImportDocument extends Document {
  readonly installationId: string;
  readonly policies: number;
  readonly restorePoints: number;
  readonly live: number;
  readonly retired: number;
  readonly later: number;
  readonly pinned: number;
  readonly location: string;
  readonly passkeys: readonly string[];
  readonly broughtBack: string | null;
  readonly damaged: readonly Finding[];
}
export const importDocument: z.ZodType<ImportDocument> = z.looseObject({
  installationId: uuid,
  policies: count,
  restorePoints: count,
  live: count,
  retired: count,
  later: count,
  pinned: count,
  location: z.string(),
  passkeys: z.array(z.string()),
  broughtBack: z.string().nullable(),
  damaged: z.array(finding),
});

/** What `--no-wait` prints. */
export interface StartedDocument extends Document {
  readonly actionId: string;
}
export const startedDocument: z.ZodType<StartedDocument> = z.looseObject({ actionId: uuid });

export interface ActionDocument extends Document {
  readonly actionId: string;
  readonly kind: string;
  readonly subject: string;
  readonly startedBy: 'user' | 'schedule';
  readonly state: 'queued' | 'running' | 'complete' | 'completeWithWarnings' | 'failed' | 'cancelled';
  readonly queuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly progress: {
    readonly phase: string;
    readonly files: number;
    readonly bytes: number;
    readonly fraction: number | null;
    readonly rate: number;
    readonly secondsLeft: number | null;
  };
  readonly error: { readonly code: string; readonly message: string } | null;
}
export const actionDocument: z.ZodType<ActionDocument> = z.looseObject({
  actionId: uuid,
  kind: z.string(),
  subject: z.string(),
  startedBy: z.enum(['user', 'schedule']),
  state: z.enum(['queued', 'running', 'complete', 'completeWithWarnings', 'failed', 'cancelled']),
  queuedAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  progress: z.looseObject({
    phase: z.string(),
    files: count,
    bytes: count,
    fraction: z.number().min(0).max(1).nullable(),
    rate: z.number(),
    secondsLeft: seconds.nullable(),
  }),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
});

export interface AlertDocument extends Document {
  readonly id: string;
  readonly kind: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly subject: string;
  readonly message: string;
  readonly since: string;
  readonly safeUntil: string | null;
  readonly fix: string | null;
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved';
}
export const alertDocument: z.ZodType<AlertDocument> = z.looseObject({
  id: uuid,
  kind: z.string().min(1),
  severity: z.enum(['error', 'warning', 'info']),
  subject: z.string(),
  message: z.string().min(1),
  since: time,
  safeUntil: time.nullable(),
  fix: z.string().min(1).nullable(),
  state: z.enum(['open', 'acknowledged', 'snoozed', 'resolved']),
});

export interface LogLineDocument extends Document {
  readonly time: string;
  readonly level: string;
  readonly message: string;
}
export const logLineDocument: z.ZodType<LogLineDocument> = z.looseObject({ time, level: z.string(), message: z.string() });

export const versionDocument: z.ZodType<Document & { readonly version: string }> = z.looseObject({ version: z.string() });
