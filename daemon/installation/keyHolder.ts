import { HoldfastError } from '../../protocol/errors.ts';
import type { PolicyId } from '../../protocol/ids.ts';
import type { ImportedPolicyRecord } from '../catalog/importedPolicyStore.ts';
import { CatalogSeal } from '../keys/catalogSeal.ts';
import type { DrKeys } from '../keys/dr/drCell.ts';
import { forgetKeys } from '../keys/forgetKeys.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import { openMigrationKeys, policyKeysOfMigration } from '../keys/migrationKeys.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';

/** The one place that holds the master key while the daemon is unlocked, the policy keys that were derived from it, and the keys of disaster recovery. */
export class KeyHolder implements Disposable {
  #masterKey: MasterKey | undefined;
  #drKeys: DrKeys | undefined;
  readonly #policyKeys = new Map<string, PolicyKeys>();
  readonly #importedKeys = new Map<PolicyId, readonly PolicyKeys[]>();
  readonly #importedPolicy: (policyId: PolicyId) => ImportedPolicyRecord | undefined;

  /** `importedPolicy`: its row, where a policy is another installation's; none is where it is left out. */
  constructor(importedPolicy: (policyId: PolicyId) => ImportedPolicyRecord | undefined = () => undefined) {
    this.#importedPolicy = importedPolicy;
  }

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

  /** To write with. Throws `locked`, and `refusedByRule` for a policy that was imported: this installation has no key of its own for it. */
  policyKeys(policyId: PolicyId, keyGeneration: number): PolicyKeys {
    const name = `${policyId}/${keyGeneration}`;
    const known = this.#policyKeys.get(name);
    if (known !== undefined) return known;
    if (this.#importedPolicy(policyId) !== undefined) {
      throw HoldfastError.failedTo('refusedByRule', 'use the keys of a policy', 'it was imported, and nothing is written for it here', {
        fix: 'Back up at the installation that it comes from.',
      });
    }
    const derived = this.masterKey.policyKeys(policyId, keyGeneration);
    this.#policyKeys.set(name, derived);
    return derived;
  }

  /** Every generation that a policy has had, newest first: what its stored objects may need. Of an imported one those that came with it. */
  policyKeysOfAllGenerations(policyId: PolicyId, newest: number): readonly PolicyKeys[] {
    const imported = this.#importedPolicy(policyId);
    if (imported !== undefined) return this.#keysOfImported(imported);
    return Array.from({ length: newest }, (_value, index) => this.policyKeys(policyId, newest - index));
  }

  /** For an imported policy that went, or whose keys were given anew. */
  forgetImported(policyId: PolicyId): void {
    this.#importedKeys.delete(policyId);
  }

  #keysOfImported({ policyId, installationId, migrationKeys }: ImportedPolicyRecord): readonly PolicyKeys[] {
    const known = this.#importedKeys.get(policyId);
    if (known !== undefined) return known;
    const seal = new CatalogSeal(this.masterKey.catalogKey(), this.masterKey.installationId);
    const keys = policyKeysOfMigration({ installationId, policyId }, openMigrationKeys(seal, policyId, migrationKeys));
    this.#importedKeys.set(policyId, keys);
    return keys;
  }

  /** Drops every key and has the memory that held them cleared. */
  drop(): void {
    this.#masterKey?.[Symbol.dispose]();
    this.#masterKey = undefined;
    this.holdDrKeys(undefined);
    this.#policyKeys.clear();
    this.#importedKeys.clear();
    forgetKeys();
  }

  [Symbol.dispose](): void {
    this.drop();
  }
}
