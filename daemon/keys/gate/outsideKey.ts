import type { Slot } from '../slot.ts';

/**
 * Names what a slot depends on outside: the KMS key, or the version of the Vault key. Two slots of one name fall together when it goes. `undefined` for a
 * passphrase, which depends on nothing that anybody else could delete.
 */
export function outsideKeyOf(slot: Slot): string | undefined {
  switch (slot.kind) {
    case 'passphrase':
      return undefined;
    case 'awsKms':
      return `awsKms ${slot.reference.keyArn}`;
    case 'vaultTransit': {
      const { address, namespace, mount, key, version } = slot.reference;
      return `vaultTransit ${JSON.stringify([address, namespace, mount, key, version])}`;
    }
  }
}

/** As a sentence names it: "key version 3 of transit/holdfast". */
export function shownOutsideKey(slot: Exclude<Slot, { readonly kind: 'passphrase' }>): string {
  if (slot.kind === 'awsKms') return `KMS key ${slot.reference.keyArn}`;
  const { mount, key, version } = slot.reference;
  return `version ${version} of the Vault key ${mount}/${key}`;
}
