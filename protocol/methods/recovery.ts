import * as z from 'zod';
import type { Method, SecretRef, WorkParams } from '../method.ts';
import { requestId, secretRef } from '../method.ts';
import { keyAccessSchema, keyTargetSchema } from '../keyServices.ts';
import { type Started, started } from './actions.ts';
import type { InitKey } from './session.ts';
import { type BucketSecrets, type LocationSpec, locationSpec } from './locations.ts';
import { count, type Finding, finding, findingsInline, newName, reference, seconds, storedName, time, uuid } from './values.ts';

export interface ImportStoredParams extends WorkParams, BucketSecrets {
  readonly spec: LocationSpec;
  /** The name that the location gets in the new catalog; left out: that of the spec's folder where it will do, else `stored`. */
  readonly locationName?: string;
  /** Needed where the location holds several; an id or a prefix of one that is unique. */
  readonly installation?: string;
  /** Only what was stored at or before. */
  readonly at?: string;
  /** A slot's id or a prefix of one (names are not stored): until it has opened a keyring, no other slot is tried. */
  readonly passkey?: string;
  /** Or `key`. With neither, and where no passphrase could open anything, the keys outside that the keyrings name are listed. */
  readonly passphrase?: SecretRef;
  /**
   * A key outside that the user has named: a KMS key by its ARN. Only slots of exactly this key are sent to it, of whatever version. It must not come from a
   * keyring without the user's word.
   */
  readonly key?: InitKey;
  /**
   * How many sets of scrypt parameters (or slots of the key outside) may be tried before `confirmationNeeded`, with `details: {tried, remaining}`: a location may be full
   * of junk keyrings. The user says whether to go on, and the client repeats with a larger number and a new `requestId`.
   */
  readonly tries: number;
}

/** The number of tries before the user is asked (docs/format.md, Finding the master key). */
export const triesAtFirst = 8;

/**
 * On an empty state directory: the lost catalog rebuilt from what is stored. The daemon is unlocked afterwards; policies come back paused.
 * Errors, of the request or of the action: `alreadySetUp`, `wrongSecret`, `unknownName` (installation, passkey, or no slot of the key), `ambiguousName`
 * (installation), `keyServiceRefused`, `keyServiceUnavailable`, `confirmationNeeded` (to go on, or of a key outside: then its details are `NamedKeys`).
 */
export const recoveryImportStored: Method<ImportStoredParams, Started> = {
  name: 'recovery.importStored',
  params: z.strictObject({
    requestId,
    spec: locationSpec,
    keys: secretRef.exactOptional(),
    locationName: newName.exactOptional(),
    installation: reference.exactOptional(),
    at: time.exactOptional(),
    passkey: reference.exactOptional(),
    passphrase: secretRef.exactOptional(),
    key: z.strictObject({ target: keyTargetSchema, access: keyAccessSchema, credentials: secretRef.exactOptional() }).exactOptional(),
    tries: z.int().min(1).max(1_000_000),
  }),
  result: started,
  right: 'notSetUp',
  startsWork: true,
  audit: { facts: ['at', 'tries'], made: { actionId: 'action' }, action: 'importStored' },
};

/** The result of an action of kind `importStored`. */
export interface ImportDocument {
  readonly actionId: string;
  readonly installationId: string;
  readonly policies: number;
  /** `live` and `retired` together. */
  readonly restorePoints: number;
  /** Those on the list. What was retired after a policy's newest backup is among them: no store knows of it. */
  readonly live: number;
  /** Those off the list. */
  readonly retired: number;
  /** Stored after the time that was asked for: off the list too, and not among `restorePoints`. */
  readonly later: number;
  /** Of all these, how many came back pinned, so that neither a rule nor a collection takes them before somebody has looked. */
  readonly pinned: number;
  /** Names that were in the lost catalog alone, as they are now. */
  readonly location: string;
  readonly passkeys: readonly string[];
  /** The one of them that opened and that the newest keyring does not hold, since it was rotated or retired; `null` where that keyring opened. */
  readonly broughtBack: string | null;
  /** Objects that could not be read. */
  readonly damaged: readonly Finding[];
  /** All there are; `damaged` holds the first of them. */
  readonly damagedCount: number;
  readonly seconds: number;
}

export const importDocument: z.ZodType<ImportDocument> = z.strictObject({
  actionId: uuid,
  installationId: uuid,
  policies: count,
  restorePoints: count,
  live: count,
  retired: count,
  later: count,
  pinned: count,
  location: storedName,
  passkeys: z.array(storedName),
  broughtBack: storedName.nullable(),
  damaged: z.array(finding).max(findingsInline),
  damagedCount: count,
  seconds,
});
