import * as z from 'zod';
import type { Method, Page, PageParams, SecretRef } from '../method.ts';
import { pageOf, pageParams, secretRef } from '../method.ts';
import { count, hostPath, newName, reference, storedName, time, uuid } from './values.ts';

export type LocationKind = 'filesystem' | 's3' | 'azureBlob';

export interface Location {
  readonly locationId: string;
  readonly name: string;
  readonly kind: LocationKind;
  /** From the location's marker. */
  readonly storeId: string;
  /** The folder of a `filesystem` location. */
  readonly path: string | null;
  /** Of an `s3` location; without any secret. */
  readonly s3: Omit<S3Spec, 'kind'> | null;
  /** Everything that is put there is locked, and kept locked: true only where the newest lock proof did not say otherwise. */
  readonly immutable: boolean;
  readonly protectionPeriodDays: number | null;
  readonly lockMode: LockMode | null;
  /** Until when nothing of it is lost if the daemon never ran again; `null` where nothing is promised there. */
  readonly safeUntil: string | null;
  readonly lastValidatedAt: string | null;
  readonly lockProof: { readonly verdict: LockVerdict; readonly at: string } | null;
  /** Bytes of objects that the catalog knows there. */
  readonly heldBytes: number | null;
  /** Bytes a second that may go there; `null`: no limit. */
  readonly uploadLimit: number | null;
}

export type LockMode = 'governance' | 'compliance';

export const lockMode: z.ZodType<LockMode> = z.enum(['governance', 'compliance']);

/** What a lock proof has shown. Only `enforced` lets a location be called immutable. */
export type LockVerdict = 'enforced' | 'bypassable' | 'notEnforced' | 'inconclusive';

export const lockVerdict: z.ZodType<LockVerdict> = z.enum(['enforced', 'bypassable', 'notEnforced', 'inconclusive']);

const s3Credentials = z.discriminatedUnion('source', [
  z.strictObject({ source: z.literal('chain') }),
  z.strictObject({ source: z.literal('profile'), profile: z.string().min(1).max(4096) }),
  z.strictObject({ source: z.literal('role'), roleArn: z.string().min(1).max(4096) }),
  z.strictObject({ source: z.literal('sealed') }),
]);

const locationMembers = {
  locationId: uuid,
  name: storedName,
  kind: z.enum(['filesystem', 's3', 'azureBlob']),
  storeId: uuid,
  path: z.string().nullable(),
  s3: z
    .strictObject({
      bucket: z.string(),
      region: z.string(),
      endpoint: z.string().exactOptional(),
      prefix: z.string().exactOptional(),
      pathStyle: z.boolean().exactOptional(),
      credentials: s3Credentials,
    })
    .nullable(),
  immutable: z.boolean(),
  protectionPeriodDays: count.nullable(),
  lockMode: lockMode.nullable(),
  safeUntil: time.nullable(),
  lastValidatedAt: time.nullable(),
  lockProof: z.strictObject({ verdict: lockVerdict, at: time }).nullable(),
  heldBytes: count.nullable(),
  uploadLimit: count.nullable(),
};

export const location: z.ZodType<Location> = z.strictObject(locationMembers);

/** One check of `validate`. */
export interface LocationCheck {
  /** camelCase, stable: `exists`, `isFolder`, … */
  readonly check: string;
  readonly result: 'pass' | 'fail' | 'warn';
  readonly detail: string;
  readonly fix: string | null;
}

export const locationCheck: z.ZodType<LocationCheck> = z.strictObject({
  check: z.string(),
  result: z.enum(['pass', 'fail', 'warn']),
  detail: z.string(),
  fix: z.string().nullable(),
});

/** A location without a name or a protection period: what `--location-spec F` holds. */
export interface FilesystemSpec {
  readonly kind: 'filesystem';
  readonly path: string;
}

