import * as z from 'zod';
import type { Method, Page, PageParams } from '../method.ts';
import { pageOf, pageParams } from '../method.ts';
import { count, type ErrorDocument, errorDocument, type Finding, finding, reference, seconds, time, uuid } from './values.ts';

export const actionKinds = [
  'backup',
  'restore',
  'verify',
  'importStored',
  'collectGarbage',
  'refreshLocks',
  'auditLocks',
  'proveLock',
  'rotatePasskey',
  'recoveryBackup',
] as const;

export type ActionKind = (typeof actionKinds)[number];

/** The last four are ends. `failed` with the error `damaged`: stored data is damaged, what could be read was read, and the result names the rest. */
export type ActionState = 'queued' | 'running' | 'complete' | 'completeWithWarnings' | 'failed' | 'cancelled';

/** Whether it will not change any more. */
export function isEnded(state: ActionState): boolean {
  return state !== 'queued' && state !== 'running';
}

/** `schedule`: the daemon by itself, by what was set before; else somebody asked for it. */
export type StartedBy = 'user' | 'schedule';

export interface ActionProgress {
  /** A word for people and programs: `preparing`, `reading`, `committing`, `restoring`, … */
  readonly phase: string;
  readonly files: number;
  readonly bytes: number;
  /** `null` while they are not known. */
  readonly totalFiles: number | null;
  readonly totalBytes: number | null;
  /** 0..1, `null` while the total is not known. */
  readonly fraction: number | null;
  /** Bytes a second over the last seconds. */
  readonly rate: number;
  readonly secondsLeft: number | null;
}

export interface Action {
  readonly actionId: string;
  readonly kind: ActionKind;
  /** What it works on, for people: a policy's name, a restore point's id. */
  readonly subject: string;
  readonly state: ActionState;
  readonly startedBy: StartedBy;
  readonly queuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly progress: ActionProgress;
  /** Why it failed. A daemon that ended under it: `daemonEnded`. */
  readonly error: ErrorDocument | null;
}

/**
 * With the verb's document: `BackupDocument`, `RestoreDocument`, `VerifyDocument`, `ImportDocument`, `GarbageDocument`, `RefreshDocument`, `AuditDocument`, `LockProofDocument` or `BundleDocument` by its kind, also with
 * warnings and damage; `null` until it is finished, and where it failed without one.
 */
export interface ActionWithResult extends Action {
  readonly result: Readonly<Record<string, unknown>> | null;
}

const progressSchema: z.ZodType<ActionProgress> = z.strictObject({
  phase: z.string(),
  files: count,
  bytes: count,
  totalFiles: count.nullable(),
  totalBytes: count.nullable(),
  fraction: z.number().min(0).max(1).nullable(),
  rate: z.number().min(0),
  secondsLeft: seconds.nullable(),
});

const actionShape = {
  actionId: uuid,
  kind: z.enum(actionKinds),
  subject: z.string(),
  state: z.enum(['queued', 'running', 'complete', 'completeWithWarnings', 'failed', 'cancelled']),
  startedBy: z.enum(['user', 'schedule']),
  queuedAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  progress: progressSchema,
  error: errorDocument.nullable(),
};

export const action: z.ZodType<Action> = z.strictObject({ ...actionShape });

export const actionWithResult: z.ZodType<ActionWithResult> = z.strictObject({
  ...actionShape,
  result: z.record(z.string(), z.unknown()).nullable(),
});

/** What a method that starts one action answers. */
export interface Started {
  readonly actionId: string;
}

export const started: z.ZodType<Started> = z.strictObject({ actionId: uuid });

/** Newest first. */
export const actionList: Method<PageParams, Page<Action>> = {
  name: 'action.list',
  params: z.strictObject({ ...pageParams }),
  result: pageOf(action),
  right: 'unlocked',
};

export interface ActionParams {
  readonly action: string;
}

export const actionShow: Method<ActionParams, ActionWithResult> = {
  name: 'action.show',
  params: z.strictObject({ action: reference }),
  result: actionWithResult,
  right: 'unlocked',
};

/** An action by its whole id: what whoever started it knows. */
export interface StartedParams {
  readonly actionId: string;
}

/**
 * For the client that started it, in any state of the daemon: an import runs before there is an installation, and `lock` cancels what runs.
 * A client waits by the event `action.changed`, looks here now and then, and takes the result once the state is an end (`isEnded`).
 */
export const actionResult: Method<StartedParams, ActionWithResult> = {
  name: 'action.result',
  params: z.strictObject({ actionId: uuid }),
  result: actionWithResult,
  right: 'always',
};

/** Asks it to end within a second; an action that is finished already is answered as it is. Errors: `unknownName`. */
export const actionCancel: Method<StartedParams, Action> = {
  name: 'action.cancel',
  params: z.strictObject({ actionId: uuid }),
  result: action,
  right: 'always',
};

export interface ActionFindingsParams extends StartedParams, PageParams {
  readonly list: 'skipped' | 'damaged';
}

/** The whole of a list of findings, of which a document holds the first `findingsInline`. */
export const actionFindings: Method<ActionFindingsParams, Page<Finding>> = {
  name: 'action.findings',
  params: z.strictObject({ ...pageParams, actionId: uuid, list: z.enum(['skipped', 'damaged']) }),
  result: pageOf(finding),
  right: 'unlocked',
};
