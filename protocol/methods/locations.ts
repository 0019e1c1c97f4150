import * as z from 'zod';
import type { Method, Page, PageParams } from '../method.ts';
import { pageOf, pageParams } from '../method.ts';
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
  readonly immutable: boolean;
  readonly protectionPeriodDays: number | null;
  readonly lastValidatedAt: string | null;
  readonly lockProof: { readonly verdict: string; readonly at: string } | null;
  /** Bytes of objects that the catalog knows there. */
  readonly heldBytes: number | null;
  /** Bytes a second that may go there; `null`: no limit. */
  readonly uploadLimit: number | null;
}

export const location: z.ZodType<Location> = z.strictObject({
  locationId: uuid,
  name: storedName,
  kind: z.enum(['filesystem', 's3', 'azureBlob']),
  storeId: uuid,
  path: z.string().nullable(),
  immutable: z.boolean(),
  protectionPeriodDays: count.nullable(),
  lastValidatedAt: time.nullable(),
  lockProof: z.strictObject({ verdict: z.string(), at: time }).nullable(),
  heldBytes: count.nullable(),
  uploadLimit: count.nullable(),
});

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

/** The form alone; what the values may be is checked by `parseLocationSpec`. */
export const locationSpec: z.ZodType<LocationSpec> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('filesystem'), path: hostPath }),
  z.strictObject({
    kind: z.literal('s3'),
    bucket: specText,
    region: specText,
    endpoint: specText.exactOptional(),
    prefix: specText.exactOptional(),
    pathStyle: z.boolean().exactOptional(),
    credentials: z.discriminatedUnion('source', [
      z.strictObject({ source: z.literal('chain') }),
      z.strictObject({ source: z.literal('profile'), profile: specText }),
      z.strictObject({ source: z.literal('role'), roleArn: specText }),
      z.strictObject({ source: z.literal('sealed') }),
    ]),
  }),
]);

const rate = z.int().min(1);

export interface LocationAddParams {
  readonly name: string;
  readonly spec: LocationSpec;
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
  params: z.strictObject({ name: newName, spec: locationSpec, uploadLimit: rate.exactOptional() }),
  result: locationSaved,
  right: 'unlocked',
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
}

/** Errors: `nameTaken`, `refusedByRule` (another store is there). */
export const locationEdit: Method<LocationEditParams, LocationSaved> = {
  name: 'location.edit',
  params: z.strictObject({
    location: reference,
    name: newName.exactOptional(),
    path: hostPath.exactOptional(),
    uploadLimit: rate.nullable().exactOptional(),
  }),
  result: locationSaved,
  right: 'stepUp',
};

export interface LocationRemoveParams extends LocationParams {
  readonly confirmed: boolean;
}

/** Forgets the location; what is stored there stays. In this order: `unknownName`, `stillInUse` (a policy uses it), `confirmationNeeded`, `stepUpNeeded`. */
export const locationRemove: Method<LocationRemoveParams, Location> = {
  name: 'location.remove',
  params: z.strictObject({ location: reference, confirmed: z.boolean() }),
  result: location,
  right: 'stepUp',
};
