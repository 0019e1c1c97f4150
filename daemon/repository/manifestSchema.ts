import * as z from 'zod';
import type { PolicyId, SourceId } from '../../protocol/ids.ts';
import { withoutExtensions } from '../../protocol/strictJson.ts';
import { maxPinnedIndexes } from './indexLayout.ts';
import { bytesSchema as bytes, sequenceSchema as sequence, strictSchema as strict, timeSchema as time, uuidSchema } from './jsonSchemas.ts';
import { maxInlineLive } from './liveList.ts';
import type { Head, Heads, Manifest } from './manifestTypes.ts';

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const policyId = uuidSchema<PolicyId>();
const sourceId = uuidSchema<SourceId>();
const integer = z.int().min(0);

/** Free JSON of a manifest: no reader needs it, so one that is missing or of another type is an empty one. */
const freeObject = z
  .unknown()
  .optional()
  .transform((value): Json => (isJson(value) ? value : {}));
const freeTexts = z
  .unknown()
  .optional()
  .transform((value) => (Array.isArray(value) ? value.filter((text) => typeof text === 'string') : []));

export const headSchema: z.ZodType<Head> = strict({ sequence, sha256: bytes(32) });

export const headsSchema: z.ZodType<Heads> = strict({
  policies: z.preprocess(withoutExtensions, z.record(policyId, headSchema)),
  keyring: headSchema.nullable(),
  term: headSchema.nullable(),
});

const source = strict({
  id: sourceId,
  kind: z.enum(['folder', 'command']),
  label: z.string(),
  nameEncoding: z.enum(['bytes', 'wtf-8']),
  separator: z.enum(['/', '\\']),
  root: bytes(32),
}).refine(({ kind, separator }) => kind === 'folder' || separator === '/', 'the separator of a command is /');

/** The key's grammar is looked at when the index is loaded: one bad key refuses that index, not the manifest. */
const pinnedIndex = strict({
  key: z.string(),
  versionId: z.string().nullable(),
  length: z.int().min(1),
  sha256: bytes(32),
  objectId: bytes(16),
  salt: bytes(32),
});

const live = strict({ sequence, objectId: bytes(16), versionId: z.string().nullable(), sha256: bytes(32) });
const liveList = strict({ id: bytes(32), count: z.int().min(maxInlineLive + 1) });

/** The JSON of a manifest. Byte strings become `Uint8Array`s. */
export const manifestSchema: z.ZodType<Manifest> = strict({
  formatVersion: z.literal(1),
  writer: z.string(),
  policyId,
  policy: freeObject,
  sequence,
  previous: bytes(32).nullable(),
  claimed: strict({ started: time.nullable(), finished: time, storeTime: time.nullable() }),
  keyGeneration: sequence,
  sources: z.array(source).refine((sources) => new Set(sources.map(({ id }) => id)).size === sources.length, 'two sources have one id'),
  indexes: z.array(pinnedIndex).max(maxPinnedIndexes),
  live: z.union([z.array(live).max(maxInlineLive), liveList]),
  heads: headsSchema,
  params: strict({ chunker: z.string(), min: integer, avg: integer, max: integer, codec: z.string(), padding: z.string() }),
  statistics: freeObject,
  warnings: freeTexts,
});
