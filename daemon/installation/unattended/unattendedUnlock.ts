import { HoldfastError } from '../../../protocol/errors.ts';
import { type UnattendedSource, unattendedSource, type UnattendedStatus } from '../../../protocol/methods/unattended.ts';
import type { SettingStore } from '../../catalog/settingStore.ts';
import type { WipedBytes } from '../../keys/secretBytes.ts';
import type { UnlockClock } from '../../keys/unlockDelay.ts';
import { StoredSetting } from '../storedSetting.ts';
import { UnattendedTries } from './unattendedTries.ts';

export interface UnattendedUnlockOptions {
  readonly settings: SettingStore;
  readonly clock: UnlockClock;
  readonly wallClock: () => Date;
  readonly isLocked: () => boolean;
  /** Passkeys at key services by name, the one that is asked first at the front. */
  readonly servicePasskeys: () => readonly string[];
  /** Whether a locked daemon has what it takes to be let in by one of them. */
  readonly hasOpenService: () => boolean;
  /** Rejects where no key service opens any of them. */
  readonly unlockByService: (signal: AbortSignal) => Promise<void>;
  /** Gets the passphrase; for the caller to dispose of. Never kept in between. */
  readonly fetch: (source: UnattendedSource, signal: AbortSignal) => Promise<WipedBytes>;
  /** Rejects with `wrongSecret`. */
  readonly unlock: (passphrase: Uint8Array, signal: AbortSignal) => Promise<void>;
  /** Whether a passphrase opens a passkey. Rejects with `wrongSecret`. */
  readonly prove: (passphrase: Uint8Array, signal: AbortSignal) => Promise<void>;
  readonly onUnlocked: () => void;
  /** An attempt that did not unlock; `isLast` where none follows. */
  readonly onFailed: (error: HoldfastError, isLast: boolean) => void;
}

/** What a way in came to, and when it is tried again. */
interface Trouble {
  readonly problem: string;
  readonly nextTryAt: Date | null;
}

type WayIn = 'keyService' | 'passphrase';

/**
 * The daemon unlocks itself at its start: with its passkeys at key services, and with the passphrase, where the user has said from what. What was locked by hand stays locked until it is
 * unlocked by hand or started anew.
 */
export class UnattendedUnlock implements Disposable {
  readonly #options: UnattendedUnlockOptions;
  readonly #source: StoredSetting<UnattendedSource>;
  readonly #troubles = new Map<WayIn, Trouble>();
  #running: AbortController | undefined;

  constructor(options: UnattendedUnlockOptions) {
    this.#options = options;
    this.#source = new StoredSetting(options.settings, 'unattended', unattendedSource);
  }

  /** Whether a newer version has set it to what this one does not know: it counts as off. */
  get isUnknown(): boolean {
    return this.#source.isUnknown;
  }

  /** `null`: off. */
  get status(): UnattendedStatus | null {
    const [passkey] = this.#options.servicePasskeys();
    const source = this.#source.value;
    if (passkey === undefined) return source === undefined ? null : this.#statusOf(source, ['passphrase']);
    const isSealed = source === undefined && !this.#options.hasOpenService();
    const status = this.#statusOf({ kind: 'keyService' }, source === undefined ? ['keyService'] : ['keyService', 'passphrase']);
    return { ...status, passkey, ...(isSealed ? { isSealed } : {}) };
  }

  /** The command line that is run, for whoever has to keep it out of a text. */
  get commands(): readonly string[] {
    const source = this.#source.value;
    return source?.kind === 'command' ? [source.command] : [];
  }

