import * as z from 'zod';
import type { AutoLockStatus } from '../../protocol/methods/autoLock.ts';
import type { SettingStore } from '../catalog/settingStore.ts';
import { StoredSetting } from './storedSetting.ts';

export interface AutoLockOptions {
  readonly settings: SettingStore;
  /** Seconds that go on while the machine sleeps and that no setting of the clock changes: the time since it was started. */
  readonly uptime: () => number;
  readonly wallClock: () => Date;
  readonly isUnlocked: () => boolean;
  /** Work under way is waited for and not cut short. */
  readonly isBusy: () => boolean;
  readonly lock: () => Promise<void>;
}

/** The setting in the catalog. */
const hoursSchema = z.number().positive();

/** Locks a number of hours after somebody has last given a passphrase, or the daemon has unlocked itself. Off where nothing is set. */
export class AutoLock {
  readonly #options: AutoLockOptions;
  readonly #hours: StoredSetting<number>;
  #since: number;
  #isLocking = false;

  constructor(options: AutoLockOptions) {
    this.#options = options;
    this.#hours = new StoredSetting(options.settings, 'autoLock', hoursSchema);
    this.#since = options.uptime();
  }

  /** Whether a newer version has set it to what this one does not know: it counts as off. */
  get isUnknown(): boolean {
    return this.#hours.isUnknown;
  }

  /** `null`: off. */
  get status(): AutoLockStatus | null {
    const { uptime, wallClock, isUnlocked } = this.#options;
    const hours = this.#hours.value;
    if (hours === undefined) return null;
    const left = hours * 3600 - (uptime() - this.#since);
    return { hours, at: isUnlocked() ? new Date(wallClock().getTime() + Math.max(0, left) * 1000).toISOString() : null };
  }

  /** `null` switches it off. Counts from when a passphrase was last given, not from now. */
  set(hours: number | null): void {
    if (hours === null) this.#hours.remove();
    else this.#hours.set(hours);
  }

  /** A passphrase has just opened a passkey. */
  restart(): void {
    this.#since = this.#options.uptime();
  }

  /** To be called every now and then: locks once the time is over and nothing is under way. */
  async look(): Promise<void> {
    const { uptime, isUnlocked, isBusy, lock } = this.#options;
    const hours = this.#hours.value;
    if (hours === undefined || this.#isLocking || !isUnlocked() || isBusy() || uptime() - this.#since < hours * 3600) return;
    this.#isLocking = true;
    try {
      await lock();
    } finally {
      this.#isLocking = false;
    }
  }
}
