import { isAbsolute, normalize, sep } from 'node:path';
import * as z from 'zod';
import { HoldfastError } from './errors.ts';
import type { FilesystemSpec, LocationSpec } from './methods/locations.ts';
import { s3Members, s3SpecSchema } from './s3Spec.ts';
import { parseStrictJson } from './strictJson.ts';

const longestPath = 4096;
const longestName = 255;
/** Bytes of a `--location-spec` file. */
export const longestSpecFile = 65_536;
const maxDepth = 8;
const laterKinds: readonly string[] = ['azureBlob', 'veeamRepository'];
const controlCharacters = /\p{Cc}|\p{Cs}/u;

const pathSchema = z
  .string('the path must be a text')
  .min(1, 'the path is empty')
  .max(longestPath, `the path is longer than ${longestPath} characters`)
  .refine((path) => !controlCharacters.test(path), 'the path has control characters')
  .refine((path) => isAbsolute(path), 'the path must be absolute')
  .refine((path) => !path.split(/[/\\]/).includes('..'), 'the path must not contain ".."')
  .refine(
    (path) => path.split(sep).every((part) => Buffer.byteLength(part) <= longestName),
    `a part of the path is longer than ${longestName} bytes`,
  )
  .transform((path) => trimmed(normalize(path)));

const specSchema = z.strictObject({ kind: z.literal('filesystem'), path: pathSchema });
const filesystemMembers: ReadonlySet<string> = new Set(['kind', 'path']);

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith(sep) && !/^[A-Za-z]:[/\\]$/.test(path) ? path.slice(0, -1) : path;
}

const ways = {
  filesystem: 'Give {"kind": "filesystem", "path": "/absolute/folder"}.',
  s3: 'Give {"kind": "s3", "bucket": "name", "region": "eu-west-1"}, and "endpoint" for a store other than AWS.',
} as const;
const kindFix = `${ways.filesystem.slice(0, -1)}, or ${ways.s3.slice(5)}`;

const refuse = (cause: string, error?: unknown, fix: string = kindFix): HoldfastError =>
  HoldfastError.failedTo('badValue', 'read the location', cause, { fix, cause: error });

/** Checks a location profile from outside (a request, a catalog row). Throws `badValue`, or `notInThisVersion` for the kinds to come. */
export function parseLocationSpec(value: unknown): LocationSpec {
  if (!isObject(value)) throw refuse('it is not an object');
  const kind: unknown = 'kind' in value ? value['kind'] : undefined;
  if (typeof kind === 'string' && laterKinds.includes(kind)) {
    throw HoldfastError.failedTo('notInThisVersion', 'read the location', `kind "${kind}" is not in this version`, {
      fix: 'Use a location of kind "filesystem" or "s3".',
    });
  }
  if (kind !== 'filesystem' && kind !== 's3') throw refuse('its kind must be "filesystem" or "s3"');
  const known = kind === 's3' ? s3Members : filesystemMembers;
  const unknownMember = Object.keys(value).find((member) => !known.has(member));
  if (unknownMember !== undefined) throw refuse(`it has the unknown member ${shown(unknownMember)}`, undefined, ways[kind]);
  const parsed = (kind === 's3' ? s3SpecSchema : specSchema).safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const isForeign = issue === undefined || issue.code === 'unrecognized_keys';
  throw refuse(isForeign ? 'it is malformed' : issue.message, parsed.error, ways[kind]);
}

/** What a `--location-spec` file says. */
export interface LocationSpecFile {
  readonly spec: LocationSpec;
  /** The file with the keys of an `s3` location, as it was written; its `credentials` are then `sealed`. */
  readonly credentialsFile: string | null;
  /** Whether it says where the credentials come from; where it does not, its `credentials` are the `chain`. */
  readonly namesCredentials: boolean;
}

/**
 * Reads the bytes of a `--location-spec` file: `kind` and the flags of `location add` in camelCase, or a profile as `parseLocationSpec` takes it; `resolve`
 * makes its path absolute. Of the flags those that only say how to write there (period, lock mode, limit) are left out. Throws as `parseLocationSpec` does.
 */
export function readLocationSpecFile(bytes: Uint8Array, resolve: (path: string) => string = (path) => path): LocationSpecFile {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, { maxBytes: longestSpecFile, maxDepth, what: 'the location' });
  } catch (error) {
    if (!HoldfastError.is(error, 'damaged')) throw error;
    throw refuse(error.reason, error);
  }
  if (isObject(value) && value['kind'] === 's3') return s3File(value);
  return { spec: parseLocationSpec(resolved(value, resolve)), credentialsFile: null, namesCredentials: false };
}

/** The profile alone of `readLocationSpecFile`. */
export function parseLocationSpecFile(bytes: Uint8Array, resolve: (path: string) => string = (path) => path): LocationSpec {
  return readLocationSpecFile(bytes, resolve).spec;
}

/** Where it is, in one word for the user: the folder, or `s3://bucket/prefix`. */
export function placeOf(spec: LocationSpec): string {
  if (spec.kind === 'filesystem') return spec.path;
  return spec.prefix === undefined ? `s3://${spec.bucket}` : `s3://${spec.bucket}/${spec.prefix}`;
}

/** For what can only be a folder yet. Throws `notInThisVersion`. */
export function filesystemSpec(spec: LocationSpec): FilesystemSpec {
  if (spec.kind === 'filesystem') return spec;
  throw HoldfastError.failedTo('notInThisVersion', 'use the location', `kind "${spec.kind}" is not in this version`, {
    fix: 'Use a location of kind "filesystem".',
  });
}

function s3File(value: Readonly<Record<string, unknown>>): LocationSpecFile {
  const {
    profile,
    roleArn,
    credentialsFile,
    credentials,
    protectionPeriod: _period,
    lockMode: _mode,
    uploadLimit: _limit,
    ...flags
  } = value;
  const given = [credentials, profile, roleArn, credentialsFile].filter((member) => member !== undefined);
  if (given.length > 1) throw refuse('it names more than one source of credentials', undefined, ways.s3);
  if (
    credentialsFile !== undefined &&
    (typeof credentialsFile !== 'string' || credentialsFile === '' || controlCharacters.test(credentialsFile))
  ) {
    throw refuse('the file of the credentials has no name of a file', undefined, ways.s3);
  }
  const source = (): unknown => {
    if (profile !== undefined) return { source: 'profile', profile };
    if (roleArn !== undefined) return { source: 'role', roleArn };
    if (credentialsFile !== undefined) return { source: 'sealed' };
    return credentials ?? { source: 'chain' };
  };
  return {
    spec: parseLocationSpec({ ...flags, credentials: source() }),
    credentialsFile: credentialsFile ?? null,
    namesCredentials: given.length > 0,
  };
}

/** An empty path stays what it is, and is refused. */
function resolved(value: unknown, resolve: (path: string) => string): unknown {
  if (!isObject(value)) return value;
  const { path } = value;
  return typeof path === 'string' && path !== '' ? { ...value, path: resolve(path) } : value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
