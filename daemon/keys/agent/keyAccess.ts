import type { AwsKmsSlot, VaultTransitSlot } from '../slot.ts';

export type {
  AwsKmsAccess,
  AwsKmsTarget,
  KeyAccess,
  KeyTarget,
  VaultTransitAccess,
  VaultTransitTarget,
} from '../../../protocol/keyServices.ts';

/** A slot whose key is outside. */
export type ServiceSlot = AwsKmsSlot | VaultTransitSlot;
