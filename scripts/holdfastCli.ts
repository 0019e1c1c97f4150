import { spawn } from 'node:child_process';
import path from 'node:path';
import * as z from 'zod';
import { root } from './run.ts';

/** The command line said no: its exit status, and the error document that it printed. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly status: number;
  readonly code: string;
  readonly fix: string | null;

  constructor(status: number, code: string, message: string, fix: string | null) {
    super(message);
    this.status = status;
    this.code = code;
    this.fix = fix;
  }
}

const errorDocument = z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string(), fix: z.string().nullish() }) });

export interface HoldfastCliOptions {
  readonly state: string;
  readonly passphraseFile: string;
  /** Show the CLI's progress on this terminal. */
  readonly showProgress: boolean;
}

/** Drives the built command line as a user does, with `--json`. */
export class HoldfastCli {
  readonly #options: HoldfastCliOptions;

  constructor(options: HoldfastCliOptions) {
    this.#options = options;
  }

  /** The document of a call that ended with one of `statuses` (default: 0 alone). Throws `CallFailed` otherwise. */
  async call<Shape>(shape: z.ZodType<Shape>, args: readonly string[], statuses: readonly number[] = [0]): Promise<Shape> {
    const { status, stdout, stderr } = await this.#run([...args, '--json']);
    const document = parsed(stdout);
    if (status !== null && statuses.includes(status)) return shape.parse(document);
    const failure = errorDocument.safeParse(document);
    if (!failure.success)
      throw new CallFailed(status ?? 1, 'failed', `holdfast ${args.join(' ')} ended with ${String(status)}. ${stderr.trim()}`, null);
    const { code, message, fix } = failure.data.error;
    throw new CallFailed(status ?? 1, code, message, fix ?? null);
  }

  async #run(args: readonly string[]): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
    const { state, passphraseFile, showProgress } = this.#options;
    const child = spawn(process.execPath, [path.join(root, 'dist', 'cli', 'main.js'), ...args], {
      cwd: root,
      env: { ...process.env, HOLDFAST_STATE: state, HOLDFAST_STEP_UP_FILE: passphraseFile, HOLDFAST_CHECKOUT: undefined },
      stdio: ['ignore', 'pipe', showProgress ? 'inherit' : 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (data: Buffer) => stdout.push(data));
    child.stderr?.on('data', (data: Buffer) => stderr.push(data));
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code));
    });
    return { status, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
