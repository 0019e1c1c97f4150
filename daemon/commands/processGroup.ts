import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../../protocol/systemCode.ts';

/** Milliseconds between the request to end and the end by force: together with all around it less than a second. */
const graceTime = 500;
const lookEvery = 20;

/**
 * Ends a process and all of its group: SIGTERM, and SIGKILL for what is still there half a second later. Windows knows no such request: there
 * the tree of processes is ended at once. What went into a session of its own is out of reach.
 */
export async function endProcessGroup(pid: number): Promise<void> {
  if (process.platform === 'win32') {
    await endTree(pid);
    return;
  }
  if (!signalGroup(pid, 'SIGTERM')) return;
  const until = performance.now() + graceTime;
  while (performance.now() < until) {
    await delay(lookEvery);
    if (!signalGroup(pid, 0)) return;
  }
  signalGroup(pid, 'SIGKILL');
}

/** `false` where nothing of the group is left. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // EPERM: members of another user (sudo) are there, but not ours to end.
    if (systemCode(error) === 'EPERM') return true;
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

function endTree(pid: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Windows looks for it in the working folder first, which is that of whoever called "serve".
  const ending = spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { cwd: homedir(), stdio: 'ignore', windowsHide: true });
  ending.once('error', () => resolve());
  ending.once('exit', () => resolve());
  return promise;
}
