import { spawn } from 'node:child_process';
import { cliMain } from './cli.ts';
import type { ScratchState } from './daemon.ts';
import { readerPython } from './readerPython.ts';

/** Runs its arguments on a terminal of their own, passes on what is typed, and hangs up when its own standard input ends. */
const terminalScript = `
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
watched = [terminal, 0]
while watched:
    for ready in select.select(watched, [], [])[0]:
        try:
            data = os.read(ready, 65536)
        except OSError:
            data = b""
        if ready == 0 and data:
            os.write(terminal, data)
        elif data:
            os.write(1, data)
        else:
            watched = []
os.close(terminal)
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) % 256)
`;

export interface TerminalRun {
  /** Resolves with everything that was drawn so far once `pattern` is found in it; rejects where the program ends before. */
  shows(pattern: RegExp): Promise<string>;
  type(text: string): void;
  /** Closes the terminal, as closing its window does. */
  hangUp(): void;
  /** The exit status, and everything that was drawn. */
  readonly done: Promise<{ readonly status: number | null; readonly drawn: string }>;
}

/** Runs the CLI on a terminal; `undefined` where there is no Python that can make one. */
export function runOnTerminal(scratch: ScratchState, args: readonly string[]): TerminalRun | undefined {
  const python = readerPython();
  if (python === undefined) return undefined;
  const { NO_COLOR: _, ...env } = process.env;
  const child = spawn(python, ['-c', terminalScript, process.execPath, cliMain, ...args], {
    env: { ...env, TERM: 'xterm', HOLDFAST_STATE: scratch.state, HOLDFAST_STEP_UP_FILE: scratch.passphraseFile },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let drawn = '';
  let look: (() => void) | undefined;
  child.stdout.on('data', (data: Buffer) => {
    drawn += data.toString('utf8');
    look?.();
  });
  child.stdin.on('error', () => undefined);
  const done = new Promise<{ readonly status: number | null; readonly drawn: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, drawn }));
  });
  return {
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (pattern.test(drawn)) resolve(drawn);
        };
        look();
        done.then(() => reject(new Error(`the CLI ended without showing ${String(pattern)}: ${drawn}`)), reject);
      }),
    type: (text) => void child.stdin.write(text),
    hangUp: () => void child.stdin.end(),
    done,
  };
}
