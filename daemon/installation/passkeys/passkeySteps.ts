import type { SlotId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PasskeyStep } from '../../keys/passkeyStates.ts';
import type { PasskeyOpening } from './passkeyOpening.ts';
import type { Opening } from './slotKeys.ts';

export interface PasskeyStepsOptions {
  readonly catalog: Catalog;
  readonly opening: PasskeyOpening;
  /** Marks the keyring as changed; called within the transaction that changes the slots. */
  readonly keyringChanged: () => void;
  /** Called within the transaction that adds a slot. Throws `refusedByRule` where a keyring has no room for it. */
  readonly assertRoom: () => void;
  /** Brings the changed keyring to every location that can be reached. */
  readonly deliver: (signal: AbortSignal) => Promise<void>;
  readonly onChanged: (slotId: SlotId) => void;
}

/** What the steps of one change need. */
export interface StepContext {
  /** Writes the new slot's rows. */
  readonly record?: () => void;
  /** What opens the new slot. */
  readonly opening?: Opening;
  readonly signal: AbortSignal;
  /** Within the transaction in which the new slot of a rotation comes in the place of the old one. */
  readonly onTakeOver?: () => void;
}

/** Takes the steps of keys/passkeyStates.ts, by which at each point at least one slot opens the master key. */
export class PasskeySteps {
  readonly #options: PasskeyStepsOptions;
  readonly #catalog: Catalog;

  constructor(options: PasskeyStepsOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
  }

  /** Takes the steps one after the other, each durable before the next begins. */
  async perform(steps: readonly PasskeyStep[], given: StepContext): Promise<void> {
    const { passkeys } = this.#catalog;
    for (const step of steps) {
      switch (step.step) {
        case 'record':
          this.change(() => {
            given.record?.();
            this.#options.assertRoom();
          });
          break;
        case 'publish':
          await this.#options.deliver(given.signal);
          break;
        case 'verify':
          if (given.opening !== undefined) await this.#options.opening.proveRecorded(step.slotId, given.opening, given.signal);
          break;
        case 'takeBack':
          this.change(() => passkeys.change(step.slotId, { leftKeyringsAt: null }));
          break;
        case 'use':
          this.#catalog.transaction(() => {
            passkeys.use(step.slotId);
            // Whoever uses it in its own right has it stand in for nothing else.
            passkeys.change(step.slotId, { replaces: null });
            given.onTakeOver?.();
          });
          break;
        case 'takeOver':
          this.#catalog.transaction(() => given.onTakeOver?.());
          break;
        case 'retire':
          this.change(() => passkeys.change(step.slotId, { state: 'retired' }));
          break;
      }
      if ('slotId' in step) this.#options.onChanged(step.slotId);
    }
  }

  /** Slots and the mark that every keyring is behind change in one transaction. */
  change(work: () => unknown): void {
    this.#catalog.transaction(() => {
      work();
      this.#options.keyringChanged();
    });
  }
}
