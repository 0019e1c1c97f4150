import * as z from 'zod';

/** Cost of scrypt (RFC 7914, section 2). */
export interface ScryptParameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export const defaultScryptParameters: ScryptParameters = { N: 2 ** 18, r: 8, p: 1 };

const acceptedN: ReadonlySet<number> = new Set([2 ** 17, 2 ** 18, 2 ** 19, 2 ** 20]);

/** What is accepted from outside (docs/format.md, Kind passphrase): weaker is unsafe, stronger would exhaust memory. */
export function areAcceptable({ N, r, p }: ScryptParameters): boolean {
  return acceptedN.has(N) && r === 8 && Number.isInteger(p) && p >= 1 && p <= 4;
}

export const scryptParametersSchema: z.ZodObject<{ N: z.ZodInt; r: z.ZodLiteral<8>; p: z.ZodInt }, z.core.$strict> = z.strictObject({
  N: z.int().refine((value) => acceptedN.has(value), 'not a power of two in 2^17..2^20'),
  r: z.literal(8),
  p: z.int().min(1).max(4),
});

/** The memory that scrypt is allowed, in bytes (docs/format.md, Kind passphrase). */
export function scryptMemory({ N, r, p }: ScryptParameters): number {
  return 128 * r * (N + p + 2) + 2 ** 20;
}
