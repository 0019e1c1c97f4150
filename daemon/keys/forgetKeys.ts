import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
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
  overwriteYoungHeap();
  // Twice, since the first one may only queue the clean-up of what it found.
  collect();
  collect();
}

const wordsOfOneArray = 1024;
const wordBytes = 8;
const leastBytes = 8 * 2 ** 20;

/**
 * Allocates through the whole of the heap's young generation, so that short-lived arrays that others made of a secret and did not wipe
 * (@noble/ciphers copies what it authenticates) are overwritten. To be called right after such a use, before a full collection moves
 * their pages elsewhere. Takes some milliseconds.
 */
export function overwriteYoungHeap(): void {
  const youngBytes = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
  // Both halves of the generation, and once more for growth in between.
  const bytes = Math.max(leastBytes, 3 * youngBytes);
  let zeros: readonly number[] = Array.from({ length: wordsOfOneArray }, () => 0);
  for (let written = 0; written < bytes; written += wordsOfOneArray * wordBytes) zeros = zeros.slice();
}
