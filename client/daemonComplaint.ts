import * as z from 'zod';
import { HoldfastError, isErrorCode } from '../protocol/errors.ts';

const complaint = z.object({
  error: z.object({
    code: z.string().refine(isErrorCode),
    message: z.string(),
    fix: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
});

/** The error in the JSON line that a daemon ends its standard error with where it could not start; `undefined` where the line is none. */
export function errorOfComplaint(line: string): HoldfastError | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A line of something else, of the runtime for one.
    return undefined;
  }
  const parsed = complaint.safeParse(value);
  if (!parsed.success || !isErrorCode(parsed.data.error.code)) return undefined;
  const { code, message, fix, details } = parsed.data.error;
  return new HoldfastError(code, message, { ...(fix === undefined ? {} : { fix }), ...(details === undefined ? {} : { details }) });
}