/** Where the credentials for a bucket come from. They themselves are never in a profile. */
export type S3Credentials =
  /** What the AWS tools would use: environment, configuration files, single sign-on, the machine's role. */
  | { readonly source: 'chain' }
  | { readonly source: 'profile'; readonly profile: string }
  /** A role that is taken on with what the chain gives. */
  | { readonly source: 'role'; readonly roleArn: string }
  /** Keys that were handed over and lie sealed in the catalog. */
  | { readonly source: 'sealed' };

export interface S3Spec {
  readonly kind: 's3';
  readonly bucket: string;
  readonly region: string;
  /** `https`, or `http` to a loopback address; left out: AWS. */
  readonly endpoint?: string;
  /** What all keys begin with, without a slash at either end. */
  readonly prefix?: string;
  /** The bucket in the path instead of in the host name; left out: so with an endpoint, not so at AWS. */
  readonly pathStyle?: boolean;
  readonly credentials: S3Credentials;
}

export type LocationSpec = FilesystemSpec | S3Spec;

const specText = z.string().min(1).max(4096);

const s3SpecForm: z.ZodType<S3Spec> = z.strictObject({
  kind: z.literal('s3'),
  bucket: specText,
  region: specText,
  endpoint: specText.exactOptional(),
  prefix: specText.exactOptional(),
  pathStyle: z.boolean().exactOptional(),
  credentials: s3Credentials,
});

/** The form alone; what the values may be is checked by `parseLocationSpec`. */
export const locationSpec: z.ZodType<LocationSpec> = z.union([
  z.strictObject({ kind: z.literal('filesystem'), path: hostPath }),
  s3SpecForm,
]);

const rate = z.int().min(1);

/** Days. Longer is possible, after a warning about what it costs. */
export const usualProtectionPeriod: { readonly least: number; readonly most: number; readonly default: number } = {
  least: 1,
  most: 90,
  default: 30,
};

/** Ten years: what goes beyond is a mistake of somebody's. */
export const longestProtectionPeriod = 3650;

const protectionPeriod = z.int().min(1).max(longestProtectionPeriod);

