import * as z from 'zod';
import { isUuid, type PolicyId } from '../../protocol/ids.ts';
import { base64Schema, sequenceSchema } from './formatSchemas.ts';

/** One newest object that was known: its sequence, and the SHA-256 (32 bytes in base64) of its stored bytes. */
export interface Head {
  readonly sequence: number;
  readonly sha256: string;
}

/** The same in keyrings, manifests and bundles (docs/format.md, Manifests). */
export interface Heads {
  readonly policies: Readonly<Record<PolicyId, Head>>;
  readonly keyring: Head | null;
  readonly term: Head | null;
}

const headSchema: z.ZodType<Head> = z.strictObject({ sequence: sequenceSchema, sha256: base64Schema(32) });

export const headsSchema: z.ZodType<Heads> = z.strictObject({
  policies: z.record(z.string().refine(isUuid, 'not a lower-case UUID'), headSchema),
  keyring: headSchema.nullable(),
  term: headSchema.nullable(),
});
