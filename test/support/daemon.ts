import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { cliJson, type CliOptions, type CliResult, type RunningCli, runCli, startCli } from './cli.ts';
import { endProcess, isAlive, processesNaming } from './processes.ts';

const endpoint = z.looseObject({ pid: z.int().positive() });

/** The id of the daemon that the state directory's endpoint file names and that is alive; `undefined` where there is none. */
export function daemonPid(state: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(path.join(state, 'endpoint.json'), 'utf8');
  } catch {
    return undefined;
  }
  const found = endpoint.safeParse(JSON.parse(text));
  return found.success && isAlive(found.data.pid) ? found.data.pid : undefined;
}

/** Ends every process that was started for this state directory. Resolves when all of them are gone. */
export async function endDaemons(state: string): Promise<void> {
  await Promise.all(processesNaming(state).map((pid) => endProcess(pid)));
  const named = daemonPid(state);
  // On systems without /proc the endpoint file is all there is; on Linux a pid that does not name the state is somebody else's.
  if (named !== undefined && process.platform !== 'linux') await endProcess(named);
}

/**
 * A scratch place for one test: a folder under the temporary directory with an empty state directory in it. Disposing of it ends
 * the daemons that were started for that state, by their ids, and removes the folder.
 */
export class ScratchState implements AsyncDisposable {
  readonly folder: string;
  readonly state: string;
  /** A passphrase file that can be handed to `--passphrase-file`; `passphrase` is what it holds. */
  readonly passphraseFile: string;
  /** Of every call of the CLI, and so of the daemon that one starts; what a call says itself counts more. */
  readonly env: Record<string, string | undefined> = {};
  readonly passphrase = 'correct horse battery staple for tests only';

  constructor(parent: string = os.tmpdir()) {
    this.folder = mkdtempSync(path.join(parent, 'holdfast-test-'));
    this.state = path.join(this.folder, 'state');
    this.passphraseFile = path.join(this.folder, 'passphrase');
    writeFileSync(this.passphraseFile, `${this.passphrase}\n`, { mode: 0o600 });
  }

  /** A folder of this name inside the scratch folder, made where it is not there. */
  makeFolder(name: string): string {
    const folder = path.join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Runs the CLI on this state; step-up is answered by the passphrase file. */
  async cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return await runCli(args, this.#with(options));
  }

  startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
    return startCli(args, this.#with(options));
  }

  async json<Shape>(
    shape: z.ZodType<Shape>,
    args: readonly string[],
    options: CliOptions & { readonly status?: number } = {},
  ): Promise<Shape> {
    return await cliJson(shape, args, { ...this.#with(options), ...(options.status === undefined ? {} : { status: options.status }) });
  }

  /** `init` with the passphrase file, and a filesystem location "store" in an empty folder, whose path is given back. */
  async setUp(): Promise<string> {
    await this.json(z.looseObject({}), ['init', '--passphrase-file', this.passphraseFile]);
    const store = this.makeFolder('store');
    await this.json(z.unknown(), ['location', 'add', 'filesystem', 'store', '--path', store]);
    return store;
  }

  daemonPid(): number | undefined {
    return daemonPid(this.state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endDaemons(this.folder);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #with(options: CliOptions): CliOptions {
    return {
      ...options,
      state: options.state ?? this.state,
      env: { HOLDFAST_STEP_UP_FILE: this.passphraseFile, ...this.env, ...options.env },
    };
  }
}
