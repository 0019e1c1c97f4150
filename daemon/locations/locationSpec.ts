import { isAbsolute, normalize, sep } from 'node:path';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';

/** Where backups go and how to get in. `path` is absolute and normal. */
export type LocationSpec = FilesystemSpec;

export interface FilesystemSpec {
  readonly kind: 'filesystem';
  readonly path: string;
}

const longestPath = 4096;
const longestName = 255;
const longestText = 65536;
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

const refuse = (cause: string, error?: unknown): HoldfastError =>
  new HoldfastError('badValue', `Failed to read the location: ${cause}.`, {
    fix: 'Give {"kind": "filesystem", "path": "/absolute/folder"}.',
    cause: error,
  });

/** Checks a location profile from outside (a request, a catalog row, a `--location-spec` file). Throws `badValue`, or `notInThisVersion` for the kinds to come. */
export function parseLocationSpec(value: unknown): LocationSpec {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it is not an object');
  const kind: unknown = 'kind' in value ? value.kind : undefined;
  if (typeof kind === 'string' && laterKinds.includes(kind)) {
    throw new HoldfastError('notInThisVersion', `Failed to read the location: kind "${kind}" is not in this version.`, {
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

/** Reads the text of a `--location-spec` file. */
export function parseLocationSpecText(text: string): LocationSpec {
  if (text.length > longestText) throw refuse('the file is longer than 64 KiB');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse('it is not JSON', error);
  }
  return parseLocationSpec(value);
}

/** A location's name: 1..100 characters without control characters, no space at either end. */
export function parseLocationName(name: string): string {
  const cause =
    name.length === 0
      ? 'it is empty'
      : name.length > 100
        ? 'it is longer than 100 characters'
        : controlCharacters.test(name)
          ? 'it has control characters'
          : name.trim() !== name
            ? 'it begins or ends with a space'
            : undefined;
  if (cause !== undefined) throw new HoldfastError('badValue', `Failed to take the name ${shown(name)}: ${cause}.`);
  return name;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
