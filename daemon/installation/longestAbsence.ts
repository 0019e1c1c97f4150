import * as z from 'zod';
import type { SettingStore } from '../catalog/settingStore.ts';
import { defaultAbsence } from '../locks/lockPlan.ts';
import { StoredSetting } from './storedSetting.ts';

const dayMs = 86_400_000;

/** How long the daemon may be away without any lock lapsing, in days; a machine that is switched off at weekends where nothing is set. */
export class LongestAbsence {
  readonly #setting: StoredSetting<number>;

  constructor(settings: SettingStore) {
    this.#setting = new StoredSetting(settings, 'longestAbsence', z.number().min(0).max(60));
  }

  get days(): number {
    return this.#setting.value ?? defaultAbsence.desktop / dayMs;
  }

  set(days: number): void {
    this.#setting.set(days);
  }
}
