import * as z from 'zod';
import { isUuid } from '../../protocol/ids.ts';
import { withoutExtensions } from '../../protocol/strictJson.ts';

/** A UUID as JSON has it: lower-case, with hyphens. */
export function uuidSchema<Id extends string>(): z.ZodType<Id> {
  return z.custom<Id>((value) => typeof value === 'string' && isUuid(value), 'not a lower-case UUID');
}

/** Canonical standard base64, with padding, of exactly so many bytes; the length is looked at before anything is decoded. */
export function base64Schema(byteLength: number): z.ZodType<string> {
  const textLength = Math.ceil(byteLength / 3) * 4;
  return z
    .string()
    .length(textLength)
    .refine((text) => {
      const bytes = Buffer.from(text, 'base64');
      return bytes.length === byteLength && bytes.toString('base64') === text;
    }, `not canonical base64 of ${byteLength} bytes`);
}

const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** RFC 3339 in UTC with three decimals. */
export const timeSchema: z.ZodType<string> = z.string().refine((text) => {
  if (!timePattern.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}, 'not an RFC 3339 time in UTC with three decimals');

/** Sequences, generations of 64 bits: plain numbers from 1. */
export const sequenceSchema: z.ZodType<number> = z.int().min(1);

/** Key epochs: 32 bits, from 1. */
export const keyEpochSchema: z.ZodType<number> = z.int().min(1).max(0xffff_ffff);

/** Where a value broke its schema, without the value: `slots.0.reference.N: Invalid input`. */
export function schemaComplaint(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'it breaks its schema';
  const place = issue.path.map(String).join('.');
  return place === '' ? issue.message : `${place}: ${issue.message}`;
}

/** `withoutExtensions` at every level of objects in objects. */
export function withoutDeepExtensions(value: unknown): unknown {
  const rest = withoutExtensions(value);
  if (typeof rest !== 'object' || rest === null || Array.isArray(rest)) return rest;
  return Object.fromEntries(Object.entries(rest).map(([name, member]) => [name, withoutDeepExtensions(member)]));
}

/** Canonical standard base64 of at least one and at most so many bytes: what a key service gave. */
export function boundedBase64Schema(mostBytes: number): z.ZodType<string> {
  return z
    .string()
    .min(4)
    .max(Math.ceil(mostBytes / 3) * 4)
    .refine((text) => {
      const bytes = Buffer.from(text, 'base64');
      return bytes.length <= mostBytes && bytes.toString('base64') === text;
    }, `not canonical base64 of 1 to ${mostBytes} bytes`);
}
