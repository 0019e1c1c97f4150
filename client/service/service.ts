import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { serviceMarkName } from '../oldCopies.ts';
import { LaunchdBackend } from './launchdBackend.ts';
import type { ServiceBackend, ServiceKind } from './serviceBackend.ts';
import type { ServiceProgram } from './serviceProgram.ts';
import type { ServiceSystem } from './serviceSystem.ts';
import { SystemdBackend } from './systemdBackend.ts';
import { TaskBackend } from './taskBackend.ts';

export interface ServiceStatus {
  readonly kind: ServiceKind;
  readonly name: string;
  /** The unit, agent or task as a file. */
  readonly path: string;
  readonly installed: boolean;
  readonly enabled: boolean;
  readonly running: boolean;
  /** The daemon's entry file that it starts. */
  readonly program: string | null;
  /** It may write to some folders only; `null` where it is not installed. */
  readonly confined: boolean | null;
  /** Whether it runs while nobody is logged in; `null` where the system does not tell. */
  readonly lingers: boolean | null;
  /** What is wrong with it, as a sentence; `null`: nothing. */
  readonly problem: string | null;
}

/** What is remembered of the service in the state directory: its first two lines name what has to stay. */
interface Mark {
  readonly entryPath: string;
  readonly runtimePath: string;
  readonly isConfined: boolean;
}

/** The daemon of one state directory as a service of the operating system, for this user. */
export class Service {
  readonly #backend: ServiceBackend;
  readonly #name: string;
  readonly #markFile: string;

  /** Throws `unsupportedRuntime` on other systems than Linux, macOS and Windows. */
  constructor(system: ServiceSystem, name: string, stateDirectory: string) {
    this.#backend = backendOf(system);
    this.#name = name;
    this.#markFile = path.join(stateDirectory, 'programs', serviceMarkName);
  }

  /** Describes the service to the system, to be started at each login. Nothing is started yet. Rejects with `badValue` and `failed`. */
  async install(program: ServiceProgram): Promise<void> {
    const { entryPath, runtimePath, writable } = program;
    const contents = this.#backend.contents(program);
    await this.#write(this.#backend.fileOf(this.#name), contents);
    const isConfined = this.#backend.kind === 'systemd' && writable !== undefined;
    await this.#write(this.#markFile, `${entryPath}\n${runtimePath}\n${isConfined ? 'confined' : 'free'}\n`);
    await this.#backend.register(this.#name);
  }

  /** Starts it; no other daemon may run. Where this system can not confine it, it is written anew and runs without. Rejects with `failed`. */
  async start(program: ServiceProgram): Promise<void> {
    if ((await this.#backend.start(this.#name)) === 'started') return;
    const free = { ...program, writable: undefined };
    await this.install(free);
    if ((await this.#backend.start(this.#name)) === 'started') return;
    throw HoldfastError.failedTo('failed', `start the service ${this.#name}`, 'the system gives it no namespaces', {
      fix: 'Start the daemon with "holdfast serve".',
    });
  }

  /** Ends it and removes it; the state directory and all backups stay. Whether it was there. */
  async uninstall(): Promise<boolean> {
    const file = this.#backend.fileOf(this.#name);
    const wasThere = existsSync(file);
    await this.#backend.unregister(this.#name);
    await rm(file, { force: true });
    await rm(this.#markFile, { force: true });
    await this.#backend.forget();
    return wasThere;
  }

  async status(): Promise<ServiceStatus> {
    const file = this.#backend.fileOf(this.#name);
    const installed = existsSync(file);
    const mark = installed ? await this.#mark() : undefined;
    const state = await this.#backend.state(this.#name);
    const gone = mark === undefined ? undefined : [mark.entryPath, mark.runtimePath].find((each) => !existsSync(each));
    const problem = gone === undefined ? state.problem : `${gone} is not there any more`;
    return {
      kind: this.#backend.kind,
      name: this.#name,
      path: file,
      installed,
      enabled: installed && state.isEnabled,
      running: state.isRunning,
      program: mark?.entryPath ?? null,
      confined: mark?.isConfined ?? null,
      lingers: state.lingers,
      problem: problem === null ? null : `The service can not run: ${problem}.`,
    };
  }

  async #mark(): Promise<Mark | undefined> {
    try {
      const [entryPath = '', runtimePath = '', confined] = (await readFile(this.#markFile, 'utf8')).split('\n');
      return { entryPath, runtimePath, isConfined: confined === 'confined' };
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #write(file: string, contents: string | Uint8Array): Promise<void> {
    const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(temporary, contents, { mode: 0o600, flag: 'wx' });
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw HoldfastError.failedTo('failed', `write the service to ${file}`, systemCode(error) ?? 'unknown cause', {
        fix: 'Look at the rights of that folder.',
        cause: error,
      });
    }
  }
}

function backendOf(system: ServiceSystem): ServiceBackend {
  const { platform } = system;
  if (platform === 'linux') return new SystemdBackend(system);
  if (platform === 'darwin') return new LaunchdBackend(system);
  if (platform === 'win32') return new TaskBackend(system);
  throw new HoldfastError('unsupportedRuntime', `Failed to find the services of this system: ${platform} is not known.`, {
    fix: 'Start the daemon with "holdfast serve" from whatever starts programs here.',
  });
}
