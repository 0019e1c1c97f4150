import * as z from 'zod';
import { type Document, type PasskeyDocument, passkeyDocument, time } from './cliShapes.ts';

export interface GateDocument extends Document {
  readonly allowed: boolean;
  readonly from: string | null;
  readonly reasons: readonly { readonly what: string; readonly until: string | null }[];
  readonly begins: boolean;
  readonly isBegun: boolean;
  readonly others: readonly string[];
  readonly waysIn: number;
  readonly commands: readonly string[];
  readonly opensKeyringsUntil: string | null;
  readonly notes: readonly string[];
}
export const gateDocument: z.ZodType<GateDocument> = z.looseObject({
  allowed: z.boolean(),
  from: time.nullable(),
  reasons: z.array(z.looseObject({ what: z.string().min(1), until: time.nullable() })),
  begins: z.boolean(),
  isBegun: z.boolean(),
  others: z.array(z.string().min(1)),
  waysIn: z.int().nonnegative(),
  commands: z.array(z.string().min(1)),
  opensKeyringsUntil: time.nullable(),
  notes: z.array(z.string().min(1)),
});

export interface RotateDocument extends Document {
  readonly passkey: PasskeyDocument;
  readonly previous: PasskeyDocument | null;
  readonly gate: GateDocument | null;
  readonly steps: readonly string[];
}
export const rotateDocument: z.ZodType<RotateDocument> = z.looseObject({
  passkey: passkeyDocument,
  previous: passkeyDocument.nullable(),
  gate: gateDocument.nullable(),
  steps: z.array(z.string().min(1)),
});
