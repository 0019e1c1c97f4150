import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import type { MasterKey } from './masterKey.ts';
import { derivePassphraseKey, openPassphraseSlot, wrongPassphrase } from './passkeys/passphrase.ts';
import type { ScryptRunner } from './scryptRunner.ts';
import type { WipedBytes } from './secretBytes.ts';
import type { PassphraseSlot } from './slot.ts';

const trialsBetweenQuestions = 8;

export interface ScryptTrialsOptions {
  readonly installationId: InstallationId;
  /** As it was typed; stays the caller's to wipe. */
  readonly passphrase: Uint8Array;
  readonly scrypt: ScryptRunner;
  /** Asked after each 8 derivations without success, with their count so far. `false` ends the search. */
  readonly askToGoOn: (count: number) => Promise<boolean>;
  readonly signal?: AbortSignal;
}

/** One passphrase against many slots: each set of scrypt parameters and salt is computed once, however many slots carry it. */
export class ScryptTrials implements Disposable {
  readonly #options: ScryptTrialsOptions;
  readonly #derived = new Map<string, WipedBytes>();

  constructor(options: ScryptTrialsOptions) {
    this.#options = options;
  }

  /** Derivations so far. */
  get count(): number {
    return this.#derived.size;
  }

  hasTried(slot: PassphraseSlot): boolean {
    return this.#derived.has(nameOfSet(slot));
  }

  /**
   * The slot's master key, for the caller to dispose of. Throws `HoldfastError`: `cancelled` where the user does not go on,
   * `wrongSecret` for a passphrase of impossible form; the signal's reason.
   */
  async open(slot: PassphraseSlot): Promise<MasterKey | undefined> {
    const { installationId } = this.#options;
    const derived = this.#derived.get(nameOfSet(slot)) ?? (await this.#derive(slot));
    return openPassphraseSlot(installationId, slot, derived.bytes);
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
