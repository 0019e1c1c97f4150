import { ActionQueue } from '../../daemon/actions/actionQueue.ts';
import { AlertBook } from '../../daemon/alerts/alertBook.ts';
import { GateFacts } from '../../daemon/installation/passkeys/gateFacts.ts';
import type { ServiceSlotKey } from '../../daemon/installation/passkeys/slotKeys.ts';
import { PasskeyWatch } from '../../daemon/policies/passkeys/passkeyWatch.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { SlotId } from '../../protocol/ids.ts';
import type { Action } from '../../protocol/methods/actions.ts';
import type { Alert } from '../../protocol/methods/alerts.ts';
import { InstallationBench } from './installationBench.ts';

const { signal } = new AbortController();

export const vaultKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' },
  access: { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null },
  credentials: undefined,
};
export const kmsKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'awsKms', keyId: 'alias/backup', region: 'eu-west-1' },
  access: { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } },
  credentials: undefined,
};

/** The watch over passkeys of an installation with the passphrases "main" and "spare", with key services, clocks and timers that a test moves. */
export class WatchBench implements AsyncDisposable {
  readonly base: InstallationBench;
  readonly alerts: AlertBook;
  readonly queue: ActionQueue;
  readonly actions: Action[] = [];
  readonly failures: unknown[] = [];
  watch: PasskeyWatch;
  #wall = Date.parse('2026-01-02T03:04:05.678Z');
  #mono = 1_000_000;
  #timer: (() => void) | undefined;

  private constructor(base: InstallationBench) {
    this.base = base;
    const { catalog } = base.installation;
    const wallClock = (): Date => base.now;
    this.alerts = new AlertBook({ store: catalog.alerts, wallClock, now: () => this.#mono, onChanged: () => undefined });
    this.queue = new ActionQueue({
      history: catalog.actions,
      now: () => this.#mono,
      wallClock,
      concurrency: 1,
      onChanged: (action) => void (action.finishedAt !== null && this.actions.push(action)),
      onFailed: () => undefined,
    });
    this.watch = this.#newWatch();
  }

  static async start(): Promise<WatchBench> {
    const bench = new WatchBench(await InstallationBench.ready());
    await bench.base.installation.passkeys.add('spare', { kind: 'passphrase', passphrase: Buffer.from('right too') }, false, signal);
    bench.watch.start();
    return bench;
  }

  async add(name: string, key: ServiceSlotKey, useNow = false): Promise<SlotId> {
    await this.base.installation.passkeys.add(name, key, useNow, signal);
    return this.base.installation.passkeys.resolve(name).slotId;
  }

  /** Time goes on, and the watch looks once. */
  async pass(milliseconds: number): Promise<void> {
    this.#wall += milliseconds;
    this.#mono += milliseconds;
    this.base.now = new Date(this.#wall);
    this.#timer?.();
    await this.settle();
    // As the daemon is told of each row that has changed.
    this.watch.changed();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async unlock(): Promise<void> {
    await this.base.installation.unlock({ passphrase: Buffer.from('right') }, undefined, signal);
    this.watch.stateChanged();
  }

  lock(): void {
    this.base.installation.lock();
    this.watch.stateChanged();
  }

  /** The daemon ends, and another one starts. */
  async restart(): Promise<void> {
    await this.watch[Symbol.asyncDispose]();
    this.base.installation.lock();
    this.watch = this.#newWatch();
    this.watch.start();
  }

  /** How often key services were asked for this since the last question. */
  calls(name = 'unwrap'): number {
    const { calls } = this.base.keyAgent;
    return calls.splice(0).filter((call) => call === name).length;
  }

  told(): readonly Alert[] {
    return this.alerts.list({ all: false }).items;
  }

  kinds(): readonly string[] {
    return this.told().map(({ kind, severity }) => `${kind} ${severity}`);
  }

  mayGo(slotId: SlotId): boolean {
    return new GateFacts(this.base.installation.catalog).decide(slotId).allowed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch[Symbol.asyncDispose]();
    await this.queue.close();
    this.base[Symbol.dispose]();
  }

  #newWatch(): PasskeyWatch {
    return new PasskeyWatch({
      installation: this.base.installation,
      alerts: this.alerts,
      queue: this.queue,
      clock: {
        wall: () => this.base.now,
        now: () => this.#mono,
        after: (_milliseconds, callback) => {
          this.#timer = callback;
          return () => {
            this.#timer = undefined;
          };
        },
      },
      onChanged: () => this.watch.changed(),
      onFailed: (error) => void this.failures.push(HoldfastError.is(error) ? error.message : error),
    });
  }
}
