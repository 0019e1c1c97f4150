import * as z from 'zod';
import type { Method } from '../method.ts';
import { hostPath, nothing, type Nothing, storedName, time } from './values.ts';

/** Where a daemon that nobody unlocks takes the passphrase from: the first line of a file, or of what a command writes to its standard output. */
export type UnattendedSource =
  | { readonly kind: 'passphraseFile'; readonly path: string }
  | { readonly kind: 'command'; readonly command: string };

const command = z
  .string()
  .min(1)
  .max(8192)
  .refine((text) => !text.includes('\0'), 'a command holds no NUL');

export const unattendedSource: z.ZodType<UnattendedSource> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('passphraseFile'), path: hostPath }),
  z.strictObject({ kind: z.literal('command'), command }),
]);

/** How the daemon unlocks itself. A command line may hold what is nobody's business: it is not shown. */
export interface UnattendedStatus {
  /** `keyService`: with a passkey at KMS or Vault, which comes before a passphrase where both are there. */
  readonly kind: UnattendedSource['kind'] | 'keyService';
  /** Of `keyService`: the name of the passkey that is asked first. */
  readonly passkey?: string;
  /** Of `keyService`, where no other way is there: the credentials of each such passkey lie sealed, and a locked daemon can not read them. Somebody has to unlock. */
  readonly isSealed?: boolean;
  /** Of a passphrase file. */
  readonly path: string | null;
  /** Why the last attempt did not unlock, as a sentence; `null` where it did, or none was made. */
  readonly problem: string | null;
  /** When it is tried again; `null` where it is not: unlocked, locked by hand, or given up after several wrong passphrases. */
  readonly nextTryAt: string | null;
}

export const unattendedStatus: z.ZodType<UnattendedStatus> = z.strictObject({
  kind: z.enum(['passphraseFile', 'command', 'keyService']),
  passkey: storedName.exactOptional(),
  isSealed: z.boolean().exactOptional(),
  path: z.string().nullable(),
  problem: z.string().nullable(),
  nextTryAt: time.nullable(),
});

export interface UnattendedSetParams {
  readonly source: UnattendedSource;
}

/**
 * From the next start on the daemon unlocks itself; tried at once, and nothing is saved where it does not open a passkey. In this order:
 * `refusedByRule` (others may read the file, or it is somebody else's), `badValue` (no such file), `stepUpNeeded`, `failed` (the command), `wrongSecret`.
 */
export const unattendedSet: Method<UnattendedSetParams, UnattendedStatus> = {
  name: 'unattended.set',
  params: z.strictObject({ source: unattendedSource }),
  result: unattendedStatus,
  right: 'stepUp',
  audit: {},
};

export interface UnattendedOffResult {
  readonly wasOn: boolean;
}

/** Works while locked too: it takes a way in away and opens none. */
export const unattendedOff: Method<Nothing, UnattendedOffResult> = {
  name: 'unattended.off',
  params: nothing,
  result: z.strictObject({ wasOn: z.boolean() }),
  right: 'whileLocked',
  audit: {},
};
