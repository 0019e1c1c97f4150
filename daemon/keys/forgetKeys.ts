import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { HoldfastError } from '../../protocol/errors.ts';

/**
 * Makes the runtime give back what nobody holds any more. A `KeyObject` cannot be wiped by hand; its bytes are cleared by the runtime
 * when the object is collected, so whoever locks drops every key and then calls this. Takes some milliseconds, more with a big heap.
 * Throws `HoldfastError('unsupportedRuntime')`.
 */
export function forgetKeys(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') {
    throw new HoldfastError('unsupportedRuntime', 'Failed to forget the keys: this runtime does not let its garbage be collected.', {
      fix: 'Stop the daemon, which ends the process that holds them.',
    });
  }
  // Twice, since the first one may only queue the clean-up of what it found.
  collect();
  collect();
}
