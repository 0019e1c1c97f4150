import * as z from 'zod';
import { type KeyAccess, keyAccessSchema, type KeyTarget, keyTargetSchema } from '../keyServices.ts';
import { checked } from '../checkedText.ts';
import { keyArnProblem } from '../namedKeys.ts';
import type { Method, Page, PageParams, SecretRef, WorkParams } from '../method.ts';
import { pageOf, pageParams, requestId, secretRef } from '../method.ts';
import { newName, reference, storedName, time, uuid } from './values.ts';

export type PasskeyKind = 'passphrase' | 'awsKms' | 'vaultTransit';

export type PasskeyState = 'ready' | 'unverified' | 'failing' | 'retired';

export interface Passkey {
  readonly slotId: string;
  readonly name: string;
  readonly kind: PasskeyKind;
  readonly inUse: boolean;
  readonly state: PasskeyState;
  /** What names the wrapping key outside, by kind; `{}` for a passphrase. */
  readonly reference: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly verifiedAt: string | null;
  /** Now where it may go already; null where waiting does not help, and where no date stands yet. */
  readonly retirableFrom: string | null;
  /** How often it rotates by itself, and from when on it is due; null where it does not. */
  readonly rotates: { readonly everyDays: number; readonly next: string } | null;
  readonly warnings: readonly string[];
}

const passkeyMembers = {
  slotId: uuid,
  name: storedName,
  kind: z.enum(['passphrase', 'awsKms', 'vaultTransit']),
  inUse: z.boolean(),
  state: z.enum(['ready', 'unverified', 'failing', 'retired']),
  reference: z.record(z.string(), z.unknown()),
  createdAt: time,
  verifiedAt: time.nullable(),
  retirableFrom: time.nullable(),
  rotates: z.strictObject({ everyDays: z.int().min(1), next: time }).nullable(),
  warnings: z.array(z.string()),
};

export const passkey: z.ZodType<Passkey> = z.strictObject(passkeyMembers);

export const passkeyList: Method<PageParams, Page<Passkey>> = {
  name: 'passkey.list',
  params: z.strictObject({ ...pageParams }),
  result: pageOf(passkey),
  right: 'whileLocked',
};

export interface PasskeyAddPassphraseParams extends WorkParams {
  readonly name: string;
  readonly passphrase: SecretRef;
  readonly useNow: boolean;
}

/** Errors: `nameTaken`, `badValue` (the passphrase breaks docs/format.md, Slot), those of stores (the keyring is written to every location). */
export const passkeyAddPassphrase: Method<PasskeyAddPassphraseParams, Passkey> = {
  name: 'passkey.addPassphrase',
  params: z.strictObject({ requestId, name: newName, passphrase: secretRef, useNow: z.boolean() }),
  result: passkey,
  right: 'stepUp',
  startsWork: true,
  audit: { facts: ['useNow'], made: { slotId: 'passkey' } },
};

/** How a key at KMS or Vault is reached with credentials that are handed over: JSON of `KeySecrets` as the bytes of a secret, where the access says `given`. */
export interface KeyReach {
  readonly access: KeyAccess;
  readonly credentials?: SecretRef;
}

const keyReach = { access: keyAccessSchema, credentials: secretRef.exactOptional() };

export interface PasskeyCheckParams extends KeyReach {
  readonly target: KeyTarget;
}

/** One thing that was looked at before a key outside is trusted with the master key. */
export interface PasskeyCheck {
  readonly check: string;
  readonly result: 'passed' | 'warning' | 'failed' | 'notChecked';
  readonly detail: string;
  readonly fix: string | null;
}

export interface PasskeyCheckResult {
  readonly checks: readonly PasskeyCheck[];
  /** `reference` as a passkey of this key would have it; null where the key could not be looked at. */
  readonly reference: Readonly<Record<string, unknown>> | null;
}

/** Looks at a key with the given rights; wraps nothing but throw-away bytes, and saves nothing. */
export const passkeyCheck: Method<PasskeyCheckParams, PasskeyCheckResult> = {
  name: 'passkey.check',
  params: z.strictObject({ target: keyTargetSchema, ...keyReach }),
  result: z.strictObject({
    checks: z.array(
      z.strictObject({
        check: z.string(),
        result: z.enum(['passed', 'warning', 'failed', 'notChecked']),
        detail: z.string(),
        fix: z.string().nullable(),
      }),
    ),
    reference: z.record(z.string(), z.unknown()).nullable(),
  }),
  right: 'always',
};

