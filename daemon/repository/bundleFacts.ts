import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { parseStrictJson } from '../../protocol/strictJson.ts';
import { base64Of } from './bytes.ts';
import { bytesSchema, strictSchema, timeSchema, uuidSchema } from './jsonSchemas.ts';
import { headOf, headsOf } from './manifestJson.ts';
import { headSchema, headsSchema } from './manifestSchema.ts';
import type { Head, Heads } from './manifestTypes.ts';
import { refusal } from './refusal.ts';

export const longestBundleJson: number = 4 * 1024 * 1024;
/** Bytes that a frame may decode to. */
const longestCatalog: number = 2 ** 34;
const longestKeyring = 64 * 1024;
const limits = { maxBytes: longestBundleJson, maxDepth: 64 } as const;

/** The JSON of a bundle (docs/format.md, Bundle), byte strings as bytes. */
export interface BundleFacts {
  readonly formatVersion: 1;
  /** RFC 3339: the moment that the catalog is of. */
  readonly created: string;
  /** Of the machine that wrote it: a UUID that its daemon drew. For people to tell machines apart; nothing is decided by it. */
  readonly machineId: string;
  /** The stored keyring object that was the newest at the location. */
  readonly keyring: Uint8Array;
  readonly heads: Heads;
  /** Object id (16 bytes) of the full bundle that this delta builds on; `null` for a full one. */
  readonly base: Uint8Array | null;
  /** Restore points that the catalog counts as live. */
  readonly restorePoints: number;
  /** Sequence and hash of the last row of the audit log; `null` where it has none. */
  readonly audit: Head | null;
  /** SHA-256 of the zstd frame. */
  readonly catalogSha256: Uint8Array;
  /** Bytes that the frame decodes to. */
  readonly catalogLength: number;
}

const keyringSchema = z
  .string()
  .min(4)
  .max(Math.ceil(longestKeyring / 3) * 4)
  .transform((text, context): Uint8Array => {
    const decoded = Buffer.from(text, 'base64');
    if (decoded.length <= longestKeyring && decoded.toString('base64') === text) return Uint8Array.from(decoded);
    context.addIssue('not base64 of at most 64 KiB');
    return z.NEVER;
  });

const bundleSchema: z.ZodType<BundleFacts> = strictSchema({
  formatVersion: z.literal(1),
  created: timeSchema,
  machineId: uuidSchema<string>(),
  keyring: keyringSchema,
  heads: headsSchema,
  base: bytesSchema(16).nullable(),
  restorePoints: z.int().min(0),
  audit: headSchema.nullable(),
  catalogSha256: bytesSchema(32),
  catalogLength: z.int().min(1).max(longestCatalog),
});

/** Throws `RangeError` where no reader would take it. */
export function encodeBundleFacts(facts: BundleFacts): Buffer {
  const { keyring, heads, base, audit, catalogSha256 } = facts;
  const json = Buffer.from(
    JSON.stringify({
      ...facts,
      keyring: base64Of(keyring),
      heads: headsOf(heads),
      base: base === null ? null : base64Of(base),
      audit: headOf(audit),
      catalogSha256: base64Of(catalogSha256),
    }),
    'utf8',
  );
  if (json.length > longestBundleJson) throw new RangeError(`a bundle's JSON of ${json.length} bytes`);
  if (!bundleSchema.safeParse(parseStrictJson(json, limits)).success) throw new RangeError('a bundle that no reader would take');
  return json;
}

/** Throws `damaged` (`bundleJson`, `bundleMembers`). */
export function decodeBundleFacts(json: Uint8Array, subject: string): BundleFacts {
  let value: unknown;
  try {
    value = parseStrictJson(json, { ...limits, what: subject });
  } catch (cause) {
    throw refusal(subject, 'bundleJson', cause instanceof HoldfastError ? cause.reason : 'it is not JSON');
  }
  const parsed = bundleSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refusal(subject, 'bundleMembers', `member ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}
