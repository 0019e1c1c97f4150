import * as z from 'zod';
import { type Document, time } from './cliShapes.ts';

const count = z.int().min(0);
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

export interface AuditEntryDocument extends Document {
  readonly sequence: number;
  readonly at: string;
  readonly user: string;
  readonly client: { readonly name: string; readonly version: string } | null;
  readonly verb: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly ends: number | null;
  readonly subjects: readonly { readonly kind: string; readonly id: string | null; readonly name: string | null }[];
  readonly facts: Readonly<Record<string, unknown>>;
  readonly given: readonly string[];
  readonly unrecorded: number;
  readonly hash: string;
}
const hash = z.string().regex(/^[0-9a-f]{64}$/);
export const auditEntryDocument: z.ZodType<AuditEntryDocument> = z.looseObject({
  sequence: count,
  at: time,
  user: z.string().min(1),
  client: z.looseObject({ name: z.string(), version: z.string() }).nullable(),
  verb: z.string().min(1),
  outcome: z.enum(['refused', 'begun', 'started', 'done', 'failed', 'cancelled', 'unknown']),
  code: z.string().nullable(),
  ends: count.nullable(),
  subjects: z.array(z.looseObject({ kind: z.string(), id: uuid.nullable(), name: z.string().nullable() })),
  facts: z.record(z.string(), z.unknown()),
  given: z.array(z.string()),
  unrecorded: count,
  hash,
});

export interface AuditVerificationDocument extends Document {
  readonly intact: boolean;
  readonly rows: number;
  readonly head: { readonly sequence: number; readonly hash: string } | null;
  readonly firstBad: { readonly sequence: number; readonly problem: string } | null;
  readonly given: { readonly hash: string; readonly sequence: number | null } | null;
}
export const auditVerificationDocument: z.ZodType<AuditVerificationDocument> = z.looseObject({
  intact: z.boolean(),
  rows: count,
  head: z.looseObject({ sequence: count, hash }).nullable(),
  firstBad: z.looseObject({ sequence: z.int(), problem: z.enum(['changed', 'missing', 'unreadable']) }).nullable(),
  given: z.looseObject({ hash, sequence: count.nullable() }).nullable(),
});