  /** Begins where there is a way in; resolves after the first attempt, and goes on by itself where that failed. */
  async start(): Promise<void> {
    if (this.#waysIn().length === 0 || !this.#options.isLocked() || this.#running !== undefined) return;
    const controller = new AbortController();
    this.#running = controller;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tryUntilUnlocked(controller.signal, resolve)
      .catch((error: unknown) => this.#giveUp(error, controller))
      .finally(() => {
        resolve();
        if (this.#running === controller) this.#running = undefined;
      });
    await promise;
  }

  /** The user has locked, or the daemon ends: nothing is tried any more. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#troubles.clear();
  }

  /** Tries what is to be set and saves it. Rejects as `fetch` does, and with `wrongSecret`. */
  async set(source: UnattendedSource, signal: AbortSignal): Promise<UnattendedStatus> {
    using passphrase = await this.#options.fetch(source, signal);
    try {
      await this.#options.prove(passphrase.bytes, signal);
    } catch (error) {
      if (!HoldfastError.is(error, 'wrongSecret')) throw error;
      throw new HoldfastError('wrongSecret', 'Failed to switch unattended unlock on: what it gives opens no passkey.', {
        fix: 'See to it that the first line is the passphrase and nothing else.',
        cause: error,
      });
    }
    this.#source.set(source);
    this.#troubles.delete('passphrase');
    return this.#statusOf(source, ['passphrase']);
  }

  /** Whether it was on. */
  off(): boolean {
    const wasRunning = this.#running !== undefined;
    this.stop();
    const wasOn = this.#source.remove();
    // Key services are no part of what was switched off.
    if (wasRunning) void this.start();
    return wasOn;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #statusOf(source: UnattendedSource | { readonly kind: 'keyService' }, ways: readonly WayIn[]): UnattendedStatus {
    const troubles = this.#options.isLocked() ? ways.flatMap((way) => this.#troubles.get(way) ?? []) : [];
    const times = troubles.flatMap(({ nextTryAt }) => nextTryAt ?? []).toSorted((a, b) => a.getTime() - b.getTime());
    return {
      kind: source.kind,
      path: source.kind === 'passphraseFile' ? source.path : null,
      problem: troubles.length === 0 ? null : troubles.map(({ problem }) => problem).join(' '),
      nextTryAt: times[0]?.toISOString() ?? null,
    };
  }

  /** In the order of their asking. */
  #waysIn(): readonly WayIn[] {
    return [
      ...(this.#options.servicePasskeys().length > 0 ? ['keyService' as const] : []),
      ...(this.#source.value === undefined ? [] : ['passphrase' as const]),
    ];
  }

  async #tryUntilUnlocked(signal: AbortSignal, onFirst: () => void): Promise<void> {
    const tries: Readonly<Record<WayIn, UnattendedTries>> = { keyService: new UnattendedTries(), passphrase: new UnattendedTries() };
    for (;;) {
      for (const way of this.#waysIn()) {
        if (!this.#options.isLocked()) return;
        if (tries[way].left !== 0) continue;
        const tried = await this.#attempt(way, signal);
        if (tried === 'unlocked' || signal.aborted) return;
        const isLast = tries[way].failed(tried.error.code === 'wrongSecret' && way === 'passphrase');
        this.#troubles.set(way, { problem: tried.error.message, nextTryAt: this.#after(tries[way].left) });
        this.#options.onFailed(tried.error, isLast && this.#waysIn().every((other) => tries[other].left === undefined));
      }
      onFirst();
      const waits = this.#waysIn().flatMap((way) => tries[way].left ?? []);
      if (waits.length === 0 || !this.#options.isLocked()) return;
      const wait = Math.min(...waits);
      await this.#options.clock.sleep(wait, signal);
      for (const way of Object.values(tries)) way.passed(wait);
    }
  }

  #after(milliseconds: number | undefined): Date | null {
    return milliseconds === undefined ? null : new Date(this.#options.wallClock().getTime() + milliseconds);
  }

  /** Of a passphrase `wrongSecret` means that it was got, and opens nothing: what else fails, a disk or memory, waiting may cure. */
  async #attempt(way: WayIn, signal: AbortSignal): Promise<'unlocked' | { readonly error: HoldfastError }> {
    try {
      if (way === 'keyService') await this.#options.unlockByService(signal);
      else {
        const source = this.#source.value;
        if (source === undefined) throw new RangeError('it was switched off in between');
        using passphrase = await this.#options.fetch(source, signal);
        await this.#options.unlock(passphrase.bytes, signal);
      }
      this.#troubles.clear();
      this.#options.onUnlocked();
      return 'unlocked';
    } catch (error) {
      signal.throwIfAborted();
      return { error: way === 'passphrase' ? asProblem(error) : asFailure(error) };
    }
  }

  /** Ended by `stop`, or by something that nobody foresaw: locked is the safe state, and a daemon that ends for it would only be started again. */
  #giveUp(error: unknown, controller: AbortController): void {
    if (this.#running !== controller || controller.signal.aborted) return;
    const problem = asFailure(error);
    const [way = 'passphrase'] = this.#waysIn();
    this.#troubles.clear();
    this.#troubles.set(way, { problem: problem.message, nextTryAt: null });
    this.#options.onFailed(problem, true);
  }
}

/** Of a passphrase that was tried. */
function asProblem(error: unknown): HoldfastError {
  if (!HoldfastError.is(error, 'wrongSecret')) return asFailure(error);
  return new HoldfastError('wrongSecret', 'Failed to unlock unattended: what it gives opens no passkey.', {
    fix: 'Unlock by hand, and set "holdfast unattended" anew.',
    cause: error,
  });
}

function asFailure(error: unknown): HoldfastError {
  return HoldfastError.is(error) ? error : HoldfastError.unforeseen('unlock unattended', error);
}
