import * as z from 'zod';
import { type KeyAccess, keyAccessSchema, type KeyTarget, keyTargetSchema } from '../keyServices.ts';
import type { Method, SecretRef, WorkParams } from '../method.ts';
import { requestId, secretRef } from '../method.ts';
import { autoLockStatus, type AutoLockStatus } from './autoLock.ts';
import { unattendedStatus, type UnattendedStatus } from './unattended.ts';
import { count, newName, nothing, type Nothing, reference, storedName, time, uuid } from './values.ts';

export type DaemonState = 'notSetUp' | 'locked' | 'unlocked';

export const daemonState: z.ZodType<DaemonState> = z.enum(['notSetUp', 'locked', 'unlocked']);

/** An action that has not ended. */
export interface RunningAction {
  readonly actionId: string;
  readonly kind: string;
  /** As it was called when the action was asked for. */
  readonly subject: string;
  /** What is called so, for good: a backup's policy, for one. `null` where that has no id. */
  readonly subjectId: string | null;
  readonly state: 'queued' | 'running';
  /** 0..1, `null` while the total is not known. */
  readonly fraction: number | null;
}

export interface StatusResult {
  readonly state: DaemonState;
  readonly installationId: string | null;
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  /** The slot's name; `null` before anything is set up. */
  readonly passkeyInUse: string | null;
  readonly safeUntil: string | null;
  /** When the newest restore point of any policy ended. */
  readonly lastBackup: string | null;
  /** Those that run, then those that wait in the order of their asking; the first 200 of them. */
  readonly runningActions: readonly RunningAction[];
  readonly alerts: { readonly error: number; readonly warning: number } | null;
  readonly readOnly: boolean;
  /** How it unlocks itself; `null`: it does not. */
  readonly unattended: UnattendedStatus | null;
  /** When it locks itself; `null`: it does not. */
  readonly autoLock: AutoLockStatus | null;
}

export const sessionStatus: Method<Nothing, StatusResult> = {
  name: 'session.status',
  params: nothing,
  result: z.strictObject({
    state: daemonState,
    installationId: uuid.nullable(),
    version: z.string(),
    pid: count,
    startedAt: time,
    passkeyInUse: z.string().nullable(),
    safeUntil: time.nullable(),
    lastBackup: time.nullable(),
    runningActions: z.array(
      z.strictObject({
        actionId: uuid,
        kind: z.string(),
        subject: z.string(),
        subjectId: z.string().nullable(),
        state: z.enum(['queued', 'running']),
        fraction: z.number().min(0).max(1).nullable(),
      }),
    ),
    alerts: z.strictObject({ error: count, warning: count }).nullable(),
    readOnly: z.boolean(),
    unattended: unattendedStatus.nullable(),
    autoLock: autoLockStatus.nullable(),
  }),
  right: 'always',
};

/** Secrets travel from the client to the server only, so a generated passphrase is made by the client and sent like a typed one. */
export interface InitParams extends WorkParams {
  readonly passkeyName: string;
  /** For a passphrase. */
  readonly passphrase?: SecretRef;
  /** For KMS or Vault. */
  readonly key?: InitKey;
}

/** A key outside, and how it is reached; `credentials` are JSON of `KeySecrets`. */
export interface InitKey {
  readonly target: KeyTarget;
  readonly access: KeyAccess;
  readonly credentials?: SecretRef;
}

export interface InitResult {
  readonly installationId: string;
  /** The first passkey's name. */
  readonly passkey: string;
  readonly slotId: string;
}

/**
 * New installation, master key and first passkey, of one kind; the daemon is unlocked afterwards, and the secret counts as a step-up. Errors: `badValue`,
 * `keyServiceRefused`, `keyServiceUnavailable`.
 */
