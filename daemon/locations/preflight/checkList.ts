import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationCheck } from '../../../protocol/methods/locations.ts';
import { throwIfAborted } from '../storeErrors.ts';

/** What one check found: a sentence, and a way out where it is not a pass. */
export interface Outcome {
  readonly detail: string;
  readonly result?: 'fail' | 'warn';
  readonly fix?: string;
  /** A failure that only what is to be immutable fails by; elsewhere it is a warning. */
  readonly forLocksOnly?: boolean;
}

export const failed = (detail: string, fix: string): Outcome => ({ detail, fix, result: 'fail' });
export const warned = (detail: string, fix: string): Outcome => ({ detail, fix, result: 'warn' });
/** Nothing can be called immutable with this; backups without locks can be stored. */
export const failedForLocks = (detail: string, fix: string): Outcome => ({ detail, fix, result: 'fail', forLocksOnly: true });

export interface CheckListOptions {
  readonly isImmutable: boolean;
  readonly signal?: AbortSignal;
}

/** The list of a preflight, as it grows. */
export class CheckList {
  readonly #checks: LocationCheck[] = [];
  readonly #options: CheckListOptions;
  readonly #failed: Set<string> = new Set();

  constructor(options: CheckListOptions) {
    this.#options = options;
  }

  get checks(): readonly LocationCheck[] {
    return this.#checks;
  }

  /** Whether everything that locks need is there. */
  get canBeImmutable(): boolean {
    return this.#failed.size === 0;
  }

  /** Adds one line; `false` where it failed, also where only locks fail by it. Rejects with `cancelled` only. */
  async check(check: string, work: () => Outcome | Promise<Outcome>, isForLocksOnly = false): Promise<boolean> {
    throwIfAborted(this.#options.signal, 'validate the location');
    try {
      return this.#add(check, await work());
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code === 'cancelled') throw error;
      const fix = error.fix ?? 'Read the log with "holdfast log"; it says more.';
      return this.#add(check, { detail: error.message, fix, result: 'fail', forLocksOnly: isForLocksOnly });
    }
  }

  #add(check: string, { detail, result, fix, forLocksOnly }: Outcome): boolean {
    const isFailure = result === 'fail';
    if (isFailure) this.#failed.add(check);
    const shown = isFailure && forLocksOnly === true && !this.#options.isImmutable ? 'warn' : (result ?? 'pass');
    this.#checks.push({ check, result: shown, detail, fix: shown === 'pass' ? null : (fix ?? null) });
    return !isFailure;
  }
}
