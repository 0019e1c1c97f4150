import type { KeyObject } from 'node:crypto';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, StoreId } from '../../protocol/ids.ts';
import { parseStrictJson } from '../../protocol/strictJson.ts';
import { base64Of, sameBytes } from './bytes.ts';
import { openObject, sealObject, type SealedObject } from './container.ts';
import { newObjectId, type Entropy } from './entropy.ts';
import type { ObjectHeader } from './header.ts';
import { bytesSchema, sequenceSchema, strictSchema, timeSchema, uuidSchema } from './jsonSchemas.ts';
import { refusal } from './refusal.ts';

/** Every term has so many stored bytes: the least that padding gives. What has more or fewer is none, and need not be read. */
export const termLength = 65_536;

/** Longer than any that could fit; looked at before anything is decoded. */
const limits = { maxBytes: termLength, maxDepth: 64 } as const;

/** What terms are sealed, opened and named with. */
export interface TermKeys {
  readonly installationId: InstallationId;
  /** 16 bytes, public. */
  readonly masterKeyId: Uint8Array;
  readonly ownership: KeyObject;
}

/** Who owns a location from then on (docs/format.md, Ownership). */
export interface Term {
  /** From 1; one sequence a location. */
  readonly n: number;
  /** SHA-256 of the stored bytes of term n - 1; `null` for the first one. */
  readonly previous: Uint8Array | null;
  /** Of the machine that took the location: a UUID that its daemon drew. For people to tell machines apart; nothing is decided by it. */
  readonly machineId: string;
  /** RFC 3339; `null` where the store has no clock. */
  readonly storeTime: string | null;
  /** Object id (16 bytes) of the bundle that its state came from; `null` where it came from none. */
  readonly bundle: Uint8Array | null;
}

const termSchema: z.ZodType<Term> = strictSchema({
  n: sequenceSchema,
  previous: bytesSchema(32).nullable(),
  machineId: uuidSchema<string>(),
  storeTime: timeSchema.nullable(),
  bundle: bytesSchema(16).nullable(),
}).refine(({ n, previous }) => (n === 1) === (previous === null), 'the first term alone has no previous one');

/** Throws `RangeError` where it breaks a rule that its reader checks. */
export function sealTerm(term: Term, keys: TermKeys, storeId: StoreId, entropy: Entropy): SealedObject {
  const { previous, bundle } = term;
  const json = Buffer.from(
    JSON.stringify({
      ...term,
      previous: previous === null ? null : base64Of(previous),
      bundle: bundle === null ? null : base64Of(bundle),
    }),
  );
  if (!termSchema.safeParse(parseStrictJson(json, limits)).success) throw new RangeError('a term that no reader would take');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const identity = {
    type: 'ownership',
    keyGeneration: 0,
    installationId: keys.installationId,
    masterKeyId: keys.masterKeyId,
    scopeId: new Uint8Array(16),
    objectId: newObjectId(entropy),
    sequence: term.n,
    storeId,
  } as const;
  return sealObject(keys.ownership, identity, Buffer.concat([length, json]), entropy);
}

export interface OpenedTerm {
  readonly term: Term;
  readonly header: ObjectHeader;
}

/**
 * Opens the stored bytes of what has the name of term `number`: container, number, store, strict JSON. Throws `damaged` or `unsupportedFormat`, and `wrongSecret`
 * where it is under another master key.
 */
export function openTerm(stored: Uint8Array, keys: TermKeys, storeId: StoreId, number: number): OpenedTerm {
  const subject = `term ${number}`;
  if (stored.length !== termLength) throw refusal(subject, 'storedLength', `it has ${stored.length} bytes`);
  const { header, content } = openObject(
    stored,
    { type: 'ownership', installationId: keys.installationId, scopeId: new Uint8Array(16), sequence: number, storeId },
    (found) => {
      if (sameBytes(found.masterKeyId, keys.masterKeyId)) return keys.ownership;
      throw HoldfastError.failedTo('wrongSecret', `read ${subject}`, 'its master key is not held', {
        fix: 'Unlock with a passkey that opens this master key.',
      });
    },
    subject,
  );
  const term = parseTerm(content, subject);
  if (term.n !== header.sequence) throw refusal(subject, 'termMembers', 'its members do not agree with its header');
  return { term, header };
}

function parseTerm(content: Buffer, subject: string): Term {
  const length = content.length < 4 ? -1 : content.readUInt32LE(0);
  if (content.length !== 4 + length) throw refusal(subject, 'termJson', 'its lengths do not agree');
  let value: unknown;
  try {
    value = parseStrictJson(content.subarray(4), { ...limits, what: subject });
  } catch (cause) {
    throw refusal(subject, 'termJson', cause instanceof HoldfastError ? cause.reason : 'it is not JSON');
  }
  const parsed = termSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refusal(subject, 'termMembers', `member ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}
