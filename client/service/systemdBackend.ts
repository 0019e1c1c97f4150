import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import type { ServiceBackend, ServiceState } from './serviceBackend.ts';
import type { ServiceProgram } from './serviceProgram.ts';
import { runOrFail, type ServiceSystem } from './serviceSystem.ts';
import { systemdUnit } from './systemdUnit.ts';

/** EXIT_NAMESPACE and EXIT_USER (systemd.exec(5), Process Exit Codes): no mount or user namespace is to be had here. */
const noNamespace: ReadonlySet<string> = new Set(['226', '217']);

const reachFix = 'Run it in a login session of your own, not through su or sudo; or start the daemon with "holdfast serve".';

/** A user's systemd. */
export class SystemdBackend implements ServiceBackend {
  readonly kind = 'systemd';
  readonly #system: ServiceSystem;

  constructor(system: ServiceSystem) {
    this.#system = system;
  }

  fileOf(name: string): string {
    const { environment, homeDirectory } = this.#system;
    const configured = environment['XDG_CONFIG_HOME'];
    const base = configured !== undefined && path.posix.isAbsolute(configured) ? configured : path.posix.join(homeDirectory, '.config');
    return path.posix.join(base, 'systemd', 'user', unitOf(name));
  }

  contents(program: ServiceProgram): string {
    return systemdUnit(program);
  }

  async register(name: string): Promise<void> {
    await this.#must('daemon-reload');
    await this.#must('enable', unitOf(name));
  }

  async start(name: string): Promise<'started' | 'notConfined'> {
    const unit = unitOf(name);
    await this.#systemctl('reset-failed', unit);
    const { status, complaint } = await this.#systemctl('restart', unit);
    const facts = await this.#facts(name);
    if (noNamespace.has(facts['ExecMainStatus'] ?? '')) return 'notConfined';
    if (status === 0) return 'started';
    throw HoldfastError.failedTo('failed', `start the service ${unit}`, facts['Result'] ?? complaint, {
      fix: `Run "journalctl --user -u ${unit}" to see why.`,
    });
  }

  async unregister(name: string): Promise<void> {
    const facts = await this.#facts(name);
    if (facts['LoadState'] !== 'loaded') return;
    await this.#must('disable', '--now', unitOf(name));
  }

  async forget(): Promise<void> {
    await this.#must('daemon-reload');
  }

  async state(name: string): Promise<ServiceState> {
    const facts = await this.#facts(name);
    const isRunning = facts['ActiveState'] === 'active';
    const hasFailed = facts['ActiveState'] === 'failed';
    return {
      isEnabled: facts['UnitFileState'] === 'enabled',
      isRunning,
      problem: hasFailed ? `it ended (${facts['Result'] ?? 'unknown cause'}, status ${facts['ExecMainStatus'] ?? '?'})` : null,
      lingers: await this.#lingers(),
    };
  }

  async #facts(name: string): Promise<Readonly<Record<string, string>>> {
    const wanted = 'LoadState,UnitFileState,ActiveState,Result,ExecMainStatus';
    const text = await this.#must('show', unitOf(name), `--property=${wanted}`);
    return Object.fromEntries(
      text.split('\n').flatMap((line) => {
        const at = line.indexOf('=');
        return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()] as const];
      }),
    );
  }

  async #lingers(): Promise<boolean | null> {
    const { status, text } = await this.#system.run('loginctl', ['show-user', this.#system.userName, '--property=Linger']);
    if (status !== 0) return null;
    return text.trim() === 'Linger=yes';
  }

  #systemctl(...args: readonly string[]): ReturnType<ServiceSystem['run']> {
    return this.#system.run('systemctl', ['--user', ...args]);
  }

  #must(...args: readonly string[]): Promise<string> {
    return runOrFail(this.#system, 'systemctl', ['--user', ...args], reachFix);
  }
}

function unitOf(name: string): string {
  return `${name}.service`;
}
