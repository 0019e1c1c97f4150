import * as z from 'zod';
import { isUuid } from '../../protocol/ids.ts';
import { withoutExtensions } from '../../protocol/strictJson.ts';

/** An object with exactly these members. Those that begin with `x-` are skipped where unknown ones refuse (docs/format.md, Strict members). */
export function strictSchema<Shape extends z.ZodRawShape>(shape: Shape): z.ZodPreprocess<z.ZodObject<Shape, z.core.$strict>> {
  return z.preprocess(withoutExtensions, z.strictObject(shape));
}

/** A lower-case UUID with hyphens. */
export function uuidSchema<Id extends string>(): z.ZodType<Id> {
  return z.custom<Id>((value) => typeof value === 'string' && isUuid(value), 'not a UUID');
}

/** Canonical base64 with padding, of exactly `length` bytes. */
export function bytesSchema(length: number): z.ZodPipe<z.ZodString, z.ZodTransform<Uint8Array, string>> {
  return z.string().transform((text, context) => {
    const decoded = Buffer.from(text, 'base64');
    if (decoded.length === length && decoded.toString('base64') === text) return Uint8Array.from(decoded);
    context.addIssue(`not ${length} bytes of base64`);
    return z.NEVER;
  });
}

const timePattern = /^\d{4}-/;

/** RFC 3339 in UTC with three decimals. */
export const timeSchema: z.ZodType<string> = z.string().refine((text) => {
  const date = new Date(text);
  return timePattern.test(text) && !Number.isNaN(date.getTime()) && date.toISOString() === text;
}, 'not a time in UTC with three decimals');

/** From 1. */
export const sequenceSchema: z.ZodInt = z.int().min(1);
