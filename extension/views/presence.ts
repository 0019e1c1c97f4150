import * as vscode from 'vscode';
import type { DaemonEvent } from '../../protocol/events.ts';
import { locationList } from '../../protocol/methods/locations.ts';
import { passkeyList } from '../../protocol/methods/passkeys.ts';
import { type Policy, policyList } from '../../protocol/methods/policies.ts';
import { restorePointList } from '../../protocol/methods/restorePoints.ts';
import type { ContextKeys, StateKey } from '../contextKeys.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';
import type { DaemonHealth, DaemonService } from '../connection/daemonService.ts';
import { listAll } from '../connection/listAll.ts';

/** `unknown` while nobody can tell: what was shown before stays. */
export function stateKey({ phase, status }: DaemonHealth): StateKey {
  if (status !== undefined) return status.state;
  return phase === 'away' || phase === 'refused' ? 'notRunning' : 'unknown';
}

/** Whether an event can be about the first location, policy or restore point, or the last one, or about the second passkey. */
export function concernsPresence({ name, subject }: DaemonEvent): boolean {
  return name === 'lookAgain' || (name === 'catalog.changed' && /^(?:locations|passkeys|policies|restorePoints)\//.test(subject));
}

/** Keeps the context keys true that tell one welcome text from another: where the daemon stands, and what there is at all. */
export class Presence implements vscode.Disposable {
  readonly #daemon: DaemonService;
  readonly #contextKeys: ContextKeys;
  readonly #log: vscode.LogOutputChannel;
  readonly #subscriptions: readonly vscode.Disposable[];
  readonly #changed = new vscode.EventEmitter<void>();
  #state: StateKey = 'unknown';
  #nextRunAt: string | null = null;
  #isWanted = false;
  #isReading = false;

  constructor(daemon: DaemonService, contextKeys: ContextKeys, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#contextKeys = contextKeys;
    this.#log = log;
    this.#subscriptions = [
      daemon.onDidChange((health) => {
        contextKeys.set('holdfast.isRefused', health.phase === 'refused');
        const state = stateKey(health);
        if (state === 'unknown' || state === this.#state) return;
        this.#state = state;
        this.refresh();
      }),
      daemon.onEvent((event) => {
        if (concernsPresence(event)) this.refresh();
      }),
    ];
  }

  readonly onDidChange: vscode.Event<void> = this.#changed.event;

  /** When the next policy runs by itself; `null` where none does, and while nobody can tell. */
  get nextRunAt(): string | null {
    return this.#nextRunAt;
  }

  /** Calls while a reading is under way are one more at its end. */
  refresh(): void {
    this.#isWanted = true;
    if (!this.#isReading) void this.#read();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        const state = this.#state;
        if (state === 'unknown') return;
        await this.#readCounts(state);
        // Last, so that no welcome text speaks of what is not known yet.
        this.#contextKeys.set('holdfast.state', state);
        this.#contextKeys.set('holdfast.loaded', true);
        this.#changed.fire();
      }
    } catch (error) {
      // A connection that was lost is a new state, and that is looked at.
      this.#log.debug(`What there is could not be read: ${asHoldfastError(error).message}`);
    } finally {
      this.#isReading = false;
    }
  }

  async #readCounts(state: StateKey): Promise<void> {
    const { quietly } = this.#daemon;
    const first = { limit: 1 };
    if (state === 'locked' || state === 'unlocked') {
      const locations = await listAll(quietly, locationList, {});
      this.#contextKeys.set('holdfast.hasLocations', locations.length > 0);
      this.#contextKeys.set(
        'holdfast.hasImmutableLocation',
        locations.some(({ immutable }) => immutable),
      );
    }
    this.#nextRunAt = null;
    if (state !== 'unlocked') return;
    const [policies, passkeys, points] = await Promise.all([
      listAll(quietly, policyList, {}),
      listAll(quietly, passkeyList, {}),
      quietly.call(restorePointList, { ...first, includeRetired: false }),
    ]);
    this.#nextRunAt = nextRunOf(policies);
    this.#contextKeys.set('holdfast.hasSecondPasskey', passkeys.filter(({ state: is }) => is === 'ready').length > 1);
    this.#contextKeys.set('holdfast.hasPolicies', policies.length > 0);
    this.#contextKeys.set('holdfast.hasRestorePoints', points.items.length > 0);
  }
}

/** The soonest run of all policies that are not paused. */
export function nextRunOf(policies: readonly Policy[]): string | null {
  const times = policies.flatMap(({ paused, nextRunAt }) => (paused || nextRunAt === null ? [] : [nextRunAt]));
  return times.toSorted((left, right) => Date.parse(left) - Date.parse(right))[0] ?? null;
}
