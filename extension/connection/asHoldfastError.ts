import { HoldfastError } from '../../protocol/errors.ts';

/** Whatever was thrown, as an error that can be shown. */
export function asHoldfastError(error: unknown): HoldfastError {
  if (HoldfastError.is(error)) return error;
  return new HoldfastError('failed', `Failed to go on: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
