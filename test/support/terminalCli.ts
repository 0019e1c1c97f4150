import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { cliMain, root } from './cli.ts';
import { endProcess } from './processes.ts';

export interface TerminalOptions {
  /** The state directory, handed over as HOLDFAST_STATE. */
  readonly state: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface TerminalResult {
  readonly status: number | null;
  /** All that the terminal showed: output, errors and echo, with its line ends. */
  readonly output: string;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The built CLI on a pseudo-terminal of its own, as `script` of util-linux makes one, with a user that reads and types. */
export class TerminalCli implements AsyncDisposable {
  readonly done: Promise<TerminalResult>;
  readonly #child: ChildProcessWithoutNullStreams;
  #output = '';
  #read = 0;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(args: readonly string[], { state, env = {} }: TerminalOptions) {
    const inherited: NodeJS.ProcessEnv = { ...process.env };
    for (const name of Object.keys(inherited)) if (name.startsWith('HOLDFAST_') || name === 'NO_COLOR') delete inherited[name];
    // `exec`: Ctrl-C shall meet the CLI alone, and its exit status is the terminal's.
    const command = `exec ${[process.execPath, cliMain, ...args].map(quoted).join(' ')}`;
    this.#child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: root,
      env: { ...inherited, TERM: 'xterm', SHELL: '/bin/sh', HOLDFAST_STATE: state, ...env },
    });
    const take = (data: Buffer): void => {
      this.#output += data.toString('latin1');
      this.#wake();
    };
    this.#child.stdout.on('data', take);
    this.#child.stderr.on('data', take);
    // What was typed too late is nobody's.
    this.#child.stdin.on('error', () => undefined);
    this.done = new Promise((resolve, reject) => {
      this.#child.once('error', (cause) => reject(new Error('no pseudo-terminal: install util-linux (script)', { cause })));
      this.#child.once('close', (status) => {
        this.#isOver = true;
        this.#wake();
        resolve({ status, output: this.#output });
      });
    });
    // Whoever only expects text hears of it there.
    this.done.catch(() => this.#wake());
  }

  /** Reads on until `pattern` has been shown, and gives what was shown up to its end. Rejects where the CLI ends without it. */
  async expect(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#output.slice(this.#read));
      if (found !== null) {
        const text = this.#output.slice(this.#read, this.#read + found.index + found[0].length);
        this.#read += text.length;
        return text;
      }
      if (this.#isOver) throw new Error(`the CLI ended without ${String(pattern)} on the terminal: ${this.#output}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver && this.#child.pid !== undefined) await endProcess(this.#child.pid);
  }
}
