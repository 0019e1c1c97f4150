import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Exit statuses that count as done. Default: 0. */
  readonly statuses?: readonly number[];
}

export interface Measured {
  readonly seconds: number;
  /** Peak resident memory of the process itself, bytes; 0 where the system does not tell. */
  readonly peakBytes: number;
  readonly stdout: string;
}

const pollMilliseconds = 10;

/** Peak resident memory (VmHWM) of a process, bytes; 0 where the system does not tell or it is gone. */
export function peakMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Lets the peak of a running process begin anew (Linux, Documentation/filesystems/proc.rst, clear_refs). */
export function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Elsewhere the peak is that of the whole life, which is never less.
  }
}

/** Runs a command from its start to its end, as a user waits for it. Throws where it fails, with what it said. */
export async function measure(command: Command): Promise<Measured> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const started = performance.now();
  const child = spawn(command.command, command.args, {
    cwd: command.cwd,
    // Certificates of this machine's surroundings, which every Node process would read at its start.
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (data: Buffer) => stdout.push(data));
  child.stderr.on('data', (data: Buffer) => stderr.push(data));
  let peakBytes = 0;
  const poll = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakMemory(child.pid ?? 0));
  }, pollMilliseconds);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  }).finally(() => clearInterval(poll));
  const seconds = (performance.now() - started) / 1000;
  if (status === null || !(command.statuses ?? [0]).includes(status)) {
    const said = Buffer.concat([...stdout, ...stderr])
      .toString('utf8')
      .slice(-4000);
    throw new Error(`${path.basename(command.command)} ${command.args.join(' ')} ended with ${String(status)}: ${said}`);
  }
  return { seconds, peakBytes, stdout: Buffer.concat(stdout).toString('utf8') };
}

/** Sizes of all files below a folder added up, bytes. */
export function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

/** Reads every file once, so that all contestants find the source in memory. */
export function readAll(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) readFileSync(path.join(entry.parentPath, entry.name));
  }
}

/** Makes the machine hand out this much memory once: virtual machines are slow to give back what was freed, and the first to touch it would pay. */
export function touchMemory(folder: string, bytes: number): void {
  const file = path.join(folder, 'touched');
  const block = Buffer.alloc(8 * 2 ** 20, 1);
  const handle = openSync(file, 'w');
  try {
    for (let written = 0; written < bytes; written += block.length) writeSync(handle, block);
  } finally {
    closeSync(handle);
    rmSync(file);
  }
}
