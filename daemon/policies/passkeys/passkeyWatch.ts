import { HoldfastError } from '../../../protocol/errors.ts';
import type { SlotId } from '../../../protocol/ids.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { Installation } from '../../installation/installation.ts';
import { behindIn } from '../../installation/passkeys/gateFacts.ts';
import type { SchedulerClock } from '../schedules/scheduler.ts';
import { BehindAlerts } from './behindAlerts.ts';
import { PasskeyAlerts } from './passkeyAlerts.ts';
import { ScheduledRotation } from './scheduledRotation.ts';
import { renewToken, tokenOf, tokenToRenew } from './tokenRenewal.ts';
import { isRunningOut, renewalWait } from './tokenLife.ts';

export interface PasskeyWatchOptions {
  readonly installation: Installation;
  readonly alerts: AlertBook;
  readonly queue: ActionQueue;
  readonly clock: SchedulerClock;
  /** A passkey's row has changed by this. */
  readonly onChanged: (slotId: SlotId) => void;
  readonly onFailed: (error: unknown) => void;
}

const lookMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * Passkeys at key services while nobody looks: each is verified shortly after the daemon is unlocked and once a day, every hour while something is wrong
 * with it; tokens are renewed before they end; what was set to rotate by itself does; keyrings that did not arrive are brought again. While locked it asks nobody. What fails is told, and never taken away.
 */
export class PasskeyWatch implements AsyncDisposable {
  readonly #options: PasskeyWatchOptions;
  readonly #alerts: PasskeyAlerts;
  readonly #behind: BehindAlerts;
  readonly #rotation: ScheduledRotation;
  /** When each was last verified since the daemon was unlocked, by the monotonic clock. */
  readonly #verified = new Map<SlotId, number>();
  /** When keyrings were last brought to locations that are behind, by the monotonic clock. */
  #deliveredAt = Number.NEGATIVE_INFINITY;
  /** When a renewal that came to nothing may be tried again, by the monotonic clock. */
  readonly #renewals = new Map<SlotId, number>();
  #cancelTimer: (() => void) | undefined;
  #round: { readonly controller: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: PasskeyWatchOptions) {
    const { installation, alerts, queue, clock, onChanged } = options;
    this.#options = options;
    const isLocked = (): boolean => installation.state !== 'unlocked';
    this.#alerts = new PasskeyAlerts({ alerts, catalog: installation.catalog, wallClock: clock.wall, isLocked });
    this.#behind = new BehindAlerts({ alerts, catalog: installation.catalog, now: clock.now });
    this.#rotation = new ScheduledRotation({ installation, queue, wallClock: clock.wall, onChanged });
  }

  start(): void {
    this.changed();
    this.#wait();
  }

  /** A passkey's row is not what it was. */
  changed(): void {
    this.#safely(() => this.#alerts.look());
    this.#safely(() => this.#behind.look());
  }

  /** Locked or unlocked. */
  stateChanged(): void {
    this.changed();
    if (this.#isUnlocked) return;
    this.#verified.clear();
    this.#round?.controller.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#round?.controller.abort();
    await this.#round?.ended;
  }

  get #isUnlocked(): boolean {
    return this.#options.installation.state === 'unlocked';
  }

  #wait(): void {
    this.#cancelTimer = this.#options.clock.after(lookMs, () => {
      this.#wait();
      this.changed();
      this.#begin();
    });
  }

  #begin(): void {
    if (!this.#isUnlocked || this.#round !== undefined) return;
    const controller = new AbortController();
    const ended = this.#goRound(controller.signal)
      .catch((error: unknown) => {
        if (!controller.signal.aborted) this.#options.onFailed(error);
      })
      .finally(() => {
        this.#round = undefined;
      });
    this.#round = { controller, ended };
  }

  async #goRound(signal: AbortSignal): Promise<void> {
    for (const passkey of this.#options.installation.catalog.passkeys.list()) {
      if (passkey.kind === 'passphrase' || passkey.state === 'retired' || passkey.state === 'unverified') continue;
      if (this.#isVerificationDue(passkey)) await this.#verify(passkey, signal);
      await this.#renew(passkey, signal);
    }
    await this.#deliver(signal);
    this.#rotation.look();
  }

  /** A location that was away when a passkey changed gets its keyring without waiting for a backup. */
  async #deliver(signal: AbortSignal): Promise<void> {
    const { installation, clock } = this.#options;
    if (behindIn(installation.catalog).length === 0 || clock.now() - this.#deliveredAt < hourMs) return;
    this.#deliveredAt = clock.now();
    await installation.deliverKeyrings(signal);
    this.#safely(() => this.#behind.look());
  }

  #isVerificationDue({ slotId }: PasskeyRecord): boolean {
    const { installation, clock } = this.#options;
    const here = this.#verified.get(slotId);
    if (here === undefined) return true;
    const service = installation.catalog.serviceKeys.get(slotId);
    const isRight = (service?.problem ?? null) === null && !isRunningOut(tokenOf(service), service?.tokenStuckAt ?? null, clock.wall());
    const every = isRight ? dayMs : hourMs;
    if (clock.now() - here < every) return false;
    // Somebody may have verified it by hand meanwhile.
    const checkedAt = service?.checkedAt ?? null;
    return checkedAt === null || Math.abs(clock.wall().getTime() - Date.parse(checkedAt)) >= every;
  }

  async #verify({ slotId }: PasskeyRecord, signal: AbortSignal): Promise<void> {
    const { installation, clock, onFailed } = this.#options;
    this.#verified.set(slotId, clock.now());
    try {
      await installation.passkeys.verify(slotId, {}, signal);
    } catch (error) {
      signal.throwIfAborted();
      // These are written down with the passkey, and told from there.
      if (!HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable')) onFailed(error);
    }
  }

  async #renew(before: PasskeyRecord, signal: AbortSignal): Promise<void> {
    const { installation, clock, onChanged, onFailed } = this.#options;
    const { slotId } = before;
    const token = tokenToRenew(installation, before, clock.wall());
    if (token === undefined || clock.now() < (this.#renewals.get(slotId) ?? Number.NEGATIVE_INFINITY)) return;
    this.#renewals.set(slotId, clock.now() + renewalWait(token, clock.wall()));
    try {
      await renewToken(installation, before, token, signal);
      this.#renewals.delete(slotId);
      onChanged(slotId);
    } catch (error) {
      signal.throwIfAborted();
      if (!HoldfastError.is(error, 'keyServiceUnavailable')) onFailed(error);
    }
  }

  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onFailed(error);
    }
  }
}
