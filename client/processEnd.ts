import { setTimeout as wait } from 'node:timers/promises';
import { systemCode } from '../protocol/systemCode.ts';

const lookMilliseconds = 10;

/** Waits until a process that is no child of this one has ended; `false` where it has not in time. Rejects when the signal is aborted. */
export async function untilProcessEnded(pid: number, milliseconds: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false;
    await wait(lookMilliseconds, undefined, signal === undefined ? {} : { signal });
  }
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // There, but somebody else's.
    return systemCode(error) === 'EPERM';
  }
}
