import { HoldfastError } from '../../../protocol/errors.ts';
import { type UnattendedSource, unattendedSource, type UnattendedStatus } from '../../../protocol/methods/unattended.ts';
import type { SettingStore } from '../../catalog/settingStore.ts';
import type { WipedBytes } from '../../keys/secretBytes.ts';
import type { UnlockClock } from '../../keys/unlockDelay.ts';
import { StoredSetting } from '../storedSetting.ts';

export interface UnattendedUnlockOptions {
  readonly settings: SettingStore;
  readonly clock: UnlockClock;
  readonly wallClock: () => Date;
  readonly isLocked: () => boolean;
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

/** A disk that is not mounted yet or a credential store that nobody has opened yet: looked at for as long as the daemon runs, ever more seldom. */
const firstWait = 5000;
const longestWait = 10 * 60 * 1000;

/** Each try of a passphrase costs a second of work and a quarter of a gigabyte; one that is wrong three times will be wrong again. */
const wrongMost = 3;
const waitAfterWrong = 60_000;

interface Trouble {
  readonly problem: string;
  readonly nextTryAt: Date | null;
}

/** The daemon unlocks itself at its start, where the user has said from what. What was locked by hand stays locked until it is unlocked by hand or started anew. */
export class UnattendedUnlock implements Disposable {
  readonly #options: UnattendedUnlockOptions;
  readonly #source: StoredSetting<UnattendedSource>;
  #trouble: Trouble | undefined;
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
    const source = this.#source.value;
    if (source === undefined) return null;
    const trouble = this.#options.isLocked() ? this.#trouble : undefined;
    return {
      kind: source.kind,
      path: source.kind === 'passphraseFile' ? source.path : null,
      problem: trouble?.problem ?? null,
      nextTryAt: trouble?.nextTryAt?.toISOString() ?? null,
    };
  }

  /** The command line that is run, for whoever has to keep it out of a text. */
  get commands(): readonly string[] {
    const source = this.#source.value;
    return source?.kind === 'command' ? [source.command] : [];
  }

  /** Begins where it is switched on; resolves after the first attempt, and goes on by itself where that failed. */
  async start(): Promise<void> {
    if (this.#source.value === undefined || !this.#options.isLocked() || this.#running !== undefined) return;
    const controller = new AbortController();
    this.#running = controller;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tryUntilUnlocked(controller.signal, resolve)
      .catch((error: unknown) => this.#giveUp(error))
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
    this.#trouble = undefined;
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
    this.#trouble = undefined;
    const status = this.status;
    if (status === null) throw new RangeError('a setting that was written is not there');
    return status;
  }

  /** Whether it was on. */
  off(): boolean {
    this.stop();
    return this.#source.remove();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  async #tryUntilUnlocked(signal: AbortSignal, onFirst: () => void): Promise<void> {
    let [wrong, wait] = [0, firstWait];
    while (this.#options.isLocked()) {
      const source = this.#source.value;
      if (source === undefined) return;
      const tried = await this.#attempt(source, signal);
      if (tried === 'unlocked' || signal.aborted) return;
      wrong += tried.isPassphrase ? 1 : 0;
      const next = tried.isPassphrase ? waitAfterWrong * 10 ** (wrong - 1) : wait;
      if (!tried.isPassphrase) wait = Math.min(longestWait, wait * 2);
      const isLast = wrong >= wrongMost;
      this.#trouble = {
        problem: tried.error.message,
        nextTryAt: isLast ? null : new Date(this.#options.wallClock().getTime() + next),
      };
      this.#options.onFailed(tried.error, isLast);
      onFirst();
      if (isLast) return;
      await this.#options.clock.sleep(next, signal);
    }
  }

  /** What came of it, and whether a passphrase was got and tried. */
  async #attempt(
    source: UnattendedSource,
    signal: AbortSignal,
  ): Promise<'unlocked' | { readonly error: HoldfastError; readonly isPassphrase: boolean }> {
    let isPassphrase = false;
    try {
      using passphrase = await this.#options.fetch(source, signal);
      isPassphrase = true;
      await this.#options.unlock(passphrase.bytes, signal);
      this.#trouble = undefined;
      this.#options.onUnlocked();
      return 'unlocked';
    } catch (error) {
      signal.throwIfAborted();
      return { error: asProblem(error), isPassphrase };
    }
  }

  /** Ended by `stop`, or by something that nobody foresaw: locked is the safe state, and a daemon that ends for it would only be started again. */
  #giveUp(error: unknown): void {
    if (this.#running === undefined || this.#running.signal.aborted) return;
    const problem = asProblem(error);
    this.#trouble = { problem: problem.message, nextTryAt: null };
    this.#options.onFailed(problem, true);
  }
}

function asProblem(error: unknown): HoldfastError {
  if (HoldfastError.is(error, 'wrongSecret')) {
    return new HoldfastError('wrongSecret', 'Failed to unlock unattended: what it gives opens no passkey.', {
      fix: 'Unlock by hand, and set "holdfast unattended" anew.',
      cause: error,
    });
  }
  return HoldfastError.is(error) ? error : HoldfastError.unforeseen('unlock unattended', error);
}