export const sessionInit: Method<InitParams, InitResult> = {
  name: 'session.init',
  params: z.strictObject({
    requestId,
    passkeyName: newName,
    passphrase: secretRef.exactOptional(),
    key: z.strictObject({ target: keyTargetSchema, access: keyAccessSchema, credentials: secretRef.exactOptional() }).exactOptional(),
  }),
  result: z.strictObject({ installationId: uuid, passkey: storedName, slotId: uuid }),
  right: 'notSetUp',
  startsWork: true,
  audit: { made: { installationId: 'installation', slotId: 'passkey' } },
};

export interface UnlockParams {
  /** Only this slot; otherwise the slot in use, then the others. */
  readonly passkey?: string;
  /** Left out: KMS and Vault are asked. */
  readonly passphrase?: SecretRef;
  /** How KMS or Vault is reached this time. */
  readonly access?: KeyAccess;
  readonly credentials?: SecretRef;
}

export interface UnlockResult {
  readonly state: DaemonState;
  readonly passkeyInUse: string;
  /** The daemon was unlocked before: never an error, whatever the secret. */
  readonly alreadyUnlocked: boolean;
  /** Until when this counts as a step-up for this user; `null` where it opened no slot, and where a key service opened it although a passkey is a passphrase. */
  readonly stepUpUntil: string | null;
}

/** Errors: `wrongSecret` (one constant message, growing delay; or a passphrase is needed), `unknownName`, `keyServiceRefused`, `keyServiceUnavailable`. */
export const sessionUnlock: Method<UnlockParams, UnlockResult> = {
  name: 'session.unlock',
  params: z.strictObject({
    passkey: reference.exactOptional(),
    passphrase: secretRef.exactOptional(),
    access: keyAccessSchema.exactOptional(),
    credentials: secretRef.exactOptional(),
  }),
  result: z.strictObject({ state: daemonState, passkeyInUse: z.string(), alreadyUnlocked: z.boolean(), stepUpUntil: time.nullable() }),
  right: 'whileLocked',
  audit: { subjects: { passkey: 'passkey' }, evenUnlogged: true },
};

export interface LockResult {
  readonly state: DaemonState;
}

/** Drops the keys; running actions that need them are cancelled. Nothing to do is no error. */
export const sessionLock: Method<Nothing, LockResult> = {
  name: 'session.lock',
  params: nothing,
  result: z.strictObject({ state: daemonState }),
  right: 'always',
  audit: { evenUnlogged: true },
};

export interface StopResult {
  /** Wait for the end of this process; the connection closes before it. */
  readonly pid: number;
  readonly cancelledActions: number;
}

/** Cancels what runs, drops the keys and ends the daemon; answered before the end. */
export const sessionStop: Method<Nothing, StopResult> = {
  name: 'session.stop',
  params: nothing,
  result: z.strictObject({ pid: count, cancelledActions: count }),
  right: 'always',
  audit: { evenUnlogged: true },
};

export interface MakeWayResult {
  /** Wait for the end of this process; the connection closes before it. */
  readonly pid: number;
}

/** Ends the daemon for a newer one, where no action is queued or running: nothing is cancelled for it. Errors: `stillInUse`. */
export const sessionMakeWay: Method<Nothing, MakeWayResult> = {
  name: 'session.makeWay',
  params: nothing,
  result: z.strictObject({ pid: count }),
  right: 'always',
  audit: { evenUnlogged: true },
};

export interface StepUpParams {
  /** Left out: KMS or Vault is asked, where no passkey is a passphrase. */
  readonly passphrase?: SecretRef;
}

export interface StepUpResult {
  readonly until: string;
}

/**
 * The passphrase of any passphrase slot; where there is none, a fresh unwrap at a key service. Counts for 5 minutes for the same user. Errors:
 * `wrongSecret`, `keyServiceRefused`, `keyServiceUnavailable`.
 */
export const sessionStepUp: Method<StepUpParams, StepUpResult> = {
  name: 'session.stepUp',
  params: z.strictObject({ passphrase: secretRef.exactOptional() }),
  result: z.strictObject({ until: time }),
  right: 'unlocked',
  audit: {},
};