/** The keys of a user of a bucket as they are handed over: JSON of this shape as the bytes of a secret. */
export interface S3KeysSecret {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A bucket whose spec says that its credentials are `sealed` comes with them. */
export interface BucketSecrets {
  readonly keys?: SecretRef;
}

export interface LocationCheckParams extends BucketSecrets {
  readonly spec: LocationSpec;
}

/** What `location.check` has seen of a place that is no location yet. */
export interface LocationCheckResult {
  readonly checks: readonly LocationCheck[];
  /** Whether immutability can be switched on there. */
  readonly canBeImmutable: boolean;
}

/** Validates a place before it is made a location; saves nothing and leaves nothing behind. */
export const locationCheckPlace: Method<LocationCheckParams, LocationCheckResult> = {
  name: 'location.check',
  params: z.strictObject({ spec: locationSpec, keys: secretRef.exactOptional() }),
  result: z.strictObject({ checks: z.array(locationCheck), canBeImmutable: z.boolean() }),
  right: 'unlocked',
};

export interface LocationAddParams extends BucketSecrets {
  readonly name: string;
  readonly spec: LocationSpec;
  /** Makes it immutable; left out: it is not. Only a bucket can be. */
  readonly protectionPeriodDays?: number;
  /** `compliance` where left out. */
  readonly lockMode?: LockMode;
  /** Bytes a second; left out: no limit. */
  readonly uploadLimit?: number;
}

/** What `add` and `edit` answer: where a check fails nothing is saved and `location` is `null`. */
export interface LocationSaved {
  readonly location: Location | null;
  readonly checks: readonly LocationCheck[];
}

const locationSaved: z.ZodType<LocationSaved> = z.strictObject({ location: location.nullable(), checks: z.array(locationCheck) });

/** Validates and saves; the folder gets its marker and the keyring. A store that has a marker already is taken as it is. Errors: `nameTaken`, `badValue`, `refusedByRule` (another location is the same store). */
export const locationAdd: Method<LocationAddParams, LocationSaved> = {
  name: 'location.add',
  params: z.strictObject({
    name: newName,
    spec: locationSpec,
    keys: secretRef.exactOptional(),
    protectionPeriodDays: protectionPeriod.exactOptional(),
    lockMode: lockMode.exactOptional(),
    uploadLimit: rate.exactOptional(),
  }),
  result: locationSaved,
  right: 'unlocked',
  audit: { facts: ['protectionPeriodDays', 'lockMode', 'uploadLimit'], made: { 'location.locationId': 'location' } },
};

export const locationList: Method<PageParams, Page<Location>> = {
  name: 'location.list',
  params: z.strictObject({ ...pageParams }),
  result: pageOf(location),
  right: 'whileLocked',
};

export interface LocationParams {
  readonly location: string;
}

export interface LocationValidateResult {
  readonly checks: readonly LocationCheck[];
}

/** A failed check is an answer, not an error. */
export const locationValidate: Method<LocationParams, LocationValidateResult> = {
  name: 'location.validate',
  params: z.strictObject({ location: reference }),
  result: z.strictObject({ checks: z.array(locationCheck) }),
  right: 'unlocked',
};

export interface LocationEditParams extends LocationParams {
  readonly name?: string;
  /** The folder, where the same store (by its marker) now lies. */
  readonly path?: string;
  /** `null` takes it away. */
  readonly uploadLimit?: number | null;
  /** Another way to the same bucket, which must hold the same store. */
  readonly spec?: S3Spec;
  readonly keys?: SecretRef;
  /** Up: the old promise holds until everything is locked for the new one. Down: locks that are there run out. Switches immutability on where it is off; it can't be switched off. */
  readonly protectionPeriodDays?: number;
  /** Where immutability is switched on; what is locked already keeps its mode. */
  readonly lockMode?: LockMode;
}

/** Errors: `nameTaken`, `refusedByRule` (another store is there, another lock mode is asked for, a folder can't be immutable). */
export const locationEdit: Method<LocationEditParams, LocationSaved> = {
  name: 'location.edit',
  params: z.strictObject({
    location: reference,
    name: newName.exactOptional(),
    path: hostPath.exactOptional(),
    uploadLimit: rate.nullable().exactOptional(),
    spec: s3SpecForm.exactOptional(),
    keys: secretRef.exactOptional(),
    protectionPeriodDays: protectionPeriod.exactOptional(),
    lockMode: lockMode.exactOptional(),
  }),
  result: locationSaved,
  right: 'stepUp',
  audit: {
    subjects: { location: 'location' },
    facts: ['protectionPeriodDays', 'lockMode', 'uploadLimit'],
    made: { 'location.locationId': 'location' },
  },
};

export interface LocationRemoveParams extends LocationParams {
  readonly confirmed: boolean;
}

/** A location that was removed, and what it leaves behind. */
export interface RemovedLocation extends Location {
  /** Keyrings that stay locked there, and until when the last of them is; `until` is `null` where nobody knows. `null` where none is locked. */
  readonly lockedKeyrings: { readonly count: number; readonly until: string | null } | null;
  /** What that means, in sentences: what still opens there, and that the retirement gate goes on counting it. */
  readonly notes: readonly string[];
}

/**
 * Forgets the location; what is stored there stays. In this order: `unknownName`, `stillInUse` (a policy uses it), `confirmationNeeded` (its message ends with the
 * notes of the result), `stepUpNeeded`.
 */
export const locationRemove: Method<LocationRemoveParams, RemovedLocation> = {
  name: 'location.remove',
  params: z.strictObject({ location: reference, confirmed: z.boolean() }),
  result: z.strictObject({
    ...locationMembers,
    lockedKeyrings: z.strictObject({ count, until: time.nullable() }).nullable(),
    notes: z.array(z.string()),
  }),
  right: 'stepUp',
  audit: { subjects: { location: 'location' }, facts: ['confirmed'] },
};
