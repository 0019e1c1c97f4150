import { HoldfastError } from '../../protocol/errors.ts';
import type { PolicyId } from '../../protocol/ids.ts';
import type { DrKeys } from '../keys/dr/drCell.ts';
import { forgetKeys } from '../keys/forgetKeys.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';

/** The one place that holds the master key while the daemon is unlocked, the policy keys that were derived from it, and the keys of disaster recovery. */
export class KeyHolder implements Disposable {
  #masterKey: MasterKey | undefined;
  #drKeys: DrKeys | undefined;
  readonly #policyKeys = new Map<string, PolicyKeys>();

  get isUnlocked(): boolean {
    return this.#masterKey !== undefined;
  }

  /** Throws `locked`. */
  get masterKey(): MasterKey {
    if (this.#masterKey === undefined) {
      throw new HoldfastError('locked', 'Failed to use the keys: the daemon is locked.', { fix: 'Run "holdfast unlock".' });
    }
    return this.#masterKey;
  }

  /** Takes the key over. */
  hold(masterKey: MasterKey): void {
    this.#masterKey = masterKey;
  }

  /** `undefined` while disaster recovery is off, or the daemon locked. */
  get drKeys(): DrKeys | undefined {
    return this.#drKeys;
  }

  /** Takes them over, in place of those that were held; `undefined` where disaster recovery is turned off. */
  holdDrKeys(drKeys: DrKeys | undefined): void {
    if (this.#drKeys?.drKey !== drKeys?.drKey) this.#drKeys?.drKey[Symbol.dispose]();
    this.#drKeys = drKeys;
  }

  /** Throws `locked`. */
  policyKeys(policyId: PolicyId, keyGeneration: number): PolicyKeys {
    const name = `${policyId}/${keyGeneration}`;
    const known = this.#policyKeys.get(name);
    if (known !== undefined) return known;
    const derived = this.masterKey.policyKeys(policyId, keyGeneration);
    this.#policyKeys.set(name, derived);
    return derived;
  }

  /** Every generation that a policy has had, newest first: what its stored objects may need. */
  policyKeysOfAllGenerations(policyId: PolicyId, newest: number): readonly PolicyKeys[] {
    return Array.from({ length: newest }, (_value, index) => this.policyKeys(policyId, newest - index));
  }

  /** Drops every key and has the memory that held them cleared. */
  drop(): void {
    this.#masterKey?.[Symbol.dispose]();
    this.#masterKey = undefined;
    this.holdDrKeys(undefined);
    this.#policyKeys.clear();
    forgetKeys();
  }

  [Symbol.dispose](): void {
    this.drop();
  }
}
