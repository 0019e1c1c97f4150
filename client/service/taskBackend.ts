import path from 'node:path';
import { scheduledTask } from './scheduledTask.ts';
import type { ServiceBackend, ServiceState } from './serviceBackend.ts';
import type { ServiceProgram } from './serviceProgram.ts';
import { runOrFail, type ServiceSystem } from './serviceSystem.ts';

const fix = 'Look at the task in the Task Scheduler; your organisation may not allow tasks of your own.';

/** The Windows task scheduler. It takes its task from a file, and keeps that itself; the file stays beside the state for who wants to look. */
export class TaskBackend implements ServiceBackend {
  readonly kind = 'taskScheduler';
  readonly #system: ServiceSystem;

  constructor(system: ServiceSystem) {
    this.#system = system;
  }

  fileOf(name: string): string {
    const { environment, homeDirectory } = this.#system;
    const base = environment['LOCALAPPDATA'] ?? path.win32.join(homeDirectory, 'AppData', 'Local');
    return path.win32.join(base, 'holdfast', `${name}.task.xml`);
  }

  /** UTF-16 with a mark of its order, as `schtasks` reads it. */
  contents(program: ServiceProgram): Uint8Array {
    return Buffer.from(`\uFEFF${scheduledTask(program, this.#user)}`, 'utf16le');
  }

  async register(name: string): Promise<void> {
    await runOrFail(this.#system, 'schtasks.exe', ['/Create', '/F', '/TN', taskOf(name), '/XML', this.fileOf(name)], fix);
  }

  async start(name: string): Promise<'started'> {
    await runOrFail(this.#system, 'schtasks.exe', ['/Run', '/TN', taskOf(name)], fix);
    return 'started';
  }

  async unregister(name: string): Promise<void> {
    if ((await this.#stateText(name)) === '') return;
    await this.#system.run('schtasks.exe', ['/End', '/TN', taskOf(name)]);
    await runOrFail(this.#system, 'schtasks.exe', ['/Delete', '/F', '/TN', taskOf(name)], fix);
  }

  async forget(): Promise<void> {
    // The scheduler has forgotten it with the task.
  }

  async state(name: string): Promise<ServiceState> {
    const text = await this.#stateText(name);
    return { isEnabled: text !== '' && text !== 'Disabled', isRunning: text === 'Running', problem: null, lingers: false };
  }

  get #user(): string {
    const domain = this.#system.environment['USERDOMAIN'];
    return domain === undefined ? this.#system.userName : `${domain}\\${this.#system.userName}`;
  }

  /** A word that is the same in every language of Windows; empty where there is no such task. */
  async #stateText(name: string): Promise<string> {
    const script = `(Get-ScheduledTask -TaskName '${name}' -ErrorAction SilentlyContinue).State`;
    return (await this.#system.run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script])).text.trim();
  }
}

function taskOf(name: string): string {
  return `\\${name}`;
}
