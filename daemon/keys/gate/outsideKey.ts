import { materialOfKeyArn } from '../../../protocol/awsKeyName.ts';
import type { Slot } from '../slot.ts';

/** What a slot depends on outside, and what falls with it. */
export interface OutsideKey {
  /** Of a KMS key its ARN, for all replicas of a multi-region key the same; of a Vault key its address, namespace, mount and name. */
  readonly name: string;
  /** Of a Vault key. A KMS key ends as a whole: 0. */
  readonly version: number;
}

/** `undefined` for a passphrase, which depends on nothing that anybody else could delete. */
export function outsideKeyOf(slot: Slot): OutsideKey | undefined {
  switch (slot.kind) {
    case 'passphrase':
      return undefined;
    case 'awsKms':
      return { name: `awsKms ${materialOfKeyArn(slot.reference.keyArn)}`, version: 0 };
    case 'vaultTransit': {
      const { address, namespace, mount, key, version } = slot.reference;
      return { name: `vaultTransit ${JSON.stringify([address, namespace, mount, key])}`, version };
    }
  }
}

/** Whether a key is gone where another one is ended: a version of a Vault key ends with every earlier one, which is all that `min_decryption_version` can do. */
export function fallsWith(key: OutsideKey | undefined, ended: OutsideKey | undefined): boolean {
  return key !== undefined && ended !== undefined && key.name === ended.name && key.version <= ended.version;
}

/** As a sentence names it: "key version 3 of transit/holdfast". */
export function shownOutsideKey(slot: Exclude<Slot, { readonly kind: 'passphrase' }>): string {
  if (slot.kind === 'awsKms') return `KMS key ${slot.reference.keyArn}`;
  const { mount, key, version } = slot.reference;
  return `version ${version} of the Vault key ${mount}/${key}`;
}
