import path from 'node:path';
import { launchdAgent, launchdLabel } from './launchdAgent.ts';
import type { ServiceBackend, ServiceState } from './serviceBackend.ts';
import type { ServiceProgram } from './serviceProgram.ts';
import { runOrFail, type ServiceSystem } from './serviceSystem.ts';

const fix = 'Run it in a session that you are logged in to at the screen.';

/** A user's launchd (launchctl(1)). An agent that lies in the folder of agents is started at each login. */
export class LaunchdBackend implements ServiceBackend {
  readonly kind = 'launchd';
  readonly #system: ServiceSystem;

  constructor(system: ServiceSystem) {
    this.#system = system;
  }

  fileOf(name: string): string {
    return path.posix.join(this.#system.homeDirectory, 'Library', 'LaunchAgents', `${launchdLabel(name)}.plist`);
  }

  contents(program: ServiceProgram): string {
    return launchdAgent(program);
  }

  async register(name: string): Promise<void> {
    await this.#bootOut(name);
    await runOrFail(this.#system, 'launchctl', ['enable', this.#target(name)], fix);
  }

  async start(name: string): Promise<'started'> {
    await runOrFail(this.#system, 'launchctl', ['bootstrap', this.#domain, this.fileOf(name)], fix);
    return 'started';
  }

  async unregister(name: string): Promise<void> {
    await this.#bootOut(name);
  }

  async forget(): Promise<void> {
    // launchd looks at the folder when the user logs in.
  }

  async state(name: string): Promise<ServiceState> {
    const { status, text } = await this.#system.run('launchctl', ['print', this.#target(name)]);
    const isLoaded = status === 0;
    const ended = /^\s*last exit code = (-?\d+)/m.exec(text)?.[1];
    const isRunning = isLoaded && /^\s*state = running$/m.test(text);
    return {
      isEnabled: isLoaded,
      isRunning,
      problem: isLoaded && !isRunning && ended !== undefined && ended !== '0' ? `it ended with ${ended}` : null,
      lingers: null,
    };
  }

  get #domain(): string {
    return `gui/${this.#system.userId ?? 0}`;
  }

  #target(name: string): string {
    return `${this.#domain}/${launchdLabel(name)}`;
  }

  /** Fails where it is not loaded, which is as good. */
  async #bootOut(name: string): Promise<void> {
    const loaded = await this.#system.run('launchctl', ['print', this.#target(name)]);
    if (loaded.status === 0) await runOrFail(this.#system, 'launchctl', ['bootout', this.#target(name)], fix);
  }
}
