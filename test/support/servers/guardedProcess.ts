import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { systemCode } from '../../../protocol/systemCode.ts';

/** The last lines, and how many there have been. */
interface Kept {
  readonly last: string[];
  count: number;
}

export interface GuardedProcessOptions {
  readonly cwd: string;
  /** All of its environment; nothing of the tests' own gets in. */
  readonly env: Readonly<Record<string, string>>;
  /** Files and folders that go where the tests were killed and nobody else is left to remove them. */
  readonly remains?: readonly string[];
}

const keptLines = 200;

// A pipe to the tests is read for as long as they live: its end kills the program, however they ended.
const guard = `exec 3<&0
remains=$1
shift
"$@" </dev/null >&2 3<&- &
child=$!
echo "$child"
{
  read -r _ <&3
  trap '' TERM
  kill -KILL "$child" 2>/dev/null
  while kill -0 "$child" 2>/dev/null; do sleep 0.1; done
  IFS=:
  for one in $remains; do rm -rf -- "$one"; done
} &
watcher=$!
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"`;

/** A program that does not outlive the process that started it, even where that is killed. Needs a POSIX shell. */
export class GuardedProcess implements AsyncDisposable {
  /** Of the program itself. */
  readonly pid: number;
  readonly #shell: ChildProcess;
  readonly #lines: Kept;
  readonly #exited: Promise<unknown>;

  private constructor(shell: ChildProcess, pid: number, lines: Kept, exited: Promise<unknown>) {
    this.#shell = shell;
    this.pid = pid;
    this.#lines = lines;
    this.#exited = exited;
  }

  static async start(command: string, args: readonly string[], options: GuardedProcessOptions): Promise<GuardedProcess> {
    const shell = spawn('/bin/sh', ['-c', guard, 'guard', (options.remains ?? []).join(':'), command, ...args], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Its end is waited for where somebody ends it; by itself it keeps no test run alive.
    const exited = once(shell, 'close');
    exited.catch(() => undefined);
    const lines: Kept = { last: [], count: 0 };
    createInterface({ input: shell.stderr }).on('line', (line) => {
      lines.count += 1;
      if (lines.last.push(line) > keptLines) lines.last.shift();
    });
    const told = createInterface({ input: shell.stdout });
    const first = await Promise.race([once(told, 'line'), exited.then(() => [''])]);
    const pid = Number(first[0]);
    if (!Number.isSafeInteger(pid) || pid <= 0) throw new Error(`${command} did not start. ${lines.last.join('\n')}`);
    keepAlive(shell, false);
    return new GuardedProcess(shell, pid, lines, exited);
  }

  get isRunning(): boolean {
    return this.#shell.exitCode === null && this.#shell.signalCode === null;
  }

  /** The last lines that it printed. */
  get output(): string {
    return this.#lines.last.join('\n');
  }

  /** How many lines it has printed. */
  get lineCount(): number {
    return this.#lines.count;
  }

  /** Those of its last lines that came after the first `count`. */
  linesAfter(count: number): readonly string[] {
    const { last, count: all } = this.#lines;
    return last.slice(Math.max(0, last.length - (all - count)));
  }

  signal(name: NodeJS.Signals): void {
    if (!this.isRunning) return;
    try {
      process.kill(this.pid, name);
    } catch (error) {
      // Gone already, and its shell about to be.
      if (systemCode(error) !== 'ESRCH') throw error;
    }
  }

  /** Ends it with SIGTERM, and with SIGKILL where it has not gone after `grace` milliseconds; 0 kills at once. */
  async end(grace: number): Promise<void> {
    keepAlive(this.#shell, true);
    if (!this.isRunning) {
      await this.#exited;
      return;
    }
    this.signal(grace === 0 ? 'SIGKILL' : 'SIGTERM');
    const killed = grace === 0 ? undefined : setTimeout(() => this.signal('SIGKILL'), grace);
    await this.#exited;
    clearTimeout(killed);
    this.#shell.stdin?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end(0);
  }
}

/** Whether this process stays for the sake of the other one. */
function keepAlive(shell: ChildProcess, isKept: boolean): void {
  for (const handle of [shell, shell.stdin, shell.stdout, shell.stderr]) {
    if (handle !== null && 'unref' in handle && 'ref' in handle) (isKept ? toRef : toUnref)(handle);
  }
}

const toRef = (handle: { ref?: unknown }): void => void (typeof handle.ref === 'function' && handle.ref());
const toUnref = (handle: { unref?: unknown }): void => void (typeof handle.unref === 'function' && handle.unref());
