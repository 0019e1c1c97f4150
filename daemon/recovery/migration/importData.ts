import { createHash } from 'node:crypto';
import * as z from 'zod';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, PolicyId, StoreId } from '../../../protocol/ids.ts';
import { parseStrictJson } from '../../../protocol/strictJson.ts';
import { minuteOf } from '../../../protocol/wording.ts';
import { decodeMigrationKeys, encodeMigrationKeys, type MigrationKey, migrationKeyRow } from '../../keys/migrationKeys.ts';
import { secretBytes, WipedBytes } from '../../keys/secretBytes.ts';
import { bufferOver, sameBytes } from '../../repository/bytes.ts';
import { strictSchema, timeSchema, uuidSchema } from '../../repository/jsonSchemas.ts';
import { altered, armour, disarm, importDataAction } from './importArmour.ts';

/** Where the restore points lie, as the exporter reaches it: hints, without credentials. */
export type ImportedPlace =
  | { readonly kind: 'filesystem'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      readonly region: string;
      readonly endpoint: string | null;
      readonly prefix: string | null;
      readonly pathStyle: boolean | null;
    };

/** What import data says beside its keys. */
export interface ImportFacts {
  readonly installationId: InstallationId;
  readonly policyId: PolicyId;
  /** The policy's name at the exporter. */
  readonly policy: string;
  readonly storeId: StoreId;
  readonly location: ImportedPlace;
  readonly madeAt: string;
  /** Until when an importer takes it; `null`: for ever. */
  readonly expiresAt: string | null;
}

export interface ImportData extends ImportFacts {
  readonly keys: readonly MigrationKey[];
}

/** The format's version that is written and read. */
const version = 1;
const magic = Buffer.from('HFID', 'ascii');
const checksumLabel = Buffer.from('holdfast/import-data', 'ascii');
const checksumLength = 32;
const headLength = 12;
const longestJson = 32 * 1024;
const maxDepth = 4;
/** Bytes of the checksum that are compared by voice. */
const fingerprintBytes = 10;

const text = z.string().min(1).max(4096);

const placeSchema: z.ZodType<ImportedPlace> = z.union([
  strictSchema({ kind: z.literal('filesystem'), path: text }),
  strictSchema({
    kind: z.literal('s3'),
    bucket: text,
    region: text,
    endpoint: text.nullable(),
    prefix: text.nullable(),
    pathStyle: z.boolean().nullable(),
  }),
]);

const factsSchema: z.ZodType<ImportFacts> = strictSchema({
  installationId: uuidSchema<InstallationId>(),
  policyId: uuidSchema<PolicyId>(),
  policy: z.string().min(1).max(256),
  storeId: uuidSchema<StoreId>(),
  location: placeSchema,
  madeAt: timeSchema,
  expiresAt: timeSchema.nullable(),
});

export interface EncodedImportData {
  /** ASCII, with the keys in it: the caller wipes it. */
  readonly text: Buffer;
  readonly fingerprint: string;
}

/** docs/format.md, Import data. The keys never pass through a string. */
export function encodeImportData({ keys, ...facts }: ImportData): EncodedImportData {
  const json = Buffer.from(JSON.stringify(facts), 'utf8');
  if (json.length > longestJson || !factsSchema.safeParse(facts).success) throw new RangeError('import data that no reader would take');
  using rows = new WipedBytes(encodeMigrationKeys(keys));
  using payload = new WipedBytes(secretBytes(headLength + json.length + rows.bytes.length + checksumLength));
  const view = bufferOver(payload.bytes);
  magic.copy(view);
  view.writeUInt32LE(version, 4);
  view.writeUInt32LE(json.length, 8);
  view.set(json, headLength);
  view.set(rows.bytes, headLength + json.length);
  const end = view.length - checksumLength;
  const checksum = checksumOf(view.subarray(0, end));
  view.set(checksum, end);
  return { text: armour(view), fingerprint: fingerprintOf(checksum) };
}

/**
 * Reads import data. Throws `badValue` (`details.problem`: no, cut or altered) and `notInThisVersion`. Whether it has expired is a question of its own.
 * The caller wipes `armoured`.
 */
export function decodeImportData(armoured: Uint8Array): { readonly data: ImportData; readonly fingerprint: string } {
  using payload = new WipedBytes(disarm(armoured));
  const view = bufferOver(payload.bytes);
  const end = view.length - checksumLength;
  // The checksum comes first, in every version: a character that was altered is never taken for another version.
  if (end < headLength || !sameBytes(checksumOf(view.subarray(0, end)), view.subarray(end))) throw altered();
  if (!view.subarray(0, 4).equals(magic)) throw malformed('its first bytes are those of something else');
  const found = view.readUInt32LE(4);
  if (found !== version) {
    throw HoldfastError.failedTo(
      'notInThisVersion',
      importDataAction,
      `it is of version ${found}, and this program reads version ${version}`,
      {
        fix: found > version ? 'Update Holdfast here, and import again.' : 'Export the policy anew with "holdfast policy export".',
        details: { problem: 'version', version: found },
      },
    );
  }
  const jsonLength = view.readUInt32LE(8);
  const keysAt = headLength + jsonLength;
  if (jsonLength > longestJson || keysAt + migrationKeyRow > end) throw malformed('its lengths do not agree');
  const facts = factsIn(view.subarray(headLength, keysAt));
  const keys = decodeMigrationKeys(view.subarray(keysAt, end));
  if (keys === undefined) throw malformed('its keys are none');
  return { data: { ...facts, keys }, fingerprint: fingerprintOf(view.subarray(end)) };
}

/** Throws `refusedByRule` where import data is not to be taken any more. */
export function refuseExpired({ expiresAt }: Pick<ImportFacts, 'expiresAt'>, now: Date): void {
  if (expiresAt === null || now.toISOString() <= expiresAt) return;
  throw HoldfastError.failedTo('refusedByRule', importDataAction, `it expired at ${minuteOf(expiresAt)}`, {
    fix: 'Export the policy anew with "holdfast policy export".',
    details: { problem: 'expired', expiresAt },
  });
}

function factsIn(json: Uint8Array): ImportFacts {
  let value: unknown;
  try {
    value = parseStrictJson(json, { maxBytes: longestJson, maxDepth, what: 'the import data' });
  } catch (error) {
    if (!HoldfastError.is(error, 'damaged')) throw error;
    throw malformed('its text is no JSON that may be in it', error);
  }
  const facts = factsSchema.safeParse(value);
  if (facts.success) return facts.data;
  throw malformed('it lacks something, or holds what it must not', facts.error);
}

function malformed(reason: string, cause?: unknown): HoldfastError {
  return HoldfastError.failedTo('badValue', importDataAction, `its checksum fits, but ${reason}`, {
    fix: 'Export the policy anew with "holdfast policy export".',
    details: { problem: 'malformed' },
    cause,
  });
}

function checksumOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(checksumLabel).update(bytes).digest();
}

/** `1a2b-3c4d-5e6f-7a8b-9c0d`: what two people read to each other. */
function fingerprintOf(checksum: Uint8Array): string {
  const hex = bufferOver(checksum).toString('hex', 0, fingerprintBytes);
  return (hex.match(/.{4}/g) ?? []).join('-');
}
