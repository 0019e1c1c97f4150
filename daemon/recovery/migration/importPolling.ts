import type { PolicyId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ImportedPolicyRecord } from '../../catalog/importedPolicyStore.ts';
import type { PolicyMigration } from './policyMigration.ts';

export interface ImportPollingOptions {
  readonly catalog: Pick<Catalog, 'importedPolicies'>;
  readonly migration: Pick<PolicyMigration, 'refresh'>;
  readonly isUnlocked: () => boolean;
  readonly wallClock: () => Date;
  /** Calls back once after so many milliseconds, unless the function that it gives is called before. */
  readonly after: (milliseconds: number, callback: () => void) => () => void;
  readonly onFailed: (policyId: PolicyId, error: unknown) => void;
}

/** Timers stand still while the machine sleeps, so none is set further ahead. */
const lookMilliseconds = 30_000;

/** Looks for new restore points of imported policies that are polled, one policy after the other, while the daemon is unlocked. */
export class ImportPolling implements AsyncDisposable {
  readonly #options: ImportPollingOptions;
  #cancelTimer: (() => void) | undefined;
  #round: { readonly controller: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: ImportPollingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancelTimer = this.#options.after(lookMilliseconds, () => {
      this.start();
      this.look();
    });
  }

  /** Locked or unlocked. */
  stateChanged(): void {
    if (this.#options.isUnlocked()) this.look();
    else this.#round?.controller.abort();
  }

  /** Begins with those that are due, unless it is at it. */
  look(): void {
    if (!this.#options.isUnlocked() || this.#round !== undefined || this.#due().length === 0) return;
    const controller = new AbortController();
    const ended = this.#goRound(controller.signal).finally(() => {
      this.#round = undefined;
    });
    this.#round = { controller, ended };
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#round?.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#round?.controller.abort();
    await this.idle();
  }

  async #goRound(signal: AbortSignal): Promise<void> {
    for (const record of this.#due()) {
      if (signal.aborted) return;
      try {
        await this.#options.migration.refresh(record, signal);
      } catch (error) {
        if (!signal.aborted) this.#options.onFailed(record.policyId, error);
      }
    }
  }

  /** A clock that was set back makes it due at once. */
  #due(): readonly ImportedPolicyRecord[] {
    const now = this.#options.wallClock().getTime();
    return this.#options.catalog.importedPolicies.list().filter(({ pollSeconds, triedAt }) => {
      if (pollSeconds === null) return false;
      const since = now - Date.parse(triedAt);
      return since < 0 || since >= pollSeconds * 1000;
    });
  }
}
