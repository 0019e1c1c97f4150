import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { systemCode } from '../../../protocol/systemCode.ts';

/** nice(2): half of the way down. The block layer takes an I/O priority from it where none was set (ioprio_set(2)). */
export const lowPriority = 10;

/**
 * Lets everything else on the machine go before the calling thread, until it ends. Linux alone has a priority for each thread; elsewhere it belongs to the
 * whole process, whose answers must not be late, and nothing is changed. `false` where it was not changed.
 */
export function lowerThreadPriority(platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== 'linux') return false;
  try {
    // "1234/task/1240" (proc(5)).
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), lowPriority);
    return true;
  } catch (error) {
    if (systemCode(error) === undefined && !(error instanceof Error && 'code' in error)) throw error;
    return false;
  }
}
