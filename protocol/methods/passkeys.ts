import * as z from 'zod';
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
  readonly retirableFrom: string | null;
  readonly warnings: readonly string[];
}

export const passkey: z.ZodType<Passkey> = z.strictObject({
  slotId: uuid,
  name: storedName,
  kind: z.enum(['passphrase', 'awsKms', 'vaultTransit']),
  inUse: z.boolean(),
  state: z.enum(['ready', 'unverified', 'failing', 'retired']),
  reference: z.record(z.string(), z.unknown()),
  createdAt: time,
  verifiedAt: time.nullable(),
  retirableFrom: time.nullable(),
  warnings: z.array(z.string()),
});

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
};

export interface PasskeyVerifyParams extends PasskeyParams {
  readonly passphrase: SecretRef;
}

/** Unwraps the master key anew with the slot's own secret. Errors: `unknownName`, `wrongSecret`. */
export const passkeyVerify: Method<PasskeyVerifyParams, Passkey> = {
  name: 'passkey.verify',
  params: z.strictObject({ passkey: reference, passphrase: secretRef }),
  result: passkey,
  right: 'unlocked',
};

export interface PasskeyRotateParams extends PasskeyParams, WorkParams {
  /** The new passphrase. */
  readonly passphrase: SecretRef;
}

export interface PasskeyRotateResult {
  /** The new slot: it has taken the name, is verified and in use. */
  readonly passkey: Passkey;
  /** The old slot under its new name. */
  readonly previous: Passkey;
}

export const passkeyRotate: Method<PasskeyRotateParams, PasskeyRotateResult> = {
  name: 'passkey.rotate',
  params: z.strictObject({ requestId, passkey: reference, passphrase: secretRef }),
  result: z.strictObject({ passkey, previous: passkey }),
  right: 'stepUp',
  startsWork: true,
};

export interface PasskeyRetireParams extends PasskeyParams {
  /** The user was asked, or said `--yes`. */
  readonly confirmed: boolean;
}

/**
 * In this order: `unknownName`; `refusedByRule` (in use, or the last verified slot); `confirmationNeeded` where `confirmed` is false, its
 * message says what will be lost; `stepUpNeeded`.
 */
export const passkeyRetire: Method<PasskeyRetireParams, Passkey> = {
  name: 'passkey.retire',
  params: z.strictObject({ passkey: reference, confirmed: z.boolean() }),
  result: passkey,
  right: 'stepUp',
};