export interface PasskeyAddParams extends WorkParams, KeyReach {
  readonly name: string;
  readonly target: KeyTarget;
  readonly useNow: boolean;
}

/** Errors: `nameTaken`, `keyServiceRefused`, `keyServiceUnavailable`, those of stores. */
export const passkeyAdd: Method<PasskeyAddParams, Passkey> = {
  name: 'passkey.add',
  params: z.strictObject({ requestId, name: newName, target: keyTargetSchema, ...keyReach, useNow: z.boolean() }),
  result: passkey,
  right: 'stepUp',
  startsWork: true,
  audit: { facts: ['useNow'], made: { slotId: 'passkey' } },
};

export interface PasskeyParams {
  readonly passkey: string;
}

/** Makes this the slot in use. Errors: `unknownName`, `refusedByRule` (retired, or never verified). */
export const passkeyUse: Method<PasskeyParams, Passkey> = {
  name: 'passkey.use',
  params: z.strictObject({ passkey: reference }),
  result: passkey,
  right: 'stepUp',
  audit: { subjects: { passkey: 'passkey' } },
};

export interface PasskeyVerifyParams extends PasskeyParams {
  /** For a passphrase. */
  readonly passphrase?: SecretRef;
  /** For KMS or Vault, in place of what is known of the passkey: kept from then on where it opens. */
  readonly access?: KeyAccess;
  readonly credentials?: SecretRef;
}

/**
 * Unwraps the master key anew with the slot's own secret or at its key service. Errors: `unknownName`, `stepUpNeeded` where a login is given, `wrongSecret`,
 * `badValue` (a passphrase is needed), `keyServiceRefused`, `keyServiceUnavailable`.
 */
export const passkeyVerify: Method<PasskeyVerifyParams, Passkey> = {
  name: 'passkey.verify',
  params: z.strictObject({
    passkey: reference,
    passphrase: secretRef.exactOptional(),
    access: keyAccessSchema.exactOptional(),
    credentials: secretRef.exactOptional(),
  }),
  result: passkey,
  right: 'unlocked',
  audit: { subjects: { passkey: 'passkey' } },
};

export interface GateReason {
  readonly what: string;
  /** When it ends by itself; null: when somebody acts. */
  readonly until: string | null;
}

export interface PasskeyGate {
  readonly allowed: boolean;
  /** From when it may go; null where waiting does not help, and where no date stands yet. */
  readonly from: string | null;
  readonly reasons: readonly GateReason[];
  /** Asking to retire it is refused, and is what a date waits for: new keyrings leave it out from then on. */
  readonly begins: boolean;
  /** It was asked to retire already: new keyrings leave it out. */
  readonly isBegun: boolean;
  /** Names of the passkeys that open the backups once it is gone, and that new keyrings go on holding. */
  readonly others: readonly string[];
  /** What somebody would have to lose before those open nothing: passkeys of one key outside are one way in. */
  readonly waysIn: number;
  /** What ends the key or version outside, for whoever may; only once it is allowed, and the newest keyring has reached every location. */
  readonly commands: readonly string[];
  /** Until when a leaked secret of this passkey still opens keyrings that are locked: what only time ends. Null where it opens none, where no date stands, and of the one in use. */
  readonly opensKeyringsUntil: string | null;
  /** Sentences: why a date or a command is not told. */
  readonly notes: readonly string[];
}

const passkeyGateResult: z.ZodType<PasskeyGate> = z.strictObject({
  allowed: z.boolean(),
  from: time.nullable(),
  reasons: z.array(z.strictObject({ what: z.string(), until: time.nullable() })),
  begins: z.boolean(),
  isBegun: z.boolean(),
  others: z.array(z.string()),
  waysIn: z.int().nonnegative(),
  commands: z.array(z.string()),
  opensKeyringsUntil: time.nullable(),
  notes: z.array(z.string()),
});

/** What still needs a passkey, and its key outside, and from when it may go. Errors: `unknownName`. */
export const passkeyGate: Method<PasskeyParams, PasskeyGate> = {
  name: 'passkey.gate',
  params: z.strictObject({ passkey: reference }),
  result: passkeyGateResult,
  right: 'unlocked',
};

export interface PasskeyRotateParams extends PasskeyParams, WorkParams {
  /** The new one, for a passphrase. */
  readonly passphrase?: SecretRef;
  /** For KMS and Vault: by itself from now on, after so many days each; null: no more. */
  readonly everyDays?: number | null;
  /** For KMS: the next key, by its ARN, which the user has looked at. */
  readonly keyArn?: string;
}

