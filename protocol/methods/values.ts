import * as z from 'zod';
import { isUuid } from '../ids.ts';

/** Values that several families of methods share. */

/** RFC 3339 in UTC, ended by `Z`, with up to nine decimals: `2026-01-02T03:04:05.678Z`. */
export const time: z.ZodType<string> = z.string().regex(/^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/);

/** A count or a number of bytes, 0 or more. */
export const count: z.ZodType<number> = z.int().min(0);

/** Seconds, with a fraction. */
export const seconds: z.ZodType<number> = z.number().min(0);

/** Lower-case with hyphens, of any version: ids of restore points are made of random bytes. */
export const uuid: z.ZodType<string> = z.string().refine(isUuid, 'not a UUID');

const nameLength = 64;

const namePattern = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ._+()-]*[\p{L}\p{M}\p{N}._+()-])?$/u;

/** What is wrong with a name that a user gives to a passkey, location or policy, as the end of a sentence; `undefined` where it will do. */
export function nameProblem(name: string): string | undefined {
  if (name.length === 0) return 'a name must not be empty';
  if (Array.from(name).length > nameLength) return `a name has at most ${nameLength} characters`;
  if (!namePattern.test(name)) return 'a name begins with a letter or digit and holds letters, digits, spaces and . _ - + ( ) only';
  if (name === 'latest') return '"latest" already means the newest restore point';
  return undefined;
}

/** A name that a user gives to something new. `@` is left out: it divides a policy from a time, and a rotated passkey from its date. */
export const newName: z.ZodType<string> = z.string().refine((name) => nameProblem(name) === undefined);

/** A name as it is stored. */
export const storedName: z.ZodType<string> = z.string().max(256);

export const referenceLength = 256;

/**
 * A thing as the user typed it; the daemon resolves it: an exact name first, then an id or a prefix of one that is unique.
 * Errors: `unknownName`, `ambiguousName`. For restore points also `latest`, `POLICY` (its newest) and `POLICY@TIME` (newest at or before).
 */
export const reference: z.ZodType<string> = z.string().min(1).max(referenceLength);

/** A path on the daemon's machine, absolute. Paths that the user typed are made absolute by the client. */
export const hostPath: z.ZodType<string> = z.string().min(1).max(32_768);

/**
 * A path inside a restore point, without a leading separator; `''` is its top. One source: relative to that source. Several: each source lies
 * in a folder named by its last component, made unique. An absolute path inside one of the sources is taken too.
 * A component that is not UTF-8 is shown decoded, with U+FFFD, and found by that form where only one name has it.
 */
export const entryPath: z.ZodType<string> = z.string().max(1_048_576);

/** Free text of the user's, one line. */
export const description: z.ZodType<string> = z.string().max(1024);

/** A file or entry that was left out or is damaged. */
export interface Finding {
  readonly path: string;
  readonly reason: string;
}

export const finding: z.ZodType<Finding> = z.strictObject({ path: z.string(), reason: z.string() });

/** As many findings stand in a document; the rest is read with `action.findings`. */
export const findingsInline = 200;

/** An error as it stands in documents and answers. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly fix: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
}

export const errorDocument: z.ZodType<ErrorDocument> = z.strictObject({
  code: z.string(),
  message: z.string(),
  fix: z.string().nullable(),
  details: z.record(z.string(), z.unknown()).nullable(),
});

/** Nothing to say. */
export type Nothing = Readonly<Record<never, never>>;

export const nothing: z.ZodType<Nothing> = z.strictObject({});
