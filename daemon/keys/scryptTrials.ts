import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import type { Keyring } from './keyring.ts';
import type { MasterKey } from './masterKey.ts';
import { derivePassphraseKey, openPassphraseSlot, wrongPassphrase } from './passkeys/passphrase.ts';
import type { ScryptRunner } from './scryptRunner.ts';
import type { WipedBytes } from './secretBytes.ts';
import type { PassphraseSlot, Slot } from './slot.ts';
import { type AskToGoOn, type SlotTrials, trialsBetweenQuestions } from './slotTrials.ts';

export interface ScryptTrialsOptions {
  readonly installationId: InstallationId;
  /** As it was typed; stays the caller's to wipe. */
  readonly passphrase: Uint8Array;
  readonly scrypt: ScryptRunner;
  readonly askToGoOn: AskToGoOn;
  readonly signal?: AbortSignal;
}

/** One passphrase against many slots: each set of scrypt parameters and salt is computed once, however many slots carry it. */
export class ScryptTrials implements SlotTrials {
  readonly #options: ScryptTrialsOptions;
  readonly #derived = new Map<string, WipedBytes>();

  constructor(options: ScryptTrialsOptions) {
    this.#options = options;
  }

  /** Derivations so far. */
  get count(): number {
    return this.#derived.size;
  }

  slotsOf({ body: { slots } }: Keyring): readonly Slot[] {
    return slots.filter((slot) => slot.kind === 'passphrase');
  }

  hasTried(slot: Slot): boolean {
    return slot.kind === 'passphrase' && this.#derived.has(nameOfSet(slot));
  }

  /**
   * The slot's master key, for the caller to dispose of. Throws `HoldfastError`: `cancelled` where the user does not go on,
   * `wrongSecret` for a passphrase of impossible form; the signal's reason.
   */
  async open(slot: Slot): Promise<MasterKey | undefined> {
    if (slot.kind !== 'passphrase') return undefined;
    const { installationId } = this.#options;
    const derived = this.#derived.get(nameOfSet(slot)) ?? (await this.#derive(slot));
    return openPassphraseSlot(installationId, slot, derived.bytes);
  }

  failure(): HoldfastError {
    return wrongPassphrase();
  }

  async #derive(slot: PassphraseSlot): Promise<WipedBytes> {
    const { askToGoOn, passphrase, scrypt, signal } = this.#options;
    if (this.count > 0 && this.count % trialsBetweenQuestions === 0 && !(await askToGoOn(this.count))) {
      throw new HoldfastError('cancelled', `Failed to open a keyring: stopped after ${this.count} attempts.`, {
        details: { attempts: this.count },
      });
    }
    const derived = await derivePassphraseKey(slot, passphrase, scrypt, signal);
    if (derived === undefined) throw wrongPassphrase();
    this.#derived.set(nameOfSet(slot), derived);
    return derived;
  }

  [Symbol.dispose](): void {
    for (const derived of this.#derived.values()) derived[Symbol.dispose]();
    this.#derived.clear();
  }
}

function nameOfSet({ reference: { N, r, p, salt } }: PassphraseSlot): string {
  return `${N},${r},${p},${salt}`;
}
