import { readdirSync, readFileSync } from 'node:fs';

const pollMilliseconds = 20;

/** Whether a process of this id is there (a zombie counts as gone where /proc tells). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Ids of the processes whose arguments or environment name `text`, this one left out. Linux only; elsewhere none are found. */
export function processesNaming(text: string): readonly number[] {
  if (process.platform !== 'linux') return [];
  const naming = (pid: number): boolean =>
    ['cmdline', 'environ'].some((file) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`).includes(text);
      } catch {
        // Gone meanwhile, or another user's.
        return false;
      }
    });
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && naming(pid));
}

/** Resolves with true once the process is gone, or with false after `limit` milliseconds. Looks again and again: of a process that is no child the system tells nothing. */
export async function goneWithin(pid: number, limit: number): Promise<boolean> {
  const end = performance.now() + limit;
  while (isAlive(pid)) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  return true;
}

/** Ends one process by its id: SIGTERM, and SIGKILL where it does not go within `grace` milliseconds. Resolves when it is gone. */
export async function endProcess(pid: number, grace = 5000): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive(pid)) return;
    try {
      process.kill(pid, signal);
    } catch {
      // Gone between the look and the call.
    }
    if (await goneWithin(pid, grace)) return;
  }
  throw new Error(`process ${pid} does not end`);
}

/** Peak resident memory of a running process in bytes (VmHWM); `undefined` where the system does not tell. */
export function peakMemory(pid: number): number | undefined {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return found === null ? undefined : Number(found[1]) * 1024;
  } catch {
    return undefined;
  }
}