export interface PasskeyRotateResult {
  /** The new slot: it has taken the name, is verified and in use. */
  readonly passkey: Passkey;
  /** The old slot under its new name. */
  readonly previous: Passkey;
  /** What the gate says of the old one. */
  readonly gate: PasskeyGate;
  /** What was done, step by step, as sentences. */
  readonly steps: readonly string[];
}

/**
 * Errors: `unknownName`, `badValue` (a passphrase is needed), `refusedByRule` where the key service does not let this program do a step:
 * `details.command` is what to hand to whoever may, and the next call goes on, with the ARN that the command prints as `keyArn` where `details.next` is
 * "keyArn"; `confirmationNeeded` where a KMS key that somebody else made may be the next one: the same call with `details.keyArn` as its `keyArn` takes it;
 * `keyServiceRefused`, `keyServiceUnavailable`.
 */
export const passkeyRotate: Method<PasskeyRotateParams, PasskeyRotateResult> = {
  name: 'passkey.rotate',
  params: z.strictObject({
    requestId,
    passkey: reference,
    passphrase: secretRef.exactOptional(),
    everyDays: z.int().min(1).max(3650).nullable().exactOptional(),
    keyArn: checked('the next key', keyArnProblem).exactOptional(),
  }),
  result: z.strictObject({ passkey, previous: passkey, gate: passkeyGateResult, steps: z.array(z.string()) }),
  right: 'stepUp',
  startsWork: true,
  audit: { subjects: { passkey: 'passkey' }, facts: ['everyDays'], made: { 'passkey.slotId': 'passkey' }, action: 'rotatePasskey' },
};

export interface PasskeyScheduleParams extends PasskeyParams {
  readonly everyDays: number | null;
}

/** Has a passkey of KMS or Vault rotate by itself, or no more; stops before anything that destroys. Errors: `unknownName`, `refusedByRule` (a passphrase). */
export const passkeySchedule: Method<PasskeyScheduleParams, Passkey> = {
  name: 'passkey.schedule',
  params: z.strictObject({ passkey: reference, everyDays: z.int().min(1).max(3650).nullable() }),
  result: passkey,
  right: 'stepUp',
  audit: { subjects: { passkey: 'passkey' }, facts: ['everyDays'] },
};

export interface PasskeyRetireParams extends PasskeyParams {
  /** The user was asked, or said `--yes`. */
  readonly confirmed: boolean;
  /** Whether the key or version outside ends too, where the gate lets it and this program may: Vault's `min_decryption_version`, a deletion of the KMS key in 30 days. */
  readonly outside?: 'leave' | 'end';
}

/** `nothingToEnd`: a passphrase, or a Vault key that nothing needs at a later version: ended as a whole, it may take others along. */
export type OutsideEnd = 'ended' | 'nothingToEnd' | 'stillNeeded';

export interface RetiredPasskey extends Passkey {
  /** What became of the key outside; null where nobody asked for its end. */
  readonly outside: OutsideEnd | null;
  /** Why it was not ended. */
  readonly reasons: readonly GateReason[];
}

/**
 * In this order: `unknownName`; `refusedByRule` (in use, or the last verified slot); `confirmationNeeded` where `confirmed` is false and only one way in or no passphrase
 * would be left, or new keyrings would leave it out from then on; `stepUpNeeded`; `refusedByRule` with `details.from` and `details.reasons` while locked things need its
 * key outside: where it was confirmed, and `details.isLeftOut` says so, new keyrings leave it out from then on, so that the date stands, and `passkey.use` takes it
 * back. Once it is retired: what the key service refuses with; the same call ends the key outside then.
 */
export const passkeyRetire: Method<PasskeyRetireParams, RetiredPasskey> = {
  name: 'passkey.retire',
  params: z.strictObject({ passkey: reference, confirmed: z.boolean(), outside: z.enum(['leave', 'end']).exactOptional() }),
  result: z.strictObject({
    ...passkeyMembers,
    outside: z.enum(['ended', 'nothingToEnd', 'stillNeeded']).nullable(),
    reasons: z.array(z.strictObject({ what: z.string(), until: time.nullable() })),
  }),
  right: 'stepUp',
  audit: { subjects: { passkey: 'passkey' }, facts: ['confirmed', 'outside'] },
};
