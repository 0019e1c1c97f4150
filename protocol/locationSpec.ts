import { isAbsolute, normalize, sep } from 'node:path';
import * as z from 'zod';
import { HoldfastError } from './errors.ts';
import type { LocationSpec } from './methods/locations.ts';
import { parseStrictJson } from './strictJson.ts';

const longestPath = 4096;
const longestName = 255;
/** Bytes of a `--location-spec` file. */
export const longestSpecFile = 65_536;
const maxDepth = 8;
const laterKinds: readonly string[] = ['s3', 'azureBlob', 'veeamRepository'];
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

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith(sep) && !/^[A-Za-z]:[/\\]$/.test(path) ? path.slice(0, -1) : path;
}

const fix = 'Give {"kind": "filesystem", "path": "/absolute/folder"}.';
const refuse = (cause: string, error?: unknown): HoldfastError =>
  HoldfastError.failedTo('badValue', 'read the location', cause, { fix, cause: error });

/** Checks a location profile from outside (a request, a catalog row, a `--location-spec` file). Throws `badValue`, or `notInThisVersion` for the kinds to come. */
export function parseLocationSpec(value: unknown): LocationSpec {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it is not an object');
  const kind: unknown = 'kind' in value ? value.kind : undefined;
  if (typeof kind === 'string' && laterKinds.includes(kind)) {
    throw HoldfastError.failedTo('notInThisVersion', 'read the location', `kind "${kind}" is not in this version`, {
      fix: 'Use a location of kind "filesystem".',
    });
  }
  const unknownMember = Object.keys(value).find((member) => member !== 'kind' && member !== 'path');
  if (kind === 'filesystem' && unknownMember !== undefined) throw refuse(`it has the unknown member ${shown(unknownMember)}`);
  const parsed = specSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refuse(issue?.path[0] === 'kind' ? 'its kind must be "filesystem"' : (issue?.message ?? 'it is malformed'), parsed.error);
}

/** Reads the bytes of a `--location-spec` file; `resolve` makes its path absolute. Throws as `parseLocationSpec` does. */
export function parseLocationSpecFile(bytes: Uint8Array, resolve: (path: string) => string = (path) => path): LocationSpec {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, { maxBytes: longestSpecFile, maxDepth, what: 'the location' });
  } catch (error) {
    if (!HoldfastError.is(error, 'damaged')) throw error;
    throw refuse(error.reason, error);
  }
  return parseLocationSpec(resolved(value, resolve));
}

/** An empty path stays what it is, and is refused. */
function resolved(value: unknown, resolve: (path: string) => string): unknown {
  if (typeof value !== 'object' || value === null || !('path' in value)) return value;
  return typeof value.path === 'string' && value.path !== '' ? { ...value, path: resolve(value.path) } : value;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
